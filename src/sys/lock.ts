// Files that hold flock locks: one holder or several sharers, let go of by closing, and by the kernel if the process dies.
import { fstatSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { OcicatError } from '../base/errors.ts';
import { close, flock, LOCK_EX, LOCK_NB, O_CLOEXEC, O_CREAT, O_RDWR, open } from './libc.ts';

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

/** Undefined when somebody else holds it. */
export function tryOpenExclusiveLock(path: string): HeldLock | undefined {
  const fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600);
  try {
    if (flock(fd, LOCK_EX | LOCK_NB) && isStillAt(path, fd)) return { fd, close: () => close(fd) };
  } catch (error) {
    close(fd);
    throw error;
  }
  close(fd);
  return undefined;
}

function isStillAt(path: string, fd: number): boolean {
  const at = statSync(path, { throwIfNoEntry: false });
  return at !== undefined && at.ino === fstatSync(fd).ino;
}
