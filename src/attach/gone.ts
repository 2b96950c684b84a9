// Containers that are provably gone: the link of their endpoint went with their network namespace, in a reboot or with a killed
// runtime, and no call about them is under way. What they hold is given back when an ADD needs it.
import type { WorkloadEndpoint } from '../model/endpoint/workload-endpoint.ts';
import { deleteContainer } from './del.ts';
import { attachmentOf, idOf } from './endpoint.ts';
import { requestsOf } from './farewell.ts';
import type { LocalEndpoint } from './memory.ts';
import type { CniTask } from './task.ts';

/** Links by name: one that is on its way out counts as there. */
function hasLink({ context }: CniTask, { spec }: WorkloadEndpoint): boolean {
  return context.links.observe().some(({ name }) => name === spec.interfaceName);
}

/** Whether the endpoint is still the same, and still without a link. */
function isGone(task: CniTask, { key }: LocalEndpoint): boolean {
  const known = task.context.memory.endpoints().find((one) => one.key === key);
  return known !== undefined && !hasLink(task, known.endpoint);
}

async function remove(task: CniTask, gone: LocalEndpoint): Promise<void> {
  if (!isGone(task, gone)) return;
  for (const { call, request } of requestsOf(gone.endpoint))
    await deleteContainer({ ...task, call, request, netnsFd: undefined });
  task.context.log.warn(`endpoint ${idOf(gone.endpoint)} has lost its link; removed, since its address is asked for`);
}

/** In the turn of its container, unless that has a call under way: it may be about to make the link. */
async function removeInTurn(task: CniTask, gone: LocalEndpoint): Promise<void> {
  const { containerId } = attachmentOf(gone.endpoint);
  if (containerId === task.request.environment.containerId) return remove(task, gone);
  if (!task.containers.isBusy(containerId)) await task.containers.run(containerId, () => remove(task, gone));
}

/**
 * Removes this host's endpoints that are gone and meant. Nothing while the node's name is not provably this host's: a link
 * that is missing here may be up on another. Returns how many were found.
 */
export async function removeGone(task: CniTask, isMeant: (endpoint: WorkloadEndpoint) => boolean): Promise<number> {
  const { context, signal } = task;
  const meant = context.memory.endpoints().filter(({ endpoint }) => isMeant(endpoint));
  const gone = meant.filter(({ endpoint }) => !hasLink(task, endpoint));
  if (gone.length === 0 || !(await context.nodeLease.isHeld(signal))) return 0;
  for (const one of gone) await removeInTurn(task, one);
  return gone.length;
}
