// A mount namespace of the runner's own: what it mounts for a pod is seen by the pod only and goes when the last of them ends.
import * as libc from '../sys/libc.ts';

/**
 * Moves the calling thread, and with it all children it starts, into a new mount namespace that still receives the host's
 * mounts. Reads and writes by other threads (anything asynchronous) keep seeing the host's.
 */
export function enterPrivateMounts(): void {
  libc.unshare(libc.CLONE_NEWNS);
  libc.mount('', '/', null, libc.MS_REC | libc.MS_SLAVE);
}
