// Deletes a directory that strangers filled, in time that grows with its entries and not with its depth: directories are
// first moved up to the top, so that no path is longer than two names and nothing is walked twice.
import { readdirSync, renameSync, rmdirSync, unlinkSync } from 'node:fs';
import { isErrno } from './errno.ts';
import { temporaryPath } from './replace-file.ts';

/**
 * Also deletes a single file, and nothing where nothing is. Names need not be UTF-8. Follows no links, and throws where
 * another file system is mounted below. A kill leaves a part, for another call to delete.
 */
export function removeTree(top: string): void {
  if (removeFile(top)) return;
  const prefix = temporaryPath(top); // no entry has such a name
  const waiting: string[] = [];
  let moved = 0;
  const empty = (directory: string): void => {
    for (const name of readdirSync(directory, { encoding: 'buffer' })) {
      const path = Buffer.concat([Buffer.from(`${directory}/`), name]);
      if (removeFile(path)) continue;
      const target = `${prefix}-${moved++}`;
      renameSync(path, target);
      waiting.push(target);
    }
  };
  empty(top);
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    empty(next);
    rmdirSync(next);
  }
  rmdirSync(top);
}

/** False for a directory. Source: unlink(2). */
function removeFile(path: string | Buffer): boolean {
  try {
    unlinkSync(path);
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return true;
    if (isErrno(error, 'EISDIR')) return false;
    throw error;
  }
}
