// DEL: a container leaves. What is gone already is no failure; what cannot be done now is written down and done later.

import { isOcicatError } from '../base/errors.ts';
import { delegate } from '../cni/invoke/delegate.ts';
import { attachedOf, holderNetworkOf, isAttached, isShared, withoutNetwork } from '../cni/spec/attached-networks.ts';
import { OWN_IPAM } from '../cni/spec/config.ts';
import { printKey } from '../datastore/keys.ts';
import { printResourceKey } from '../datastore/resource/resource-codec.ts';
import type { Draft } from '../ipam/draft.ts';
import { draftReleaseByHandle } from '../ipam/release.ts';
import type { WorkloadEndpoint } from '../model/endpoint/workload-endpoint.ts';
import {
  addressesOf,
  attachmentOf,
  DEFAULT_NAMESPACE,
  endpointsOf,
  findEndpoint,
  idOf,
  tryNameEndpoint,
} from './endpoint.ts';
import { tryRecallEndpoint } from './endpoint-files.ts';
import { leaveNetwork } from './join.ts';
import type { LocalEndpoint } from './memory.ts';
import { attachmentName, forgetDel, tryRecallDel } from './pending.ts';
import { siblingAddresses } from './siblings.ts';
import { type CniTask, commit, handlesOf, noteDel, unnoteEndpoint } from './task.ts';

/** The id of the endpoint that this call's own interface has, if its namespace is the usual one; undefined when it can have none. */
function expectedId({ context, request }: CniTask): string | undefined {
  const { containerId, interfaceName } = request.environment;
  const name = tryNameEndpoint(context.nodeName, containerId, interfaceName);
  return name === undefined ? undefined : `${DEFAULT_NAMESPACE}/${name}`;
}

/** Without an endpoint to say its name, the link still says whose it is. */
function findLink(task: CniTask): { readonly hostName: string; readonly id: string } | undefined {
  const id = expectedId(task);
  const link = task.context.links.observe().find(({ endpoint }) => endpoint === id);
  return id === undefined || link === undefined ? undefined : { hostName: link.name, id };
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

/** Handles that may hold addresses of the endpoint, or of what the call's own interface has left behind. */
function handlesToRelease(task: CniTask, endpoint: WorkloadEndpoint | undefined): readonly string[] {
  const holder = endpoint === undefined ? undefined : holderNetworkOf(endpoint);
  const networks = [
    task.request.config.name,
    ...(endpoint?.spec.profiles ?? []),
    ...(holder === undefined ? [] : [holder]),
  ];
  return handlesOf(task, [...new Set(networks)]);
}

async function draftDeletion(draft: Draft, id: string): Promise<void> {
  const [namespace = '', name = ''] = id.split('/');
  const key = printResourceKey({ kind: 'WorkloadEndpoint', namespace, name });
  if ((await draft.get(key)) !== undefined) draft.delete(key);
}

async function draftRemoval(task: CniTask, draft: Draft, endpoint: WorkloadEndpoint | undefined): Promise<void> {
  const { context, request } = task;
  const { memory } = context;
  const id = endpoint === undefined ? expectedId(task) : idOf(endpoint);
  if (id !== undefined) await draftDeletion(draft, id);
  if (request.config.ipam.type !== OWN_IPAM) return;
  const around = { draft, nowMs: context.now(), cooldownSeconds: memory.ipam.cooldownSeconds() };
  const handles = handlesToRelease(task, endpoint);
  const siblings = siblingAddresses(task, endpoint?.spec.endpoint ?? request.environment.interfaceName);
  await Promise.all(handles.map((handleId) => draft.peek(printKey({ kind: 'handle', handleId })))); // one wait for all
  for (const handleId of handles) await draftReleaseByHandle(around, handleId, (_words, ip) => !siblings.has(ip));
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

/** What a DEL takes: a network from an endpoint that others share, an interface with all it has, or nothing. */
type Departure =
  | { readonly kind: 'leave'; readonly known: LocalEndpoint }
  | { readonly kind: 'remove'; readonly known: LocalEndpoint | undefined }
  | { readonly kind: 'nothing' };

/** Addresses of another IPAM plugin go with their network, and the interface with them. */
function isLast({ request }: CniTask, endpoint: WorkloadEndpoint): boolean {
  const giver = request.config.ipam.type !== OWN_IPAM && holderNetworkOf(endpoint) === request.config.name;
  return giver || withoutNetwork(endpoint, attachedOf(request)) === undefined;
}

/** A shared interface is left by the networks that it was asked for under; one of its own goes whole. */
function departureOf(task: CniTask): Departure {
  const { context, request } = task;
  const endpoints = endpointsOf(context.memory, request.environment.containerId);
  const isJoined = ({ endpoint }: LocalEndpoint) => isShared(endpoint) && isAttached(endpoint, attachedOf(request));
  const joined = endpoints.find(isJoined);
  if (joined !== undefined) return { kind: isLast(task, joined.endpoint) ? 'remove' : 'leave', known: joined };
  const own = findEndpoint(context.memory, request.environment);
  return own !== undefined && isShared(own.endpoint) ? { kind: 'nothing' } : { kind: 'remove', known: own };
}

/** The endpoint may have become known only now: then its flows end now. */
async function removeEndpoint(task: CniTask, before: LocalEndpoint | undefined, known: LocalEndpoint | undefined) {
  if (before === undefined) await endFlows(task, known?.endpoint);
  await removeFromStore(task, known?.endpoint);
}

/** A container that was never connected, since its plugin is not installed, has nothing there to give back. */
function isNothing(failure: unknown, connected: boolean): boolean {
  return failure === undefined || (!connected && isOcicatError(failure, 'invalid'));
}

/**
 * The kernel first, then other plugins, then the store, which may be the one that cannot be reached. `again`: it was
 * tried before, and the endpoint may have been removed then.
 */
async function removeContainer(task: CniTask, before: LocalEndpoint | undefined, again: boolean): Promise<void> {
  const { memory } = task.context;
  // the file before the link: nobody writes back what is being removed
  unnoteEndpoint(task, before === undefined ? task.request.environment : attachmentOf(before.endpoint));
  await removeLink(task, before?.endpoint);
  await endFlows(task, before?.endpoint);
  const failure = await giveBack(task);
  if (!memory.isInSync()) await memory.refresh(task.signal);
  const now = departureOf(task);
  if (now.kind === 'leave') await leaveNetwork(task, now.known);
  if (now.kind === 'remove') await removeEndpoint(task, before, now.known);
  const connected = again || (now.kind !== 'nothing' && now.known !== undefined);
  if (!isNothing(failure, connected)) throw failure;
}

/** An agent that has not read the store must not take an interface that other networks share. */
async function learnOfShared({ context, request, signal }: CniTask): Promise<void> {
  const kept = tryRecallEndpoint(context.endpointFolder, request.environment);
  if (!context.memory.isInSync() && kept !== undefined && isShared(kept.endpoint)) await context.memory.refresh(signal);
}

/** Throws when something is left to do; it is written down then. */
export async function deleteContainer(task: CniTask): Promise<void> {
  const { pendingFolder } = task.context;
  const name = attachmentName(task.request);
  const again = tryRecallDel(pendingFolder, name) !== undefined;
  noteDel(task);
  await learnOfShared(task);
  const departure = departureOf(task);
  if (departure.kind === 'leave') await leaveNetwork(task, departure.known);
  if (departure.kind === 'remove') await removeContainer(task, departure.known, again);
  forgetDel(pendingFolder, name);
}
