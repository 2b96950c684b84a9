// A process that does nothing but hold the socket which the table of rules belongs to: the kernel keeps everybody else from the
// table as long as the socket is open somewhere, also while no agent lives. The next agent takes the socket from it.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import * as libc from '../../sys/libc.ts';

/** What it goes by, in its command line. */
export const HOLDER_NAME = 'ocicat-table-holder';
const SOCKET_FD = 3;
const SIGKILL = 9;
const RESTART_MS = 1_000;

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

/** In the calling thread's network namespace; other hosts of a lab have others. */
export function observeHolders(): readonly number[] {
  const netns = readlinkSync('/proc/self/ns/net');
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      const line = tryRead(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
      return line === `${HOLDER_NAME}\0` && tryRead(() => readlinkSync(`/proc/${pid}/ns/net`)) === netns;
    })
    .map(Number);
}

function readOption(fd: number, option: number): number {
  const into = new Uint8Array(4);
  libc.getsockopt(fd, SOL_SOCKET, option, into);
  return new DataView(into.buffer).getInt32(0, true);
}

function isNetfilterSocket(fd: number): boolean {
  return readOption(fd, SO_DOMAIN) === AF_NETLINK && readOption(fd, SO_PROTOCOL) === NETLINK_NETFILTER;
}

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

/** A descriptor of the socket that an earlier agent has left with its holder; undefined where there is none. */
export function tryTakeHeldSocket(): number | undefined {
  for (const pid of observeHolders()) {
    const fd = tryRead(() => takeSocketOf(pid));
    if (fd !== undefined) return fd;
  }
  return undefined;
}

/** The table of those that have ended is as any other one. */
export function endHolders(but?: number): void {
  for (const pid of observeHolders()) if (pid !== but) tryRead(() => libc.kill(pid, SIGKILL));
}

function startHolder(fd: number): Bun.Subprocess {
  const child = Bun.spawn([libc.libraryPath('pause')], {
    argv0: HOLDER_NAME,
    cwd: '/',
    env: {},
    stdio: ['ignore', 'ignore', 'ignore', fd],
    detached: true,
  });
  child.unref();
  return child;
}

/**
 * Has a process of its own hold the socket, in place of those that have held it so far, and starts another one when it ends.
 * `failed` is told why there is none.
 */
export function keepHolder(fd: number, failed: (error: unknown) => void): TableHolder {
  let isReleased = false;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function start(): void {
    try {
      const child = startHolder(fd);
      endHolders(child.pid);
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
