// A process that runs beside this one and outlives it: a child in a session of its own, or what an earlier one has left.
import * as libc from '../libc.ts';

export interface RunningProcess {
  readonly pid: number;
  /** Resolves with how it ended. */
  readonly ended: Promise<string>;
  /** Lets it run without this process looking after it. */
  release(): void;
}

/** How soon the end of a process that is not this one's child is noticed. */
const WATCH_MS = 500;
const POLLIN = 1;

/** The end of a child, whose parent this process is. */
export function followChild(child: Bun.Subprocess): RunningProcess {
  child.unref();
  const ended = child.exited.then((status) => `${child.signalCode ?? `status ${status}`}`);
  return { pid: child.pid, ended, release: () => undefined };
}

function tryOpen(pid: number): number | undefined {
  try {
    return libc.pidfdOpen(pid);
  } catch {
    return undefined; // it has ended meanwhile
  }
}

/** A process of somebody else, seen to end; undefined when it has ended. */
export function tryFollowProcess(pid: number): RunningProcess | undefined {
  const pidfd = tryOpen(pid);
  return pidfd === undefined ? undefined : follow(pid, pidfd);
}

function follow(pid: number, pidfd: number): RunningProcess {
  const { promise: ended, resolve } = Promise.withResolvers<string>();
  const timer = setInterval(() => {
    if (libc.poll(pidfd, POLLIN, 0) !== 0) end('it has ended');
  }, WATCH_MS);
  timer.unref();
  let isOpen = true;
  function end(how?: string): void {
    if (!isOpen) return;
    isOpen = false;
    clearInterval(timer);
    libc.close(pidfd);
    if (how !== undefined) resolve(how);
  }
  return { pid, ended, release: () => end() };
}
