// Deleting a pod that has ended: its networks, its namespace, its control groups, its files. Every step may be repeated.
import { readFileSync } from 'node:fs';
import { describeError, OcicatError } from '../base/errors.ts';
import { removeTree } from '../images/remove-tree.ts';
import * as libc from '../sys/libc.ts';
import { removePodCgroups } from './cgroups.ts';
import type { Context } from './context.ts';
import { removeNetworks } from './networks.ts';
import { removePodNetns } from './pod-netns.ts';
import type { HeldPod } from './pod-store.ts';
import { unregisterPod } from './register-pod.ts';
import { podNetworks } from './start-network.ts';

/** mountinfo writes blanks and backslashes as three octal digits. Source: proc(5). */
function decodeMountPath(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

/** Mount points at or below a directory, innermost last. */
function mountsBelow(directory: string): readonly string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => decodeMountPath(line.split(' ')[4] ?? ''))
    .filter((path) => path === directory || path.startsWith(`${directory}/`))
    .sort((a, b) => a.length - b.length);
}

/** Nothing may be deleted through a mount: what is behind it may be the host's own files. */
function unmountAll(directory: string): void {
  for (const path of mountsBelow(directory).toReversed()) libc.umount2(path, libc.MNT_DETACH);
  const [left] = mountsBelow(directory);
  if (left !== undefined) throw new OcicatError('unavailable', `unmount "${left}": still mounted`);
}

/**
 * Deletes a pod that this process has locked in one of the garbage directories. Throws `unavailable` when a network
 * cannot be taken down; the pod then stays where it is, and a later gc or rm goes on from there.
 */
export async function deletePod(context: Context, pod: HeldPod): Promise<void> {
  const failures = await removeNetworks(podNetworks(context, pod.uuid, pod.path));
  if (failures.length > 0) {
    throw new OcicatError(
      'unavailable',
      `pod "${pod.uuid}" is kept until its networks can be deleted: ${failures.join('; ')}`,
    );
  }
  await unregisterPod(pod);
  try {
    removePodNetns(pod.uuid);
    removePodCgroups(pod.uuid);
    unmountAll(pod.path);
    removeTree(pod.path);
  } catch (cause) {
    throw new OcicatError('unavailable', `remove pod "${pod.uuid}": ${describeError(cause)}`);
  }
}
