// Which layers of an image show: those below a layer that hides everything do not.
import { lgetxattr } from '../sys/libc.ts';
import { OPAQUE, OPAQUE_VALUE } from './tree-writer.ts';

/** Whether a directory hides all that the layers below have in it. */
export function isOpaque(directory: string): boolean {
  const value = lgetxattr(directory, OPAQUE);
  return value !== undefined && Buffer.from(value).toString() === OPAQUE_VALUE;
}

/** `roots` top-most first, to the first that hides all below: overlayfs does not look at the mark on the root of a layer. */
export function visibleLayers(roots: readonly string[]): readonly string[] {
  const last = roots.findIndex(isOpaque);
  return last < 0 ? roots : roots.slice(0, last + 1);
}
