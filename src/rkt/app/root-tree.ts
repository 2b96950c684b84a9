// Looking into a root file system without leaving it: links and `..` are resolved as if the root were the world's.
import {
  chmodSync,
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { posix } from 'node:path';
import { isOcicatError, OcicatError } from '../../base/errors.ts';
import * as libc from '../../sys/libc.ts';

const ENOTDIR = 20;
const ELOOP = 40;

/** A descriptor of something inside the root; undefined if there is nothing, or a loop of links. The caller closes it. */
export function tryOpenInRoot(rootFd: number, path: string, flags: number): number | undefined {
  try {
    return libc.openat2(rootFd, path, flags | libc.O_CLOEXEC, 0, libc.RESOLVE_IN_ROOT);
  } catch (error) {
    const missing = isOcicatError(error, 'kernel') && [libc.ENOENT, ENOTDIR, ELOOP].includes(error.errno ?? 0);
    if (missing) return undefined;
    throw error;
  }
}

function withOpen<T>(rootFd: number, path: string, flags: number, work: (fd: number) => T): T | undefined {
  const fd = tryOpenInRoot(rootFd, path, flags);
  if (fd === undefined) return undefined;
  try {
    return work(fd);
  } finally {
    libc.close(fd);
  }
}

/** A pipe or device planted as a file must not stall or be read. */
const SAFE_READ = libc.O_RDONLY | libc.O_NONBLOCK;
const MAX_FILE_BYTES = 16 * 1024 * 1024;

/** The text of a regular file, undefined if there is none. Throws `invalid` above 16 MiB. */
export function tryReadInRoot(rootFd: number, path: string): string | undefined {
  const regular = statInRoot(rootFd, path)?.isFile() ?? false;
  if (!regular) return undefined;
  return withOpen(rootFd, path, SAFE_READ, (fd) => {
    if (statSync(`/proc/self/fd/${fd}`).size > MAX_FILE_BYTES) {
      throw new OcicatError('invalid', `read "${path}" of the image: larger than ${MAX_FILE_BYTES} bytes`);
    }
    return readFileSync(fd, 'utf8');
  });
}

/** What is at the end of a path, links followed inside the root. */
export function statInRoot(rootFd: number, path: string): ReturnType<typeof statSync> {
  return withOpen(rootFd, path, libc.O_PATH, (fd) => statSync(`/proc/self/fd/${fd}`));
}

/** Runs `work` with a path that names `name` beside an open descriptor of its directory. undefined if that is missing. */
function inDirectory<T>(rootFd: number, directory: string, work: (path: string) => T): T | undefined {
  return withOpen(rootFd, directory, libc.O_PATH | libc.O_DIRECTORY, (fd) => work(`/proc/self/fd/${fd}`));
}

const MAX_LINKS = 40;

/** The text of the link `name` in a directory; undefined when it is no link or missing. */
export function readLinkInRoot(rootFd: number, directory: string, name: string): string | undefined {
  return inDirectory(rootFd, directory, (parent) => {
    const path = `${parent}/${name}`;
    return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ? readlinkSync(path) : undefined;
  });
}

/**
 * The same place as a path without links, `.` and `..`; `readLink` gives the text of the link that a name is, if it is one,
 * in a directory whose path has none. Throws `invalid` after 40 links.
 */
export function resolvePath(path: string, readLink: (directory: string, name: string) => string | undefined): string {
  let done: readonly string[] = [];
  let pending: readonly string[] = path.split('/');
  for (let links = 0; ; ) {
    const [name, ...rest] = pending;
    if (name === undefined) return `/${done.join('/')}`;
    pending = rest;
    if (name === '' || name === '.') continue;
    const link = name === '..' ? undefined : readLink(`/${done.join('/')}`, name);
    if (name === '..') done = done.slice(0, -1);
    else if (link === undefined) done = [...done, name];
    else {
      links += 1;
      if (links > MAX_LINKS) throw new OcicatError('invalid', `resolve "${path}" in the image: too many links`);
      if (link.startsWith('/')) done = [];
      pending = [...link.split('/'), ...rest];
    }
  }
}

/**
 * The place in the root's own tree, whatever is mounted on it later. What does not exist may be named: a link that leads
 * nowhere counts as the place it names. Throws `invalid` after 40 links. Nobody else may change the tree meanwhile.
 */
export function resolveInRoot(rootFd: number, path: string): string {
  return resolvePath(path, (directory, name) => readLinkInRoot(rootFd, directory, name));
}

/** Makes a directory and its parents, root's with mode 0755, where they are missing. Throws when a part is something else. */
export function ensureDirectoryInRoot(rootFd: number, path: string, mode = 0o755): void {
  const present = statInRoot(rootFd, path);
  if (present?.isDirectory()) return;
  if (present !== undefined)
    throw new OcicatError('invalid', `make directory "${path}" in the image: it is a file there`);
  const parent = posix.dirname(path);
  if (parent !== path) ensureDirectoryInRoot(rootFd, parent);
  const made = inDirectory(rootFd, parent, (directory) => {
    const target = `${directory}/${posix.basename(path)}`;
    mkdirSync(target);
    chmodSync(target, mode);
    return true;
  });
  if (made === undefined)
    throw new OcicatError('invalid', `make directory "${path}" in the image: "${parent}" is none`);
}

/** Makes a symbolic link where nothing is. */
export function ensureLinkInRoot(rootFd: number, path: string, content: string): void {
  inDirectory(rootFd, posix.dirname(path), (directory) => {
    const target = `${directory}/${posix.basename(path)}`;
    if (lstatSync(target, { throwIfNoEntry: false }) === undefined) symlinkSync(content, target);
  });
}

/** Makes an empty file, root's with mode 0644, and the directories above it, where nothing is. */
export function ensureFileInRoot(rootFd: number, path: string): void {
  if (statInRoot(rootFd, path) !== undefined) return;
  ensureDirectoryInRoot(rootFd, posix.dirname(path));
  inDirectory(rootFd, posix.dirname(path), (directory) => {
    closeSync(openSync(`${directory}/${posix.basename(path)}`, 'wx', 0o644));
  });
}
