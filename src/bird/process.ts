// BIRD's processes on this host: one is started in a session of its own, so that it outlives the agent; what an earlier
// agent has left is found by its command line, and taken over where it is what would be started now.
import { readFileSync, rmSync } from 'node:fs';
import { OcicatError } from '../base/errors.ts';
import * as libc from '../sys/libc.ts';
import { withNetns } from '../sys/netns.ts';
import { followChild, type RunningProcess, tryFollowProcess } from '../sys/process/running-process.ts';
import { observeProcesses, tryReadInode } from '../sys/processes.ts';
import { askBird } from './control.ts';

/** How a BIRD is started; two that are started alike are the same to those who look for one. */
export interface BirdCommand {
  readonly program: string;
  readonly socketPath: string;
  readonly configPath: string;
  /** The network namespace that it works in; default: the calling thread's. */
  readonly netnsFd: number | undefined;
}

const STOP_TIMEOUT_MS = 5000;
const POLL_MS = 20;
const SIGKILL = 9;

function tryRead<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined; // it has ended meanwhile
  }
}

function isOf({ socketPath }: BirdCommand, argv: readonly string[]): boolean {
  const at = argv.indexOf('-s');
  return at > 0 && argv[at + 1] === socketPath;
}

/** Those that were told to listen at this socket in this network namespace, whether they answer or not. */
export function observeBirds(command: BirdCommand): readonly number[] {
  const { netnsFd } = command;
  const netnsPath = netnsFd === undefined ? undefined : `/proc/self/fd/${netnsFd}`;
  return observeProcesses((commandLine) => isOf(command, commandLine), netnsPath);
}

/** The process that listens at the socket; undefined when nobody does. */
function tryListener(socketPath: string): number | undefined {
  const AF_UNIX = 1;
  const SOCK_STREAM_CLOEXEC = 0o2000001;
  const path = new TextEncoder().encode(socketPath);
  const fd = libc.socket(AF_UNIX, SOCK_STREAM_CLOEXEC, 0);
  try {
    libc.connect(fd, Uint8Array.of(AF_UNIX, 0, ...path, 0));
    return libc.peerCredentials(fd).pid;
  } catch {
    return undefined;
  } finally {
    libc.close(fd);
  }
}

/**
 * The same program, not one of another version, wherever it was started from: agents that are pods have a root each. And
 * the same file of configuration, not one of a root that has gone.
 */
function isSame(pid: number, { program, configPath }: BirdCommand): boolean {
  const executable = Bun.which(program);
  const [own, its] = [executable ?? '', `/proc/${pid}/exe`].map((path) => tryRead(() => readFileSync(path)));
  if (own === undefined || its === undefined || !own.equals(its)) return false;
  const config = tryReadInode(configPath);
  return config !== undefined && config === tryReadInode(`/proc/${pid}/root${configPath}`);
}

async function answers(socketPath: string): Promise<boolean> {
  try {
    await askBird(socketPath, 'show status');
    return true;
  } catch {
    return false;
  }
}

/** The BIRD that an earlier agent has left, when it is the only one, listens, answers, and is what would be started now. */
export async function tryTakeOver(command: BirdCommand): Promise<RunningProcess | undefined> {
  const [pid, ...others] = observeBirds(command);
  if (pid === undefined || others.length > 0 || !isSame(pid, command)) return undefined;
  if (tryListener(command.socketPath) !== pid || !(await answers(command.socketPath))) return undefined;
  return tryFollowProcess(pid);
}

/** Waits until none is there, or for STOP_TIMEOUT_MS. */
async function untilGone(command: BirdCommand): Promise<void> {
  const deadline = performance.now() + STOP_TIMEOUT_MS;
  while (performance.now() < deadline) {
    if (observeBirds(command).length === 0 && !(await answers(command.socketPath))) return;
    await Bun.sleep(POLL_MS);
  }
}

/**
 * Ends whatever is left of earlier agents, those that do not answer too; routes stay, here and at the peers. Somebody
 * else who listens in their place does so without anybody calling: BIRD would not start beside it.
 */
export async function endEarlier(command: BirdCommand): Promise<void> {
  if (observeBirds(command).length > 0 || tryListener(command.socketPath) !== undefined) await end(command);
  rmSync(command.socketPath, { force: true });
}

async function end(command: BirdCommand): Promise<void> {
  const asked = await askBird(command.socketPath, 'graceful restart').then(
    () => true,
    () => false,
  );
  if (asked) await untilGone(command);
  const left = observeBirds(command);
  for (const pid of left) tryRead(() => libc.kill(pid, SIGKILL));
  if (left.length > 0) await untilGone(command);
}

/** Throws `unavailable` when the program cannot be run at all. */
export function spawnBird(program: string, args: readonly string[], stderr: 'pipe' | 'inherit', detached = false) {
  try {
    return Bun.spawn([program, ...args], { stdin: 'ignore', stdout: 'ignore', stderr, detached });
  } catch (cause) {
    throw new OcicatError(
      'unavailable',
      `run "${program}": it cannot be started (Debian has it in the package bird2)`,
      { cause },
    );
  }
}

/** In a session of its own: what ends the agent, or its terminal, does not end it. Its log goes where the agent's goes. */
export function startBird(command: BirdCommand, hasEarlierRoutes: boolean): RunningProcess {
  const { program, socketPath, configPath, netnsFd } = command;
  // -R: it takes over the routes of an earlier one rather than begin by removing them
  const args = ['-f', ...(hasEarlierRoutes ? ['-R'] : []), '-s', socketPath, '-c', configPath];
  const spawn = () => spawnBird(program, args, 'inherit', true);
  return followChild(netnsFd === undefined ? spawn() : withNetns(netnsFd, spawn));
}
