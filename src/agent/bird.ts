// Owns the BIRD process: its configuration file, its start, its reloads, its death, and its going without losing routes.
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeError, OcicatError } from '../base/errors.ts';
import { observeRoutes, PROTOCOL_BIRD } from '../kernel/routes.ts';
import { NETLINK_ROUTE, openNetlink } from '../sys/netlink.ts';
import { withNetns } from '../sys/netns.ts';
import { askBird } from './bird-control.ts';
import { type BirdProtocol, observeBirdProtocols } from './bird-protocols.ts';

export type { BgpState, BirdProtocol } from './bird-protocols.ts';
export { observeBirdProtocols };

export interface BirdOptions {
  /** Holds bird.ctl, where `calicoctl node status` looks for it, and bird.cfg. Made if it is not there. */
  readonly runDirectory: string;
  /** Default: `bird`, from the path. */
  readonly program?: string;
  /** The network namespace that BIRD works in; default: the calling thread's. */
  readonly netnsFd?: number;
  /** What happens to the process, for the log. BIRD's own log goes to this process's standard error. */
  readonly log: (message: string) => void;
}

export interface Bird {
  readonly socketPath: string;
  /** Throws `invalid` with BIRD's words when it would refuse this configuration; changes nothing. */
  check(config: string): Promise<void>;
  /**
   * Makes BIRD follow this configuration. Sessions whose part of it is the same stay up.
   * Throws `invalid` with BIRD's words when it refuses the text, which leaves all as it was; `unavailable` when it does
   * not start, in which case it goes on trying.
   */
  apply(config: string, signal?: AbortSignal): Promise<'unchanged' | 'reloaded' | 'started'>;
  observeProtocols(signal?: AbortSignal): Promise<readonly BirdProtocol[]>;
  /**
   * Ends BIRD. `restart`: it will be back soon, and peers keep sending meanwhile (RFC 4724). `leave`: peers forget this
   * node's routes at once. The kernel's routes stay in both cases.
   */
  stop(mode: 'restart' | 'leave'): Promise<void>;
}

const START_TIMEOUT_MS = 5000;
const STOP_TIMEOUT_MS = 5000;
const POLL_MS = 20;
/** Wait before a new start after a death: doubled from death to death, forgotten after a minute of life. */
const FIRST_BACKOFF_MS = 500;
const LAST_BACKOFF_MS = 30_000;
const STEADY_MS = 60_000;

/** Routes of an earlier BIRD are in the kernel: it must take them over rather than begin by removing them. */
function hasEarlierRoutes(netnsFd: number | undefined): boolean {
  const socket = openNetlink(NETLINK_ROUTE, netnsFd === undefined ? {} : { netnsFd });
  try {
    return observeRoutes(socket, { protocol: PROTOCOL_BIRD }).length > 0;
  } finally {
    socket.close();
  }
}

/** Throws `unavailable` when the program cannot be run at all. */
function spawnBird(
  command: readonly string[],
  stderr: 'pipe' | 'inherit',
): Bun.Subprocess<'ignore', 'ignore', 'pipe' | 'inherit'> {
  try {
    return Bun.spawn([...command], { stdin: 'ignore', stdout: 'ignore', stderr });
  } catch (cause) {
    throw new OcicatError('unavailable', `run "${command[0]}": it cannot be started; BIRD 2 must be installed`, {
      cause,
    });
  }
}

async function checkConfig(program: string, path: string): Promise<void> {
  const check = spawnBird([program, '-p', '-c', path], 'pipe');
  const words = check.stderr instanceof ReadableStream ? new Response(check.stderr).text() : '';
  const status = await check.exited;
  if (status !== 0) throw new OcicatError('invalid', `check BIRD configuration "${path}": ${(await words).trim()}`);
}

/** Ends a BIRD that an earlier run of the agent has left running; its routes stay, here and at its peers. */
async function endEarlier(socketPath: string): Promise<void> {
  try {
    await askBird(socketPath, 'graceful restart');
  } catch {
    return; // none is running
  }
  await untilSilent(socketPath);
}

async function untilSilent(socketPath: string): Promise<void> {
  const deadline = performance.now() + STOP_TIMEOUT_MS;
  while (performance.now() < deadline) {
    try {
      await askBird(socketPath, 'show status');
    } catch {
      return;
    }
    await Bun.sleep(POLL_MS);
  }
}

/** Resolves when BIRD answers; throws `unavailable` when it has ended or is silent for too long. */
async function untilReady(child: Bun.Subprocess, socketPath: string): Promise<void> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    try {
      await askBird(socketPath, 'show status');
      return;
    } catch (cause) {
      if (child.exitCode !== null)
        throw new OcicatError('unavailable', `start BIRD: it ended with status ${child.exitCode}`, { cause });
      if (performance.now() > deadline)
        throw new OcicatError('unavailable', `start BIRD: no answer within ${START_TIMEOUT_MS} ms`, { cause });
    }
    await Bun.sleep(POLL_MS);
  }
}

/** Nothing runs before the first apply. One owner at a time: a BIRD that answers at the socket is replaced. */
export function openBird(options: BirdOptions): Bird {
  const { runDirectory, program = 'bird', netnsFd, log } = options;
  const socketPath = join(runDirectory, 'bird.ctl');
  const configPath = join(runDirectory, 'bird.cfg');
  const draftPath = `${configPath}.new`;
  let child: Bun.Subprocess | undefined;
  let applied: string | undefined;
  let stopped = false;
  let backoffMs = FIRST_BACKOFF_MS;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let turn: Promise<unknown> = Promise.resolve();

  /** One thing at a time, in the order asked for. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = turn.then(work, work);
    turn = result.catch(() => undefined);
    return result;
  }

  function onExit(ended: Bun.Subprocess, startedMs: number): void {
    if (child !== ended) return;
    child = undefined;
    if (stopped) return;
    if (performance.now() - startedMs > STEADY_MS) backoffMs = FIRST_BACKOFF_MS;
    log(`BIRD ended (${ended.signalCode ?? `status ${ended.exitCode}`}), starting it again in ${backoffMs} ms`);
    retry = setTimeout(() => void inTurn(restart).catch((error: unknown) => log(describeError(error))), backoffMs);
    backoffMs = Math.min(backoffMs * 2, LAST_BACKOFF_MS);
  }

  async function restart(): Promise<void> {
    if (!stopped && child === undefined) await start();
  }

  async function start(): Promise<void> {
    clearTimeout(retry);
    await endEarlier(socketPath);
    const recovery = hasEarlierRoutes(netnsFd) ? ['-R'] : [];
    const startedMs = performance.now();
    const command = [program, '-f', ...recovery, '-s', socketPath, '-c', configPath];
    const spawn = () => spawnBird(command, 'inherit');
    const started = netnsFd === undefined ? spawn() : withNetns(netnsFd, spawn);
    child = started;
    void started.exited.then(() => onExit(started, startedMs));
    await untilReady(started, socketPath);
    log(`BIRD runs with process id ${started.pid}`);
  }

  async function check(config: string): Promise<void> {
    mkdirSync(runDirectory, { recursive: true });
    writeFileSync(draftPath, config);
    await checkConfig(program, draftPath);
  }

  async function writeConfig(config: string): Promise<void> {
    await check(config);
    renameSync(draftPath, configPath);
  }

  async function apply(config: string, signal?: AbortSignal): Promise<'unchanged' | 'reloaded' | 'started'> {
    signal?.throwIfAborted();
    if (config === applied && child !== undefined) return 'unchanged';
    await writeConfig(config);
    stopped = false;
    if (child === undefined) {
      await start();
      applied = config;
      return 'started';
    }
    await askBird(socketPath, 'configure', signal);
    applied = config;
    return 'reloaded';
  }

  async function stop(mode: 'restart' | 'leave'): Promise<void> {
    stopped = true;
    clearTimeout(retry);
    const ending = child;
    if (ending === undefined) return;
    const timer = setTimeout(() => ending.kill('SIGKILL'), STOP_TIMEOUT_MS);
    try {
      await askBird(socketPath, mode === 'restart' ? 'graceful restart' : 'down');
    } catch (error) {
      log(`end BIRD: ${describeError(error)}; ending it by a signal`);
      ending.kill(mode === 'restart' ? 'SIGKILL' : 'SIGTERM');
    }
    await ending.exited;
    clearTimeout(timer);
  }

  return {
    socketPath,
    check: (config) => inTurn(() => check(config)),
    apply: (config, signal) => inTurn(() => apply(config, signal)),
    observeProtocols: (signal) => observeBirdProtocols(socketPath, signal),
    stop: (mode) => inTurn(() => stop(mode)),
  };
}
