// The process that holds a pod's namespaces: pid 1 of the pod, which does nothing but reap, and lives as long as the runner.
// Apps see it, so it has nothing that they could use: an empty read-only root, the pod's network, no capability, and a
// handful of system calls.
import { readFileSync, readlinkSync } from 'node:fs';
import { OcicatError } from '../../base/errors.ts';
import * as libc from '../../sys/libc.ts';
import { systemEnvironment, systemProgram } from '../../sys/programs.ts';
import { computePauseFilter } from './pause-filter.ts';

export interface Sandbox {
  /** Of the pod's pid 1, as the host sees it. */
  readonly pid: number;
  /** Kills everything in the pod and waits for it to be gone. */
  close(): Promise<void>;
}

export interface SandboxRequest {
  readonly hostname: string;
  readonly ownIpc: boolean;
  /** Path of the pod's network namespace; undefined for the host's. */
  readonly netns: string | undefined;
}

/** Path of one of the sandbox's namespaces. */
export function namespacePath(sandbox: Sandbox, kind: 'pid' | 'uts' | 'ipc'): string {
  return `/proc/${sandbox.pid}/ns/${kind}`;
}

/** Starting takes 5 ms; this is for a machine in trouble. */
const START_TIMEOUT_MS = 10_000;
const POLL_MS = 0.5;
/** Where the pod's root directory has its only file. */
const PAUSE_PROGRAM = '/pause';

/** Signals to a unit, a terminal or a process group end the apps in order first; the sandbox ignores them. */
const IGNORE_SIGNALS = ['/bin/sh', '-c', 'trap "" HUP INT QUIT TERM; exec "$@"', 'sh'];

/**
 * Two processes, each killed with its parent, so that killing the runner in whatever way ends the pod: bwrap(1), which the
 * pod cannot see, and the pod's pid 1.
 */
function sandboxCommand(request: SandboxRequest): readonly string[] {
  const join = request.netns === undefined ? [] : [systemProgram('nsenter'), `--net=${request.netns}`];
  const namespaces = ['--unshare-pid', '--unshare-uts', ...(request.ownIpc ? ['--unshare-ipc'] : [])];
  const root = ['--ro-bind', libc.libraryPath('pause'), PAUSE_PROGRAM, '--remount-ro', '/'];
  const processOptions = ['--die-with-parent', '--as-pid-1', '--new-session', '--hostname', request.hostname];
  const restrictions = ['--cap-drop', 'ALL', '--seccomp', '0', '--info-fd', '1'];
  const bwrap = [systemProgram('bwrap'), ...namespaces, ...root, ...processOptions, ...restrictions];
  return [...IGNORE_SIGNALS, ...join, ...bwrap, '--', PAUSE_PROGRAM];
}

/** The process id that bwrap tells on its standard output; undefined when it has ended before. */
function tryParsePid(info: string): number | undefined {
  const pid = /"child-pid": (\d+)/.exec(info)?.[1];
  return pid === undefined ? undefined : Number(pid);
}

/** Whether the process has become the pause program: from then on its root is the empty one. */
function isPausing(pid: number): boolean {
  try {
    return readlinkSync(`/proc/${pid}/exe`) === PAUSE_PROGRAM;
  } catch {
    return false; // it has ended
  }
}

interface Parent {
  readonly exitCode: number | null;
  readonly exited: Promise<number>;
  readonly stdout: ReadableStream<Uint8Array>;
  readonly stderr: ReadableStream<Uint8Array>;
}

async function waitForPause(parent: Parent): Promise<number> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  const pid = tryParsePid(await new Response(parent.stdout).text());
  while (pid !== undefined && parent.exitCode === null && performance.now() < deadline) {
    if (isPausing(pid)) return pid;
    await Bun.sleep(POLL_MS);
  }
  const late = pid !== undefined && parent.exitCode === null;
  const why = late ? 'it takes too long' : (await new Response(parent.stderr).text()).trim();
  throw new OcicatError('unavailable', `start the pod's first process: ${why}`);
}

/** Starts the pod's first process and returns when it is confined. Throws `unavailable` and `unsupported`. */
export async function openSandbox(request: SandboxRequest): Promise<Sandbox> {
  const filter = computePauseFilter(process.arch);
  if (filter === undefined) throw new OcicatError('unsupported', `run a pod: no system call list for ${process.arch}`);
  const child = Bun.spawn([...sandboxCommand(request)], {
    env: systemEnvironment,
    cwd: '/',
    stdio: [filter, 'pipe', 'pipe'],
    detached: true,
  });
  try {
    const pid = await waitForPause(child);
    return { pid, close: () => closeSandbox(pid, child) };
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
}

/** Whether the process is in a pid namespace below this one's. */
function isInside(pid: number): boolean {
  try {
    return /^NSpid:\t\d+\t\d+/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/**
 * A namespace ends when all its processes have been reaped, and those that crun started are this process's to reap, also
 * when it never came to wait for them.
 */
function reapInside(): void {
  const children = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8').trim();
  for (const child of children === '' ? [] : children.split(' ').map(Number)) if (isInside(child)) libc.tryReap(child);
}

const REAP_INTERVAL_MS = 5;

async function closeSandbox(pid: number, parent: Parent): Promise<void> {
  try {
    if (parent.exitCode === null) libc.kill(pid, 9);
  } catch {
    // It has gone before us; its parent ends by itself.
  }
  const timer = setInterval(reapInside, REAP_INTERVAL_MS);
  try {
    await parent.exited;
  } finally {
    clearInterval(timer);
  }
}
