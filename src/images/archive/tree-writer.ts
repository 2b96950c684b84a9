// Writes below one directory and nowhere else: parents are opened by the kernel as if the directory were the root of the
// world (openat2 RESOLVE_IN_ROOT), and the last step is a single name beside that descriptor, never followed.
import { chmodSync, lchownSync, linkSync, lstatSync, mkdirSync, type Stats, unlinkSync } from 'node:fs';
import { isOcicatError, OcicatError } from '../../base/errors.ts';
import { close, ENOENT, O_CLOEXEC, O_DIRECTORY, O_PATH, open, openat2, RESOLVE_IN_ROOT } from '../../sys/libc.ts';
import { removeTree } from '../../sys/remove-tree.ts';
import { isWhiteout, setOpaque } from './overlay-marks.ts';
import { lookBelow, type TreePath } from './visible-layers.ts';

const ENOTDIR = 20;
const DIRECTORY_FLAGS = O_PATH | O_DIRECTORY | O_CLOEXEC;

/** Owner and permission bits of a directory. */
interface DirectoryAttributes {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** Returned paths are valid until the next call. */
export interface TreeWriter {
  /** A path that names the entry beside an open descriptor of its parent, valid until the next call; parents are made as needed. */
  hostPathOf(path: TreePath): string;
  /**
   * Gives the file at `target`, of this tree or of the layers below, a second name. The trees then share it, and nothing
   * writes to a tree that is whole. Throws `invalid` when neither shows it, or it is a directory.
   */
  link(path: TreePath, target: TreePath): void;
  /** Like hostPathOf, for a directory of the tree, which is made when missing. */
  directory(path: TreePath): string;
  /** Like directory; undefined when there is none. */
  tryFindDirectory(path: TreePath): string | undefined;
  /** Makes room: removes what has the name, unless that and what comes are directories. Says whether a directory stayed, or a whiteout went. */
  clear(hostPath: string, forDirectory: boolean): 'stays' | 'was-whiteout' | 'free';
  close(): void;
}

/** Images nest some thirty directories. */
const MAX_DEPTH = 200;

/** Splits an archive's path, taking absolute ones as below the root. Throws `invalid` for `..`, for names the kernel would refuse, and beyond MAX_DEPTH. */
export function parseTreePath(path: string): TreePath {
  const names = path.split('/').filter((name) => name !== '' && name !== '.');
  const tooLong = names.some((name) => Buffer.byteLength(name) > 255) || Buffer.byteLength(path) > 4000;
  if (names.includes('..')) throw new OcicatError('invalid', `layer entry "${path}": leaves the image`);
  if (tooLong) throw new OcicatError('invalid', `layer entry "${path.slice(0, 80)}...": name is too long`);
  if (names.length > MAX_DEPTH) {
    throw new OcicatError('invalid', `layer entry "${path.slice(0, 80)}...": is in more than ${MAX_DEPTH} directories`);
  }
  return names;
}

/**
 * Opens `root`, an existing directory, for writing. `lowerRoots` are the layers below, top-most first: a parent directory
 * that the layer leaves out takes owner and mode from there, else it belongs to root with mode 0755; `addEntry` hears of it.
 */
export function openTreeWriter(root: string, lowerRoots: readonly string[], addEntry: () => void): TreeWriter {
  const rootFd = open(root, DIRECTORY_FLAGS);
  let parent: { readonly key: string; readonly fd: number } | undefined;

  function forgetParent(): void {
    if (parent !== undefined) close(parent.fd);
    parent = undefined;
  }

  function openParent(path: TreePath): number {
    const key = path.join('/');
    if (parent?.key === key) return parent.fd;
    const fd = tryOpenDirectory(rootFd, path) ?? createDirectories(rootFd, path, lowerRoots, addEntry);
    forgetParent();
    parent = { key, fd };
    return fd;
  }

  function hostPathOf(path: TreePath): string {
    const name = path.at(-1);
    return name === undefined ? insideOf(rootFd) : `${descriptorPath(openParent(path.slice(0, -1)))}/${name}`;
  }

  /** Links in the way of the target are followed inside the tree, but not in the layers below. */
  function link(path: TreePath, target: TreePath): void {
    const fd = tryOpenDirectory(rootFd, target.slice(0, -1));
    try {
      const own = fd === undefined ? undefined : `${descriptorPath(fd)}/${target.at(-1) ?? '.'}`;
      const linked =
        own !== undefined && lstat(own) !== undefined
          ? tryLink(own, hostPathOf(path))
          : lookBelow([root, ...lowerRoots], target, (below) => tryLink(below, hostPathOf(path)));
      if (linked !== true) throw badTarget(path, target);
    } finally {
      if (fd !== undefined) close(fd);
    }
  }

  return {
    hostPathOf,
    clear,
    link,
    directory: (path) => insideOf(openParent(path)),
    tryFindDirectory(path) {
      forgetParent();
      const fd = tryOpenDirectory(rootFd, path);
      if (fd === undefined) return undefined;
      parent = { key: path.join('/'), fd };
      return insideOf(fd);
    },
    close() {
      forgetParent();
      close(rootFd);
    },
  };
}

function descriptorPath(fd: number): string {
  return `/proc/self/fd/${fd}`;
}

/** The directory itself: without the dot the path would be the link in /proc. */
function insideOf(fd: number): string {
  return `${descriptorPath(fd)}/.`;
}

function clear(hostPath: string, forDirectory: boolean): 'stays' | 'was-whiteout' | 'free' {
  const there = lstat(hostPath);
  if (there === undefined) return 'free';
  if (there.isDirectory()) {
    if (forDirectory) return 'stays';
    removeTree(hostPath);
    return 'free';
  }
  unlinkSync(hostPath);
  return isWhiteout(there) ? 'was-whiteout' : 'free';
}

/** False for what has no second name. link(2) does not follow a symlink at either end. */
function tryLink(source: string, hostPath: string): boolean {
  const there = lstat(source);
  if (there === undefined || there.isDirectory() || isWhiteout(there)) return false;
  if (lstat(hostPath)?.ino === there.ino && there.nlink === 1) return true; // a link to itself
  clear(hostPath, false);
  linkSync(source, hostPath);
  return true;
}

function badTarget(path: TreePath, target: TreePath): OcicatError {
  const problem = `"${target.join('/')}" is no file of this layer or of those below`;
  return new OcicatError('invalid', `layer entry "${path.join('/')}": hard link target ${problem}`);
}

/** Undefined when nothing is there, or something that is no directory. */
function tryOpenDirectory(rootFd: number, path: TreePath): number | undefined {
  try {
    return openat2(rootFd, path.join('/') || '.', DIRECTORY_FLAGS, 0, RESOLVE_IN_ROOT);
  } catch (error) {
    if (isOcicatError(error, 'kernel') && (error.errno === ENOENT || error.errno === ENOTDIR)) return undefined;
    throw error;
  }
}

/** Makes the missing directories of a path one after the other; a whiteout in the way becomes an opaque directory. */
function createDirectories(
  rootFd: number,
  path: TreePath,
  lowerRoots: readonly string[],
  addEntry: () => void,
): number {
  let fd = openat2(rootFd, '.', DIRECTORY_FLAGS, 0, RESOLVE_IN_ROOT);
  for (const [index, name] of path.entries()) {
    const here = path.slice(0, index + 1);
    const hostPath = `${descriptorPath(fd)}/${name}`;
    let next = tryOpenDirectory(rootFd, here);
    try {
      if (next === undefined) {
        const there = lstat(hostPath);
        if (there !== undefined && !isWhiteout(there)) {
          throw new OcicatError('invalid', `layer: "${here.join('/')}" is no directory, but has entries below it`);
        }
        if (there !== undefined) unlinkSync(hostPath);
        addEntry();
        makeDirectory(hostPath, findLowerDirectory(lowerRoots, here));
        if (there !== undefined) setOpaque(hostPath);
        next = openat2(rootFd, here.join('/'), DIRECTORY_FLAGS, 0, RESOLVE_IN_ROOT);
      }
    } finally {
      close(fd);
    }
    fd = next;
  }
  return fd;
}

/** Makes the root of a layer's tree, with the owner and mode that the layers below show. */
export function makeTreeRoot(root: string, lowerRoots: readonly string[]): void {
  makeDirectory(root, findLowerDirectory(lowerRoots, []));
}

function makeDirectory(hostPath: string, attributes: DirectoryAttributes): void {
  mkdirSync(hostPath);
  lchownSync(hostPath, attributes.uid, attributes.gid);
  chmodSync(hostPath, attributes.mode);
}

/** Owner and mode of a directory as the layers below show it. */
function findLowerDirectory(lowerRoots: readonly string[], path: TreePath): DirectoryAttributes {
  const attributes = lookBelow(lowerRoots, path, (_hostPath, stats) => stats);
  if (attributes?.isDirectory() !== true) return { mode: 0o755, uid: 0, gid: 0 };
  return { mode: attributes.mode & 0o7777, uid: attributes.uid, gid: attributes.gid };
}

/** Undefined when nothing has the name. */
export function lstat(hostPath: string): Stats | undefined {
  return lstatSync(hostPath, { throwIfNoEntry: false });
}
