// A process that does nothing but hold the socket which a table of rules belongs to: the kernel keeps everybody else from the
// table as long as the socket is open somewhere, also while who made it lives no more. Who comes next takes the socket from it.
import * as libc from '../../sys/libc.ts';
import { observeProcesses, tryReadCommandLine } from '../../sys/processes.ts';

/** What those of the agent's table and of rkt's go by, in their command line. */
export const AGENT_HOLDER = 'ocicat-table-holder';
export const RKT_HOLDER = 'rkt-table-holder';
export type HolderName = typeof AGENT_HOLDER | typeof RKT_HOLDER;

const SOCKET_FD = 3;
const SIGKILL = 9;
const RESTART_MS = 1_000;
const START_MS = 1_000;

const SOL_SOCKET = 1;
const SO_PROTOCOL = 38;
const SO_DOMAIN = 39;
const AF_NETLINK = 16;
const NETLINK_NETFILTER = 12;

export interface TableHolder {
  /** Lets it hold on, without this process looking after it. */
  release(): void;
}

function tryRead<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined; // it has ended meanwhile
  }
}

const isOf = (holder: HolderName, [name, ...more]: readonly string[]): boolean => name === holder && more.length === 0;

/** In a network namespace, the calling thread's unless a path says another; other hosts of a lab have others. */
export function observeHolders(holder: HolderName, netnsPath?: string): readonly number[] {
  return observeProcesses((commandLine) => isOf(holder, commandLine), netnsPath);
}

function readOption(fd: number, option: number): number {
  const into = new Uint8Array(4);
  libc.getsockopt(fd, SOL_SOCKET, option, into);
  return new DataView(into.buffer).getInt32(0, true);
}

function isNetfilterSocket(fd: number): boolean {
  return readOption(fd, SO_DOMAIN) === AF_NETLINK && readOption(fd, SO_PROTOCOL) === NETLINK_NETFILTER;
}

/** Undefined when it is no socket of netfilter. Throws `kernel`, also when the process has ended. */
function takeSocketOf(pid: number): number | undefined {
  const pidfd = libc.pidfdOpen(pid);
  try {
    const fd = libc.pidfdGetfd(pidfd, SOCKET_FD);
    if (tryRead(() => isNetfilterSocket(fd)) === true) return fd;
    libc.close(fd);
    return undefined;
  } finally {
    libc.close(pidfd);
  }
}

/** A descriptor of the first socket with its holder that fits; undefined where there is none. */
export function tryTakeHeldSocket(holder: HolderName, fits: (fd: number) => boolean = () => true): number | undefined {
  for (const pid of observeHolders(holder)) {
    const fd = tryRead(() => takeSocketOf(pid));
    if (fd === undefined) continue;
    if (fits(fd)) return fd;
    libc.close(fd);
  }
  return undefined;
}

/** The table of those that have ended is as any other one. */
export function endHolders(holder: HolderName, but?: number): void {
  for (const pid of observeHolders(holder)) if (pid !== but) tryRead(() => libc.kill(pid, SIGKILL));
}

/** A process that has been started comes by its command line a moment later (execve(2)). */
function waitForName(pid: number, holder: HolderName): void {
  const isThere = () => isOf(holder, tryReadCommandLine(pid) ?? []);
  for (let waitedMs = 0; !isThere() && waitedMs < START_MS; waitedMs++) Bun.sleepSync(1);
}

/** It lives on when this process ends, and can be found when this returns. */
export function startHolder(holder: HolderName, fd: number): Bun.Subprocess {
  const child = Bun.spawn([libc.libraryPath('pause')], {
    argv0: holder,
    cwd: '/',
    env: {},
    stdio: ['ignore', 'ignore', 'ignore', fd],
    detached: true,
  });
  child.unref();
  waitForName(child.pid, holder);
  return child;
}

/**
 * Has a process of its own hold the socket of the agent's table, in place of those that have held it so far, and starts another one when it ends.
 * `failed` gets the reason when there is none.
 */
export function keepHolder(fd: number, failed: (error: unknown) => void): TableHolder {
  let isReleased = false;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function start(): void {
    try {
      const child = startHolder(AGENT_HOLDER, fd);
      endHolders(AGENT_HOLDER, child.pid);
      void child.exited.then(() => {
        if (!isReleased) timer = setTimeout(start, RESTART_MS);
      });
    } catch (error) {
      failed(error);
    }
  }

  start();
  return {
    release() {
      isReleased = true;
      clearTimeout(timer);
    },
  };
}
