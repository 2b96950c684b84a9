// A pod's network namespace: a bind mount below /var/run/netns, where CNI plugins and `ip netns` find it.
import { closeSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { isOcicatError } from '../../base/errors.ts';
import { LOOPBACK_INDEX, writeUp } from '../../kernel/link/links.ts';
import * as libc from '../../sys/libc.ts';
import { createMessageWriter, withRouteSocket } from '../../sys/netlink.ts';
import { createNetns } from '../../sys/netns.ts';

const NETNS_DIR = '/var/run/netns';

/** Where the pod's namespace is mounted. */
export function netnsPath(uuid: string): string {
  return `${NETNS_DIR}/cni-${uuid}`;
}

/**
 * Makes the directory a shared mount, as `ip netns add` does, so that namespaces mounted there later appear in every
 * mount namespace that was given the directory before.
 */
export function shareNetnsDirectory(): void {
  mkdirSync(NETNS_DIR, { recursive: true, mode: 0o755 });
  const lock = libc.open(NETNS_DIR, libc.O_RDONLY | libc.O_DIRECTORY | libc.O_CLOEXEC);
  try {
    libc.flock(lock, libc.LOCK_EX);
    try {
      libc.mount('', NETNS_DIR, null, libc.MS_SHARED | libc.MS_REC);
    } catch (error) {
      if (!isOcicatError(error, 'kernel') || error.errno !== libc.EINVAL) throw error;
      libc.mount(NETNS_DIR, NETNS_DIR, null, libc.MS_BIND | libc.MS_REC);
      libc.mount('', NETNS_DIR, null, libc.MS_SHARED | libc.MS_REC);
    }
  } finally {
    libc.close(lock);
  }
}

function raiseLoopback(netnsFd: number): void {
  withRouteSocket((socket) => {
    const writer = createMessageWriter(64);
    writeUp(writer, LOOPBACK_INDEX, true);
    socket.request(writer, 1);
  }, netnsFd);
}

/** Makes the pod's namespace, with `lo` up, and mounts it. Returns its path. */
export function createPodNetns(uuid: string): string {
  const path = netnsPath(uuid);
  shareNetnsDirectory();
  const fd = createNetns();
  try {
    raiseLoopback(fd);
    closeSync(openSync(path, 'wx', 0o444));
    libc.mount(`/proc/thread-self/fd/${fd}`, path, null, libc.MS_BIND);
  } finally {
    libc.close(fd);
  }
  return path;
}

/** Unmounts and removes the pod's namespace; it is fine if it is gone, as after a reboot. */
export function removePodNetns(uuid: string): void {
  const path = netnsPath(uuid);
  try {
    libc.umount2(path, libc.MNT_DETACH);
  } catch (error) {
    const gone = isOcicatError(error, 'kernel') && (error.errno === libc.EINVAL || error.errno === libc.ENOENT);
    if (!gone) throw error;
  }
  rmSync(path, { force: true });
}
