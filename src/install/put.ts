// Puts a file or a link in its place by one rename, made durable first: what runs goes on with what it has, what starts finds the
// old one or the new one whole. What a kill has left beside it, the next try replaces.
import {
  chmodSync,
  chownSync,
  closeSync,
  copyFileSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { dirname } from 'node:path';

const NEW = '.new';

function isSameFile(source: string, target: string, mode: number): boolean {
  const there = lstatSync(target, { throwIfNoEntry: false });
  const isPlain = there?.isFile() === true && there.uid === 0 && there.gid === 0 && (there.mode & 0o7777) === mode;
  return isPlain && readFileSync(source).equals(readFileSync(target));
}

function syncFile(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function replace(target: string, make: (path: string) => void): void {
  mkdirSync(dirname(target), { recursive: true, mode: 0o755 });
  const path = `${target}${NEW}`;
  rmSync(path, { force: true });
  make(path);
  renameSync(path, target);
}

/** Root's, with this mode and no other bit. False when it is there already. */
export function putFile(source: string, target: string, mode: number): boolean {
  if (isSameFile(source, target, mode)) return false;
  replace(target, (path) => {
    copyFileSync(source, path);
    chownSync(path, 0, 0);
    chmodSync(path, mode);
    syncFile(path);
  });
  return true;
}

/** A symbolic link. False when it is there already. */
export function putLink(path: string, target: string): boolean {
  const isLink = lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
  if (isLink && readlinkSync(path) === target) return false;
  replace(path, (beside) => symlinkSync(target, beside));
  return true;
}
