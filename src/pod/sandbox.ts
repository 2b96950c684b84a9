// The process that holds a pod's namespaces: pid 1 of the pod, which does nothing but reap, and lives as long as the runner.
import { readFileSync } from 'node:fs';
import { OcicatError } from '../base/errors.ts';
import * as libc from '../sys/libc.ts';
import { systemEnvironment, systemProgram } from './programs.ts';

export interface Sandbox {
  /** Of the pod's pid 1, as the host sees it. */
  readonly pid: number;
  /** Kills everything in the pod and waits for it to be gone. */
  close(): Promise<void>;
}

export interface SandboxRequest {
  readonly hostname: string;
  readonly ownIpc: boolean;
  /** Stays locked until everything in the pod is gone. */
  readonly lockFd: number;
}

/** Path of one of the sandbox's namespaces. */
export function namespacePath(sandbox: Sandbox, kind: 'pid' | 'uts' | 'ipc'): string {
  return `/proc/${sandbox.pid}/ns/${kind}`;
}

/** Starting takes 2 ms; this is for a machine in trouble. */
const START_TIMEOUT_MS = 10_000;

function onlyChild(pid: number): number | undefined {
  try {
    const child = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    return child === '' ? undefined : Number(child.split(' ')[0]);
  } catch {
    return undefined;
  }
}

interface Parent {
  readonly pid: number;
  readonly exitCode: number | null;
  readonly stderr: ReadableStream<Uint8Array>;
}

async function waitForChild(parent: Parent): Promise<number> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (parent.exitCode === null && performance.now() < deadline) {
    const child = onlyChild(parent.pid);
    if (child !== undefined) return child;
    await Bun.sleep(0.5);
  }
  const why = parent.exitCode === null ? 'it takes too long' : (await new Response(parent.stderr).text()).trim();
  throw new OcicatError('unavailable', `start the pod's first process: ${why}`);
}

function setHostname(pid: number, hostname: string): void {
  const home = libc.open('/proc/thread-self/ns/uts', libc.O_RDONLY | libc.O_CLOEXEC);
  const pod = libc.open(`/proc/${pid}/ns/uts`, libc.O_RDONLY | libc.O_CLOEXEC);
  try {
    libc.setns(pod, libc.CLONE_NEWUTS);
    try {
      libc.sethostname(hostname);
    } finally {
      libc.setns(home, libc.CLONE_NEWUTS);
    }
  } finally {
    libc.close(pod);
    libc.close(home);
  }
}

/**
 * Three processes, each killed with its parent, so that killing the runner in whatever way ends the pod: the runner,
 * unshare(1), and the pod's pid 1. Unsharing the pid namespace in the runner itself would save one, but the runtime could
 * start no thread meanwhile.
 */
export async function openSandbox(request: SandboxRequest): Promise<Sandbox> {
  const namespaces = ['--pid', '--uts', ...(request.ownIpc ? ['--ipc'] : [])];
  const dieWithParent = [systemProgram('setpriv'), '--pdeathsig', 'KILL'];
  const unshare = [systemProgram('unshare'), ...namespaces, '--fork', '--kill-child=KILL'];
  const child = Bun.spawn([...dieWithParent, ...unshare, systemProgram('catatonit'), '-P'], {
    env: systemEnvironment,
    stdio: ['ignore', 'ignore', 'pipe', request.lockFd],
  });
  try {
    const pid = await waitForChild(child);
    setHostname(pid, request.hostname);
    return { pid, close: () => closeSandbox(pid, child.exited) };
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

async function closeSandbox(pid: number, ended: Promise<number>): Promise<void> {
  try {
    libc.kill(pid, 9);
  } catch {
    // It has gone before us; its parent ends by itself.
  }
  const timer = setInterval(reapInside, REAP_INTERVAL_MS);
  try {
    await ended;
  } finally {
    clearInterval(timer);
  }
}
