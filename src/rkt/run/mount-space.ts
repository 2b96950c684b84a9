// A mount namespace of the runner's own: what it mounts for a pod is seen by the pod only and goes when the last of them ends.
import { existsSync } from 'node:fs';
import { isOcicatError } from '../../base/errors.ts';
import * as libc from '../../sys/libc.ts';

const CLONE_FS = 0x200;

export interface MountSpace {
  /** Back to the host's mounts, for good. */
  leave(): void;
}

/** More than the engine ever starts threads in one go. */
const ATTEMPTS = 16;

/**
 * A thread that was started since shares the directories of this one, and setns(2) wants them for itself; the engine may
 * start one between any two calls.
 */
function comeHome(host: number): void {
  for (let attempt = 1; ; attempt++) {
    libc.unshare(CLONE_FS);
    try {
      libc.setns(host, libc.CLONE_NEWNS);
      return;
    } catch (error) {
      if (attempt === ATTEMPTS || !isOcicatError(error, 'kernel') || error.errno !== libc.EINVAL) throw error;
    }
  }
}

/**
 * Moves the calling thread, and with it all children it starts, into a new mount namespace that still receives the host's
 * mounts. Reads and writes by other threads (anything asynchronous) keep seeing the host's.
 */
export function enterPrivateMounts(): MountSpace {
  const host = libc.open('/proc/thread-self/ns/mnt', libc.O_RDONLY | libc.O_CLOEXEC);
  libc.unshare(libc.CLONE_NEWNS);
  libc.mount('', '/', null, libc.MS_REC | libc.MS_SLAVE);
  let left = false;
  return {
    leave() {
      if (left) return;
      left = true;
      comeHome(host);
      libc.close(host);
    },
  };
}

const CGROUP_DIR = '/sys/fs/cgroup';

/**
 * Puts /sys/fs/cgroup out of sight, in a mount namespace of one's own: crun refuses the hybrid layout, in which cgroup v2 is
 * mounted at `unified` beside the v1 controllers, even when it is told to leave cgroups alone.
 */
export function hideCgroups(): void {
  if (!existsSync(CGROUP_DIR)) return;
  const flags = libc.MS_NOSUID | libc.MS_NODEV | libc.MS_NOEXEC;
  libc.mount('none', CGROUP_DIR, 'tmpfs', flags, 'size=64k,mode=755');
}
