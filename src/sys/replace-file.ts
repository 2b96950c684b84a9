// Files that are replaced in one step, so that a reader sees the old content or the new one, whole, and a kill at any step
// leaves one of them.
import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readdirSync, renameSync, rmSync } from 'node:fs';
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

/** A name for what is to stand at the path, which removeTemporaries knows. */
function hiddenPath(path: string): string {
  return join(dirname(path), `.${basename(path).slice(0, 200)}.${randomName()}`);
}

const HIDDEN_NAME = /^\..+\.[\w-]{12}$/;

/**
 * Puts `content` at `path`. A kill leaves at most a hidden file beside it. Throws `unavailable`, and `invalid` for a link, a
 * device or the like.
 */
export function replaceFile(path: string, content: string | Uint8Array, mode: number): void {
  const temporary = hiddenPath(path);
  replace(path, temporary, () => createFile(temporary, content, mode));
}

/**
 * As replaceFile; a power cut leaves one of both, too. A kill leaves at most a file in `temporaryDirectory`, on the same
 * file system, or a hidden one beside it where none is given.
 */
export function replaceFileDurably(
  path: string,
  content: string | Uint8Array,
  mode: number,
  temporaryDirectory?: string,
): void {
  const temporary = temporaryDirectory === undefined ? hiddenPath(path) : temporaryPath(temporaryDirectory);
  replace(path, temporary, () => createFile(temporary, content, mode, fsyncSync));
  syncDirectory(dirname(path));
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

/**
 * Removes from a directory what kills have left of files that were to be replaced; nobody may be at it now. One that cannot be read
 * or changed stays as it is.
 */
export function removeTemporaries(directory: string): void {
  for (const name of namesIn(directory)) if (HIDDEN_NAME.test(name)) tryRemove(join(directory, name));
}
