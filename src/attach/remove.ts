// DEL: a workload is detached. What is gone already is no failure; what cannot be done now is written down and done later.

import { isOcicatError } from '../base/errors.ts';
import { printKey } from '../datastore/keys.ts';
import { printResourceKey } from '../datastore/resource/resource-codec.ts';
import { buildReleaseByHandle } from '../ipam/release.ts';
import type { TransactionBuilder } from '../ipam/transaction-builder.ts';
import type { WorkloadEndpoint } from '../model/endpoint/workload-endpoint.ts';
import { releaseAddresses } from './addresses.ts';
import {
  attachedNetworkOf,
  holderNetworkOf,
  isAttached,
  isShared,
  networksOf,
  withoutNetwork,
} from './endpoint/attached-networks.ts';
import { addressesOf, attachmentOf, idOf } from './endpoint/endpoint.ts';
import { tryRecallEndpoint } from './endpoint/endpoint-files.ts';
import type { LocalEndpoint } from './endpoint/endpoint-index.ts';
import { otherAddresses } from './endpoint/other-interfaces.ts';
import { otherNetworksOf } from './endpoint/other-networks.ts';
import { expectedId, findLink } from './find-link.ts';
import { commit, dropEndpoint, handlesOf, type Operation, type OperationContext } from './operation.ts';
import type { DeferredRemoval, RemoveRequest } from './request.ts';
import { detachNetwork } from './share.ts';
import { buildLeaving } from './spanning.ts';

/** First of all nothing may reach the container's addresses any more: they are about to be assigned to others. */
async function removeLink(operation: Operation, endpoint: WorkloadEndpoint | undefined): Promise<void> {
  const hostName = endpoint?.spec.interfaceName;
  const link =
    endpoint === undefined || hostName === undefined ? findLink(operation) : { hostName, id: idOf(endpoint) };
  if (link === undefined) return;
  await operation.context.links.remove(link.hostName, operation.signal);
  await operation.context.endpointGone(link.id);
}

/** Once nothing leads to the addresses. A kernel that cannot do it must not keep containers from going. */
async function endFlows({ context, request }: Operation, endpoint: WorkloadEndpoint | undefined): Promise<void> {
  if (endpoint === undefined) return;
  try {
    await context.links.endFlows(addressesOf(endpoint));
  } catch (error) {
    context.log.warn(`end flows of container "${request.attachment.containerId}"`, error);
  }
}

/** Handles that may hold addresses of the endpoint, or of what the request's own interface has left behind. */
function handlesToRelease(request: RemoveRequest, endpoint: WorkloadEndpoint | undefined): readonly string[] {
  const holder = endpoint === undefined ? undefined : holderNetworkOf(endpoint);
  const networks = [request.network, ...(endpoint?.spec.profiles ?? []), ...(holder === undefined ? [] : [holder])];
  return handlesOf(request, [...new Set(networks)]);
}

async function buildDeletion(builder: TransactionBuilder, id: string): Promise<void> {
  const [namespace = '', name = ''] = id.split('/');
  const key = printResourceKey({ kind: 'WorkloadEndpoint', namespace, name });
  if ((await builder.get(key)) !== undefined) builder.delete(key);
}

async function buildRemoval(
  operation: Operation,
  builder: TransactionBuilder,
  endpoint: WorkloadEndpoint | undefined,
): Promise<void> {
  const { context, request } = operation;
  const { cache } = context;
  const id = endpoint === undefined ? expectedId(operation) : idOf(endpoint);
  if (id !== undefined) await buildDeletion(builder, id);
  await buildLeaving(operation, builder, id);
  if (request.provider !== undefined) return;
  const release = { builder, nowMs: context.now(), cooldownSeconds: cache.ipam.cooldownSeconds() };
  const handles = handlesToRelease(request, endpoint);
  const { containerId, interfaceName } = request.attachment;
  const others = otherAddresses(cache, { containerId, interfaceName: endpoint?.spec.endpoint ?? interfaceName });
  await Promise.all(handles.map((handleId) => builder.prefetchKey(printKey({ kind: 'handle', handleId })))); // one wait for all
  for (const handleId of handles) await buildReleaseByHandle(release, handleId, (_attributes, ip) => !others.has(ip));
}

/** The endpoint and its addresses, in one transaction. */
export async function removeFromStore(
  operation: Operation,
  endpoint: WorkloadEndpoint | undefined,
  signal = operation.signal,
): Promise<void> {
  await commit(operation, (builder) => buildRemoval(operation, builder, endpoint), signal);
}

/** Another provider's addresses; its failure must not keep the rest from being removed. */
async function giveBack({ request, signal }: Operation): Promise<unknown> {
  try {
    await request.provider?.giveBack(signal);
    return undefined;
  } catch (error) {
    return error;
  }
}

/** What a DEL takes: a network from an endpoint that others share, an interface with all it has, or nothing. */
type Removal =
  | { readonly kind: 'detach'; readonly known: LocalEndpoint }
  | { readonly kind: 'remove'; readonly known: LocalEndpoint | undefined }
  | { readonly kind: 'nothing' };

/** Addresses of another provider go with their network, and the interface with them. */
function isLast(request: RemoveRequest, endpoint: WorkloadEndpoint): boolean {
  const isHolder = request.provider !== undefined && holderNetworkOf(endpoint) === request.network;
  return isHolder || withoutNetwork(endpoint, attachedNetworkOf(request)) === undefined;
}

/** A shared interface is left by the networks that it was asked for under; one of its own goes whole. */
function planRemoval({ context: { cache }, request }: Operation): Removal {
  const { attachment } = request;
  const asked = attachedNetworkOf(request);
  const isJoined = ({ endpoint }: LocalEndpoint) => isShared(endpoint) && isAttached(endpoint, asked);
  const joined = cache.endpointsOf(attachment.containerId).find(isJoined);
  if (joined !== undefined) return { kind: isLast(request, joined.endpoint) ? 'remove' : 'detach', known: joined };
  const own = cache.findEndpoint(attachment);
  return own !== undefined && isShared(own.endpoint) ? { kind: 'nothing' } : { kind: 'remove', known: own };
}

/** The file before the link: nobody writes back what is being removed. */
async function removeFromHost(operation: Operation, endpoint: WorkloadEndpoint | undefined): Promise<void> {
  const { context, request } = operation;
  dropEndpoint(context, endpoint === undefined ? request.attachment : attachmentOf(endpoint));
  await removeLink(operation, endpoint);
  await endFlows(operation, endpoint);
}

/** The endpoint may have become known only now: then its flows end now. */
async function removeRest(operation: Operation, before: LocalEndpoint | undefined, known: LocalEndpoint | undefined) {
  if (before === undefined) await endFlows(operation, known?.endpoint);
  await removeFromStore(operation, known?.endpoint);
}

/** A container that was never attached, since its provider is not installed, has nothing there to give back. */
function isNothing(failure: unknown, wasAttached: boolean): boolean {
  return failure === undefined || (!wasAttached && isOcicatError(failure, 'invalid'));
}

/**
 * The kernel first, then other providers, then the store, which may be the one that cannot be reached. `isRetry`: it was
 * tried before, and the endpoint may have been removed then; or it takes back an ADD, which may have written what was never answered.
 */
async function removeInterface(operation: Operation, before: LocalEndpoint | undefined, isRetry: boolean) {
  const { cache } = operation.context;
  await removeFromHost(operation, before?.endpoint);
  const failure = await giveBack(operation);
  if (isRetry || !cache.isInSync()) await cache.refresh(operation.signal);
  const now = planRemoval(operation);
  if (now.kind === 'detach') await detachNetwork(operation, now.known);
  if (now.kind === 'remove') await removeRest(operation, before, now.known);
  const wasAttached = isRetry || (now.kind !== 'nothing' && now.known !== undefined);
  if (!isNothing(failure, wasAttached)) throw failure;
}

/** Who has not read the store, or not since the removal was first written down, must not take an interface that other networks share. */
async function learnOfShared({ context, request, signal }: Operation, isRetry: boolean): Promise<void> {
  const kept = tryRecallEndpoint(context.endpointFolder, request.attachment);
  const isOld = isRetry || !context.cache.isInSync();
  if (isOld && kept !== undefined && isShared(kept.endpoint)) await context.cache.refresh(signal);
}

async function removeWorkload(operation: Operation, isRetry: boolean): Promise<void> {
  await learnOfShared(operation, isRetry);
  const removal = planRemoval(operation);
  if (removal.kind === 'detach') await detachNetwork(operation, removal.known);
  if (removal.kind === 'remove') await removeInterface(operation, removal.known, isRetry);
}

/** Throws when something is left to do; it is written down then. */
export async function remove(operation: Operation): Promise<void> {
  const { scope, deferred } = operation.request;
  const isRetry = deferred.load() !== undefined;
  deferred.save();
  await (scope === 'interface' ? removeWorkload(operation, isRetry) : releaseAddresses(operation));
  deferred.clear();
}

/** Removes what an earlier removal of the same attachment has left, if there is one. */
export async function removeIfDeferred(operation: Operation): Promise<void> {
  const request = operation.request.deferred.load();
  if (request !== undefined) await remove({ ...operation, request });
}

/** An endpoint without a link is its own note of what is left to do. */
const NOT_DEFERRED: DeferredRemoval = { load: () => undefined, save: () => undefined, clear: () => undefined };

/** An endpoint of this host with all that it has, whatever networks share it. */
export async function removeEndpoint(context: OperationContext, { endpoint }: LocalEndpoint): Promise<void> {
  const [network = 'unknown'] = networksOf(endpoint).map((one) => one.network);
  const attachment = attachmentOf(endpoint);
  const otherIds = [endpoint.spec.containerID ?? ''];
  const request = {
    scope: 'interface',
    attachment,
    otherIds,
    network,
    provider: undefined,
    deferred: NOT_DEFERRED,
    spansNetworks: otherNetworksOf(endpoint).length > 0,
  } as const;
  const operation: Operation = { ...context, request };
  await removeFromHost(operation, endpoint);
  await removeFromStore(operation, endpoint);
}
