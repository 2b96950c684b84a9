// Endpoints of workloads that are provably gone: their link went with their network namespace, in a reboot or with a killed
// runtime, and no request about them is under way. What they hold is released when an ADD needs it, or after a while.
import type { WorkloadEndpoint } from '../model/endpoint/workload-endpoint.ts';
import { attachmentOf, idOf } from './endpoint/endpoint.ts';
import type { LocalEndpoint } from './endpoint/endpoint-index.ts';
import type { Operation, OperationContext } from './operation.ts';
import { removeEndpoint } from './remove.ts';

/** Links by name: one that is on its way out counts as there. */
function hasLink({ context }: OperationContext, { spec }: WorkloadEndpoint): boolean {
  return context.links.observe().some(({ name }) => name === spec.interfaceName);
}

/** Whether the endpoint is still the same, and still without a link. */
function isStale(operation: OperationContext, { key }: LocalEndpoint): boolean {
  const known = operation.context.cache.endpointAt(key);
  return known !== undefined && !hasLink(operation, known.endpoint);
}

/** In the turn of its container. Returns whether it was still stale. */
export async function removeIfStale(operation: OperationContext, known: LocalEndpoint): Promise<boolean> {
  if (!isStale(operation, known)) return false;
  await removeEndpoint(operation, known);
  return true;
}

async function remove(operation: Operation, stale: LocalEndpoint): Promise<void> {
  if (!(await removeIfStale(operation, stale))) return;
  operation.context.log.warn(
    `endpoint ${idOf(stale.endpoint)} has lost its link; removed, since its address is asked for`,
  );
}

/** Whether any endpoint of this host is without a link. */
export function hasStale(operation: OperationContext): boolean {
  return operation.context.cache.endpoints().some(({ endpoint }) => !hasLink(operation, endpoint));
}

/** In the turn of its container, unless that has a request under way: it may be about to make the link. */
async function removeInTurn(operation: Operation, stale: LocalEndpoint): Promise<void> {
  const { containers, request } = operation;
  const { containerId } = attachmentOf(stale.endpoint);
  if (containerId === request.attachment.containerId) return remove(operation, stale);
  if (!containers.isBusy(containerId)) await containers.run(containerId, () => remove(operation, stale));
}

/**
 * Removes this host's endpoints that are stale and meant. Nothing while the node's name is not provably this host's: a link
 * that is missing here may be up on another. Returns how many were found.
 */
export async function removeStale(
  operation: Operation,
  isMeant: (endpoint: WorkloadEndpoint) => boolean,
): Promise<number> {
  const { context, signal } = operation;
  const meant = context.cache.endpoints().filter(({ endpoint }) => isMeant(endpoint));
  const stale = meant.filter(({ endpoint }) => !hasLink(operation, endpoint));
  if (stale.length === 0 || !(await context.nodeLease.isHeld(signal))) return 0;
  for (const one of stale) await removeInTurn(operation, one);
  return stale.length;
}
