// Files and directories that one process has for itself by flock(2): let go of by closing, and by the kernel if the process dies.
import { fstatSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { OcicatError } from '../base/errors.ts';
import * as libc from './libc.ts';

/** Closing lets go; the file stays. */
export interface HeldLock {
  readonly fd: number;
  close(): void;
}

const POLL_MS = 50;

/**
 * Opens `path` for reading and writing, creating it, and holds it alone. Waits for the present holder, calling `onWait` once.
 * A file that its holder removed while we waited is opened anew. Throws `aborted` when the signal fires.
 */
export async function openExclusiveLock(path: string, onWait: () => void, signal: AbortSignal): Promise<HeldLock> {
  let waited = false;
  for (;;) {
    const held = tryOpenExclusiveLock(path);
    if (held !== undefined) return held;
    if (!waited) onWait();
    waited = true;
    await sleep(POLL_MS, undefined, { signal }).catch((cause: unknown) => {
      throw new OcicatError('aborted', `lock "${path}": gave up waiting`, { cause });
    });
  }
}

/** As openExclusiveLock, for a file that is no link; undefined when somebody else holds it. */
export function tryOpenExclusiveLock(path: string): HeldLock | undefined {
  return tryHold(path, libc.open(path, libc.O_RDWR | libc.O_CREAT | libc.O_NOFOLLOW | libc.O_CLOEXEC, 0o600));
}

/** For a directory that is there; undefined when somebody else holds it. */
export function tryLockDirectory(path: string): HeldLock | undefined {
  return tryHold(path, libc.open(path, libc.O_RDONLY | libc.O_DIRECTORY | libc.O_NOFOLLOW | libc.O_CLOEXEC));
}

function tryHold(path: string, fd: number): HeldLock | undefined {
  try {
    if (libc.flock(fd, libc.LOCK_EX | libc.LOCK_NB) && isStillAt(path, fd)) return { fd, close: () => libc.close(fd) };
  } catch (error) {
    libc.close(fd);
    throw error;
  }
  libc.close(fd);
  return undefined;
}

function isStillAt(path: string, fd: number): boolean {
  const at = statSync(path, { throwIfNoEntry: false });
  return at !== undefined && at.ino === fstatSync(fd).ino;
}
