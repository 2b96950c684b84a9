// Deleting a pod that has ended: its networks, its namespace, its control groups, its files. Every step may be repeated.
import { describeError, OcicatError } from '../../base/errors.ts';
import { unmountBelow } from '../../sys/mounts.ts';
import { removeTree } from '../../sys/remove-tree.ts';
import type { Context } from '../cli/context.ts';
import { removeNetworks } from '../network/networks.ts';
import { removePodNetns } from '../network/pod-netns.ts';
import type { HeldPod } from '../store/pod-store.ts';
import { removePodCgroups } from './cgroups.ts';
import { unregisterPod } from './register-pod.ts';
import { podNetworks } from './start-network.ts';

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
    unmountBelow(pod.path);
    removeTree(pod.path);
  } catch (cause) {
    throw new OcicatError('unavailable', `remove pod "${pod.uuid}": ${describeError(cause)}`);
  }
}
