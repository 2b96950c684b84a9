// Files whose names come from outside: written without following a link that somebody planted there, read only if plain.
import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { OcicatError } from '../base/errors.ts';
import { describeErrno, isErrno } from './errno.ts';

const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW, O_APPEND, O_RDONLY, O_NONBLOCK, O_NOCTTY } = constants;

/** `work` on the descriptor, which is closed afterwards in any case. */
function using<T>(fd: number, work: (fd: number) => T): T {
  try {
    return work(fd);
  } finally {
    closeSync(fd);
  }
}

/**
 * Makes a file that was not there, a link included, and calls `finish` while it is open. The mode is subject to the umask.
 */
export function createFile(
  path: string,
  content: string | Uint8Array,
  mode: number,
  finish: (fd: number) => void = () => {},
): void {
  using(openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode), (fd) => {
    writeFileSync(fd, content);
    finish(fd);
  });
}

/** Throws `invalid` when there is a link, which may be somebody else's, or what no file is to replace: a device, a pipe. */
export function refuseOddTarget(path: string): void {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined || stats.isFile()) return;
  const what = stats.isSymbolicLink() ? 'it is a link, and links are not followed' : 'it is not a regular file';
  throw new OcicatError('invalid', `write "${path}": ${what}`);
}

/** A descriptor that writes at the end of a regular file, which is made if it is missing. A link is refused. */
export function openLogFile(path: string, mode: number): number {
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
  const fail = (reason: string): never => {
    throw new OcicatError('invalid', `read "${path}": ${reason}`);
  };
  let fd: number;
  try {
    fd = openSync(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  } catch (cause) {
    const isMissing = isErrno(cause, 'ENOENT');
    const reason = isMissing ? 'no such file or directory' : describeErrno(cause);
    throw new OcicatError(isMissing ? 'not-found' : 'unavailable', `read "${path}": ${reason}`, { cause });
  }
  return using(fd, (open) => {
    const stats = fstatSync(open);
    if (!stats.isFile()) return fail('it is not a regular file');
    if (stats.size > maxBytes) return fail(`it has ${stats.size} bytes, wanted at most ${maxBytes}`);
    return readFileSync(open);
  });
}

/** Undefined when there is no such file. */
export function tryReadText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    if (isErrno(cause, 'ENOENT')) return undefined;
    throw new OcicatError('unavailable', `read "${path}": ${describeErrno(cause)}`, { cause });
  }
}
