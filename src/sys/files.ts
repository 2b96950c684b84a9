// Files whose names come from outside: written without following a link that somebody planted there, read only if plain.
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { OcicatError } from '../base/errors.ts';

const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW, O_APPEND, O_RDONLY, O_NONBLOCK, O_NOCTTY } = constants;

function errnoOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}

/** `work` on the descriptor, which is closed afterwards in any case. */
function using<T>(fd: number, work: (fd: number) => T): T {
  try {
    return work(fd);
  } finally {
    closeSync(fd);
  }
}

/** Makes a file that was not there, a link included. The mode is subject to the umask. */
export function createFile(path: string, content: string | Uint8Array, mode: number): void {
  using(openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode), (fd) => writeFileSync(fd, content));
}

/** Throws `invalid` when there is a link, which may be somebody else's, or what no file is to replace: a device, a pipe. */
function refuseOddTarget(path: string): void {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined || stats.isFile()) return;
  const found = stats.isSymbolicLink() ? 'it is a link, and links are not followed' : 'it is not a regular file';
  throw new OcicatError('invalid', `write "${path}": ${found}`);
}

/** What cannot be removed, on a disk that is read-only, was not made either; it must not hide why. */
function tryRemove(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // the caller says what went wrong
  }
}

/**
 * Puts `content` at `path` in one step: a reader sees the old file or the new one, whole. A kill leaves at most a hidden
 * file beside it. Throws `unavailable`, and `invalid` for a link, a device or the like.
 */
export function replaceFile(path: string, content: string | Uint8Array, mode: number): void {
  refuseOddTarget(path);
  const draft = join(dirname(path), `.${basename(path).slice(0, 200)}.${randomBytes(9).toString('base64url')}`);
  try {
    createFile(draft, content, mode);
    renameSync(draft, path);
  } catch (cause) {
    tryRemove(draft);
    throw new OcicatError('unavailable', `write "${path}": ${errnoOf(cause)}`, { cause });
  }
}

/** A descriptor that writes at the end of a regular file, which is made if it is missing. A link is refused. */
export function openLog(path: string, mode: number): number {
  refuseOddTarget(path);
  const fd = openSync(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, mode);
  if (fstatSync(fd).isFile()) return fd;
  closeSync(fd);
  throw new OcicatError('invalid', `write "${path}": it is not a regular file`);
}

/**
 * The bytes of a regular file of at most maxBytes, links followed; never waits for a pipe or device. Throws `not-found`,
 * `unavailable`, and `invalid` for anything else.
 */
export function readRegularFile(path: string, maxBytes: number): Uint8Array {
  const fail = (words: string): never => {
    throw new OcicatError('invalid', `read "${path}": ${words}`);
  };
  let fd: number;
  try {
    fd = openSync(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  } catch (cause) {
    const missing = errnoOf(cause) === 'ENOENT';
    const words = missing ? 'no such file or directory' : errnoOf(cause);
    throw new OcicatError(missing ? 'not-found' : 'unavailable', `read "${path}": ${words}`, { cause });
  }
  return using(fd, (open) => {
    const stats = fstatSync(open);
    if (!stats.isFile()) return fail('it is not a regular file');
    if (stats.size > maxBytes) return fail(`it has ${stats.size} bytes, wanted at most ${maxBytes}`);
    return readFileSync(open);
  });
}
