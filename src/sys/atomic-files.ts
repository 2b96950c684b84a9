// Small file operations that a kill or a power cut at any step cannot leave half done.
import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { OcicatError } from '../base/errors.ts';

/** A name nobody else uses, below `dir`. */
export function temporaryPath(dir: string): string {
  return join(dir, randomBytes(9).toString('base64url'));
}

/** Puts `content` at `path` whole: written and synced below `tmpDir` (same file system), then renamed. */
export function writeFileAtomically(path: string, content: string | Uint8Array, tmpDir: string, mode = 0o600): void {
  const tmp = temporaryPath(tmpDir);
  try {
    const fd = openSync(tmp, 'wx', mode);
    try {
      writeFileSync(fd, content);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(tmp, path);
    syncDirectory(dirname(path));
  } catch (cause) {
    rmSync(tmp, { force: true });
    throw new OcicatError('unavailable', `write "${path}": ${errorWords(cause)}`, { cause });
  }
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

/** Undefined when there is no such file. */
export function tryReadText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    if (isErrno(cause, 'ENOENT')) return undefined;
    throw new OcicatError('unavailable', `read "${path}": ${errorWords(cause)}`, { cause });
  }
}

/** Whether a failure of node:fs carries one of these names, such as `ENOENT`. */
export function isErrno(error: unknown, ...names: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && names.includes(String(error.code));
}

/** `ENOSPC` rather than the sentence that node:fs builds around it. */
export function errorWords(error: unknown): string {
  if (error instanceof OcicatError) return error.message;
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return error instanceof Error ? error.message : String(error);
}
