// overlayfs' own marks in a layer: whiteouts and opaque directories (kernel Documentation/filesystems/overlayfs.rst).
import type { Stats } from 'node:fs';
import { lgetxattr, lsetxattr, makedev, mknod } from '../../sys/libc.ts';

const S_IFCHR = 0o020000;
const OPAQUE = 'trusted.overlay.opaque';
const OPAQUE_VALUE = 'y';

/** A character device 0/0 hides the name in the layers below. */
export function makeWhiteout(hostPath: string): void {
  mknod(hostPath, S_IFCHR, makedev(0, 0));
}

/** Whether a file hides its name in the layers below. */
export function isWhiteout(stats: Stats): boolean {
  return stats.isCharacterDevice() && stats.rdev === 0;
}

/** An opaque directory hides everything that the layers below have in it. */
export function setOpaque(hostPath: string): void {
  lsetxattr(hostPath, OPAQUE, Buffer.from(OPAQUE_VALUE));
}

/** Whether a directory hides all that the layers below have in it. */
export function isOpaque(directory: string): boolean {
  const value = lgetxattr(directory, OPAQUE);
  return value !== undefined && Buffer.from(value).toString() === OPAQUE_VALUE;
}
