// What several layers show together: the top-most that has a path, or hides it, decides. No link is followed, so that
// nothing leads out of a layer.
import { lstatSync, type Stats } from 'node:fs';
import { isOcicatError } from '../../base/errors.ts';
import {
  close,
  ENOENT,
  O_CLOEXEC,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  open,
  openat2,
  RESOLVE_IN_ROOT,
} from '../../sys/libc.ts';
import { isOpaque, isWhiteout } from './overlay-marks.ts';

/** Names from the root down; none is empty, `.` or `..`, or holds a slash. The root itself is the empty list. */
export type TreePath = readonly string[];

const ENOTDIR = 20;
const ELOOP = 40;
const DIRECTORY_FLAGS = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

/** `roots` top-most first, to the first that hides all below: overlayfs does not look at the mark on the root of a layer. */
export function visibleLayers(roots: readonly string[]): readonly string[] {
  const last = roots.findIndex(isOpaque);
  return last < 0 ? roots : roots.slice(0, last + 1);
}

/** Undefined when nothing is there, or something that is no directory. */
function tryOpenDirectory(parentFd: number, name: string): number | undefined {
  try {
    return openat2(parentFd, name, DIRECTORY_FLAGS, 0, RESOLVE_IN_ROOT);
  } catch (error) {
    if (isOcicatError(error, 'kernel') && [ENOENT, ENOTDIR, ELOOP].includes(error.errno ?? 0)) return undefined;
    throw error;
  }
}

type Look<T> =
  | { readonly kind: 'found'; readonly value: T }
  | { readonly kind: 'hidden' }
  | { readonly kind: 'absent' };

/** What one layer says of a path; `hidden` when the layers below do not show it either. */
function lookIn<T>(root: string, path: TreePath, work: (hostPath: string, stats: Stats) => T): Look<T> {
  let fd = open(root, DIRECTORY_FLAGS);
  let isCovered = false;
  try {
    for (const [index, name] of [...path, '.'].entries()) {
      const hostPath = `/proc/self/fd/${fd}/${name}`;
      const stats = lstatSync(hostPath, { throwIfNoEntry: false });
      isCovered ||= isOpaque(`/proc/self/fd/${fd}/.`);
      if (stats === undefined) return { kind: isCovered ? 'hidden' : 'absent' };
      if (isWhiteout(stats)) return { kind: 'hidden' };
      if (index >= path.length - 1) return { kind: 'found', value: work(hostPath, stats) };
      const next = tryOpenDirectory(fd, name);
      if (next === undefined) return { kind: 'hidden' }; // no directory: it covers what is below
      close(fd);
      fd = next;
    }
    return { kind: 'absent' };
  } finally {
    close(fd);
  }
}

/**
 * Calls `work` with what the layers, top-most first, show at a path: a name beside an open descriptor of its directory, valid
 * until it returns. undefined when they show nothing there.
 */
export function lookBelow<T>(
  roots: readonly string[],
  path: TreePath,
  work: (hostPath: string, stats: Stats) => T,
): T | undefined {
  for (const root of roots) {
    const look = lookIn(root, path, work);
    if (look.kind === 'found') return look.value;
    if (look.kind === 'hidden') return undefined;
  }
  return undefined;
}
