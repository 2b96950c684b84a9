// `calico-ipam` by itself: addresses for the container of another main plugin, such as bridge or ptp.
// Addresses are told apart by interface, since a container may have several of one network there.
import { OcicatError } from '../base/errors.ts';
import type { CniResult } from '../cni/spec/result.ts';
import { draftAssignment } from '../ipam/assign.ts';
import { draftReleaseByHandle } from '../ipam/release.ts';
import { gatewayOf } from '../kernel/link/workload-link.ts';
import { familyOf } from '../net/ip.ts';
import { assignRequestOf, surroundingsOf } from './assign.ts';
import { missingAddresses, observeHeld, throwDifferences } from './check.ts';
import { bootWords, draftReleaseOfBefore } from './last-boot.ts';
import { attachmentName, forgetDel } from './pending.ts';
import { type CniTask, commit, handleOf, handlesOf, noteDel } from './task.ts';

type Words = Readonly<Record<string, string>>;

/** Whether an address is the call's interface's; one of Calico's does not say, and is then. */
function isForInterface({ request }: CniTask): (words: Words) => boolean {
  const { interfaceName } = request.environment;
  return (words) => (words.interface ?? interfaceName) === interfaceName;
}

function ownHandle({ request }: CniTask): string {
  return handleOf(request.config.name, request.environment.containerId);
}

/** `ptp` gives the gateway to the host's end of its link, and fails without one; `bridge` would take it from a network's. */
function needsGateway({ request }: CniTask): boolean {
  return request.config.type === 'ptp';
}

export async function addAddresses(task: CniTask): Promise<CniResult> {
  const { request } = task;
  const base = assignRequestOf(task);
  const words = { ...base.words, interface: request.environment.interfaceName, ...bootWords(task) };
  const { result } = await commit(task, async (draft) => {
    await draftReleaseOfBefore(task, draft);
    return draftAssignment(surroundingsOf(task, draft), { ...base, words, isSame: isForInterface(task) });
  });
  const addresses = result.map(({ ip, prefixLength }) => ({
    address: { address: ip, prefixLength },
    gateway: needsGateway(task) ? gatewayOf(familyOf(ip)) : undefined,
  }));
  return { interfaces: [], addresses, routes: [], dns: {} };
}

export async function deleteAddresses(task: CniTask): Promise<void> {
  const { context, request } = task;
  const { ipam } = context.memory;
  noteDel(task);
  if (!context.memory.isInSync()) await context.memory.refresh(task.signal);
  await commit(task, async (draft) => {
    const around = { draft, nowMs: context.now(), cooldownSeconds: ipam.cooldownSeconds() };
    for (const handleId of handlesOf(task, [request.config.name]))
      await draftReleaseByHandle(around, handleId, isForInterface(task));
  });
  forgetDel(task.context.pendingFolder, attachmentName(task.request));
}

/** Throws `not-found` when the container has lost its addresses. */
export async function checkAddresses(task: CniTask): Promise<void> {
  const { containerId } = task.request.environment;
  const held = await observeHeld(task, ownHandle(task));
  if (held.length === 0)
    throw new OcicatError(
      'not-found',
      `check container "${containerId}": no address is held under "${ownHandle(task)}"`,
    );
  const previous = (task.request.config.previous?.addresses ?? []).map(({ address }) => address.address);
  throwDifferences(containerId, missingAddresses('prevResult', previous, held));
}
