// DEL: a container leaves. What is gone already is no failure; what cannot be done now is written down and done later.

import { isOcicatError } from '../base/errors.ts';
import { OWN_IPAM } from '../cni/config.ts';
import { printKey } from '../datastore/keys.ts';
import { printResourceKey } from '../datastore/resource-codec.ts';
import type { Draft } from '../ipam/draft.ts';
import { draftReleaseByHandle } from '../ipam/release.ts';
import type { WorkloadEndpoint } from '../model/workload-endpoint.ts';
import { delegate } from './cni-delegate.ts';
import { addressesOf, computeEndpointName, DEFAULT_NAMESPACE, findEndpoint, idOf } from './cni-endpoint.ts';
import { leaveNetwork } from './cni-join.ts';
import type { LocalEndpoint } from './cni-memory.ts';
import { attachmentName, forgetDel, tryRecallDel } from './cni-pending.ts';
import { type CniTask, commit, handlesOf, noteDel, unnoteEndpoint } from './cni-task.ts';

/** The id of the endpoint that this call's own interface has, if its namespace is the usual one. */
function expectedId({ context, request }: CniTask): string {
  const { containerId, interfaceName } = request.environment;
  return `${DEFAULT_NAMESPACE}/${computeEndpointName(context.nodeName, containerId, interfaceName)}`;
}

/** Without an endpoint to say its name, the link still says whose it is. */
function findLink(task: CniTask): { readonly hostName: string; readonly id: string } | undefined {
  const id = expectedId(task);
  const link = task.context.links.observe().find(({ endpoint }) => endpoint === id);
  return link === undefined ? undefined : { hostName: link.name, id };
}

/** First of all nothing may reach the container's addresses any more: they are about to be given to others. */
async function removeLink(task: CniTask, endpoint: WorkloadEndpoint | undefined): Promise<void> {
  const hostName = endpoint?.spec.interfaceName;
  const link = endpoint === undefined || hostName === undefined ? findLink(task) : { hostName, id: idOf(endpoint) };
  if (link === undefined) return;
  await task.context.links.remove(link.hostName, task.signal);
  await task.context.endpointGone(link.id);
}

/** Once nothing leads to the addresses. A kernel that cannot do it must not keep containers from going. */
async function endFlows({ context, request }: CniTask, endpoint: WorkloadEndpoint | undefined): Promise<void> {
  if (endpoint === undefined) return;
  try {
    await context.links.endFlows(addressesOf(endpoint));
  } catch (error) {
    context.log.warn(`end flows of container "${request.environment.containerId}"`, error);
  }
}

async function draftRemoval(task: CniTask, draft: Draft, endpoint: WorkloadEndpoint | undefined): Promise<void> {
  const { context, request } = task;
  const { memory } = context;
  const [namespace = '', name = ''] = (endpoint === undefined ? expectedId(task) : idOf(endpoint)).split('/');
  const key = printResourceKey({ kind: 'WorkloadEndpoint', namespace, name });
  if ((await draft.get(key)) !== undefined) draft.delete(key);
  if (request.config.ipam.type !== OWN_IPAM) return;
  const around = { draft, nowMs: context.now(), cooldownSeconds: memory.ipam.cooldownSeconds() };
  const networks = new Set([request.config.name, ...(endpoint?.spec.profiles ?? [])]);
  const handles = handlesOf(task, [...networks]);
  await Promise.all(handles.map((handleId) => draft.peek(printKey({ kind: 'handle', handleId })))); // one wait for all
  for (const handleId of handles) await draftReleaseByHandle(around, handleId);
}

/** The endpoint and its addresses, in one transaction. */
export async function removeFromStore(
  task: CniTask,
  endpoint: WorkloadEndpoint | undefined,
  signal = task.signal,
): Promise<void> {
  await commit(task, (draft) => draftRemoval(task, draft, endpoint), signal);
}

/** Another plugin's addresses; its failure must not keep the rest from being removed. */
async function giveBack(task: CniTask): Promise<unknown> {
  const { request, call, signal } = task;
  if (request.config.ipam.type === OWN_IPAM) return undefined;
  try {
    await delegate(request, call, 'DEL', signal);
    return undefined;
  } catch (error) {
    return error;
  }
}

function findKnown({ context, request }: CniTask): LocalEndpoint | undefined {
  return findEndpoint(context.memory, request.environment.containerId);
}

/** The container's endpoint when it was made for another interface than this call's. */
function findOthers(task: CniTask): LocalEndpoint | undefined {
  const known = findKnown(task);
  return known?.endpoint.spec.endpoint === task.request.environment.interfaceName ? undefined : known;
}

/** The endpoint may have become known only now: then its flows end now. */
async function removeEndpoint(task: CniTask, known: WorkloadEndpoint | undefined): Promise<void> {
  const endpoint = findKnown(task)?.endpoint;
  if (known === undefined) await endFlows(task, endpoint);
  await removeFromStore(task, endpoint);
}

/** A container that was never connected, since its plugin is not installed, has nothing there to give back. */
function isNothing(failure: unknown, connected: boolean): boolean {
  return failure === undefined || (!connected && isOcicatError(failure, 'invalid'));
}

/**
 * The kernel first, then other plugins, then the store, which may be the one that cannot be reached. `again`: it was
 * tried before, and the endpoint may have been removed then.
 */
async function removeContainer(task: CniTask, again: boolean): Promise<void> {
  const { memory } = task.context;
  const known = findKnown(task)?.endpoint;
  unnoteEndpoint(task); // before the link goes: nobody writes back what is being removed
  await removeLink(task, known);
  await endFlows(task, known);
  const failure = await giveBack(task);
  if (!memory.isInSync()) await memory.refresh(task.signal);
  const connected = again || findKnown(task) !== undefined;
  const others = findOthers(task);
  if (others !== undefined) await leaveNetwork(task, others);
  else await removeEndpoint(task, known);
  if (!isNothing(failure, connected)) throw failure;
}

/**
 * The interface's own network takes the endpoint with it; any other network only its profile. Throws when something is
 * left to do; it is written down then.
 */
export async function deleteContainer(task: CniTask): Promise<void> {
  const { pendingFolder } = task.context;
  const name = attachmentName(task.request);
  const again = tryRecallDel(pendingFolder, name) !== undefined;
  noteDel(task);
  const others = findOthers(task);
  if (others !== undefined) await leaveNetwork(task, others);
  else await removeContainer(task, again);
  forgetDel(pendingFolder, name);
}
