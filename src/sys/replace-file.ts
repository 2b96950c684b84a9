// Files that are replaced in one step, so that a reader sees the old content or the new one, whole, and a kill at any step
// leaves one of them.
import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { OcicatError } from '../base/errors.ts';
import { describeErrno } from './errno.ts';
import { createFile, refuseOddTarget } from './files.ts';

const randomName = (): string => randomBytes(9).toString('base64url');

/** A name nobody else uses, below `dir`. */
export function temporaryPath(dir: string): string {
  return join(dir, randomName());
}

/** Makes renames and removals in a directory survive a power cut. */
export function syncDirectory(dir: string): void {
  const fd = openSync(dir, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** What cannot be removed, on a disk that is read-only, was not made either; it must not hide why. */
function tryRemove(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // the caller says what went wrong
  }
}

function replace(path: string, temporary: string, write: () => void): void {
  refuseOddTarget(path);
  try {
    write();
    renameSync(temporary, path);
  } catch (cause) {
    tryRemove(temporary);
    throw new OcicatError('unavailable', `write "${path}": ${describeErrno(cause)}`, { cause });
  }
}

/**
 * Puts `content` at `path`. A kill leaves at most a hidden file beside it. Throws `unavailable`, and `invalid` for a link, a
 * device or the like.
 */
export function replaceFile(path: string, content: string | Uint8Array, mode: number): void {
  const temporary = join(dirname(path), `.${basename(path).slice(0, 200)}.${randomName()}`);
  replace(path, temporary, () => createFile(temporary, content, mode));
}

/**
 * As replaceFile; a power cut leaves one of both, too. A kill leaves at most a file in `temporaryDirectory`, on the same
 * file system.
 */
export function replaceFileDurably(
  path: string,
  content: string | Uint8Array,
  mode: number,
  temporaryDirectory: string,
): void {
  const temporary = temporaryPath(temporaryDirectory);
  replace(path, temporary, () => createFile(temporary, content, mode, fsyncSync));
  syncDirectory(dirname(path));
}
