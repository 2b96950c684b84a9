// ADD: a workload is attached to a network. Store first, then link, then policy, and last the link comes up: at no moment can a
// packet pass that policy does not know about, and whatever fails takes the steps before it back.
import { randomBytes } from 'node:crypto';
import { isOcicatError, OcicatError } from '../base/errors.ts';
import { printResource, printResourceKey } from '../datastore/resource/resource-codec.ts';
import { buildAssignment } from '../ipam/assign.ts';
import type { TransactionBuilder } from '../ipam/transaction-builder.ts';
import type { WorkloadEndpoint } from '../model/endpoint/workload-endpoint.ts';
import { formatIp, type Ip } from '../net/ip.ts';
import { localMac } from '../net/mac.ts';
import type { Undo } from '../sys/undo.ts';
import { assignRequestOf, buildReleaseHeld, ipamContextOf } from './assign-request.ts';
import { isLinkDrafted } from './drafted-endpoints.ts';
import {
  addressesOf,
  attachedAddressesOf,
  computeEndpointName,
  createEndpoint,
  DEFAULT_NAMESPACE,
  idOf,
  linkOf,
} from './endpoint/endpoint.ts';
import type { LocalEndpoint } from './endpoint/endpoint-index.ts';
import { chooseLinkName } from './endpoint/link-name.ts';
import { buildProfile } from './endpoint/profile.ts';
import { releaseGone } from './gone-holders.ts';
import { requireFreePorts, requireMappable, requireUnusedPorts, wantsPortsOf } from './host-ports.ts';
import { createLink, linkSpecOf } from './link.ts';
import { nameserversOf } from './nameservers.ts';
import {
  commit,
  dropEndpoint,
  handleOf,
  type Operation,
  saveEndpoint,
  strikeOut,
  undoSignal,
  withUndo,
} from './operation.ts';
import { awaitReadiness } from './readiness.ts';
import { removeFromStore } from './remove.ts';
import type { AddressProvider, Attached, AttachRequest, ProvidedAddresses } from './request.ts';
import { routesOf } from './routes.ts';
import { attachNetwork } from './share.ts';
import { buildJoining } from './spanning.ts';
import { removeStale } from './stale-endpoints.ts';

type Add = Operation<AttachRequest>;

/** Throws `invalid` when the provider gave others than were asked for. */
function requireWanted({ provider, addresses: wanted }: AttachRequest, { addresses }: ProvidedAddresses): void {
  const missing = wanted.filter((ip) => !addresses.includes(ip));
  if (missing.length > 0)
    throw new OcicatError(
      'invalid',
      `ask "${provider?.name}" for addresses ${missing.map(formatIp).join(', ')}: it gave ${addresses.map(formatIp).join(', ')}`,
    );
}

/** Whatever it has noted of a request that came to nothing; later, where it cannot now. One that is not installed has noted nothing. */
async function giveBackAll(operation: Add, provider: AddressProvider): Promise<void> {
  try {
    await provider.giveBack(undoSignal());
  } catch (failure) {
    operation.context.log.warn(`give back addresses of ${provider.name}`, failure);
    if (!isOcicatError(failure, 'invalid')) return;
  }
  strikeOut(operation);
}

/** From another provider, which has its own store: taken before our commit, and how it is given back is written down before that. */
async function takeProvided(operation: Add): Promise<ProvidedAddresses | undefined> {
  const { request, signal } = operation;
  const { provider } = request;
  if (provider === undefined) return undefined;
  request.deferred.save();
  try {
    const provided = await provider.take(signal);
    requireWanted(request, provided);
    return provided;
  } catch (error) {
    await giveBackAll(operation, provider);
    throw error;
  }
}

async function buildAddresses(operation: Add, builder: TransactionBuilder): Promise<readonly Ip[]> {
  const { heldUnder, addresses } = operation.request;
  if (heldUnder !== undefined) await buildReleaseHeld(operation.context, builder, { handleId: heldUnder, addresses });
  const assigned = await buildAssignment(ipamContextOf(operation.context, builder), assignRequestOf(operation));
  return assigned.map(({ ip }) => ip);
}

/**
 * Addresses, endpoint and profile, all of which become true in one transaction. undefined, and nothing written, when the
 * endpoint is there already: an earlier ADD was stopped after its commit.
 */
async function buildEndpoint(
  operation: Add,
  builder: TransactionBuilder,
  provided: ProvidedAddresses | undefined,
): Promise<WorkloadEndpoint | undefined> {
  const { context, request } = operation;
  const { attachment, network, namespace, labels, workload, names, dns, controls, portMappings } = request;
  requireFreePorts(operation, builder);
  const isTaken = (name: string) => context.links.isForeign(name) || isLinkDrafted(builder, name);
  const parts = {
    ...attachment,
    nodeName: context.nodeName,
    namespace,
    labels,
    workload,
    names,
    dns,
    controls,
    portMappings,
    network,
    hostName: chooseLinkName(context.cache, attachment, isTaken),
    mac: request.mac ?? localMac(randomBytes(6)),
    nowMs: context.now(),
  };
  const key = printResourceKey({
    kind: 'WorkloadEndpoint',
    namespace: namespace ?? DEFAULT_NAMESPACE,
    name: computeEndpointName(parts.nodeName, parts.containerId, parts.interfaceName),
  });
  if ((await builder.getLikelyAbsent(key)) !== undefined) return undefined;
  const addresses = provided?.addresses ?? (await buildAddresses(operation, builder));
  const endpoint = await buildJoining(operation, builder, createEndpoint({ ...parts, addresses }));
  builder.put(key, printResource(endpoint));
  if (request.createsProfile) await buildProfile(builder, request, context.now());
  return endpoint;
}

/** What the container's addresses are held under. */
function handleIdOf({ provider, network, attachment }: AttachRequest): string | undefined {
  return provider === undefined ? handleOf(network, attachment.containerId) : undefined;
}

async function create(
  operation: Add,
  provided: ProvidedAddresses | undefined,
  undo: Undo,
): Promise<Attached | undefined> {
  const { context, request, signal } = operation;
  const { links, log } = context;
  const { provider } = request;
  if (provider !== undefined) undo.push(`addresses of ${provider.name}`, () => provider.giveBack(undoSignal()));
  const providerAnswer = provided?.answer;
  const { result: endpoint, revision } = await commit(operation, (builder) =>
    buildEndpoint(operation, builder, provided),
  );
  if (endpoint === undefined) {
    for (const failure of await undo.run()) log.warn('give addresses back', failure);
    return undefined;
  }
  const { hostName } = linkOf(endpoint);
  undo.push('endpoint and addresses', () => removeFromStore(operation, endpoint, undoSignal()));
  const routes = routesOf(operation, provided?.routes);
  const spec = linkSpecOf(operation, endpoint, routes);
  undo.push(`link ${hostName}`, async () => void (await links.remove(hostName)));
  await createLink(context, spec);
  undo.push('file', async () => dropEndpoint(context, request.attachment));
  const { createsProfile, isInternal } = request;
  saveEndpoint(context, {
    ...{ endpoint, handleId: handleIdOf(request), createsProfile, isInternal, supplied: providerAnswer },
  });
  undo.push('policy', () => context.endpointGone(idOf(endpoint)));
  await context.policyApplied(endpoint, revision, signal);
  links.raise({ ...linkOf(endpoint), addresses: spec.addresses });
  const addresses = attachedAddressesOf(endpoint);
  const nameservers = nameserversOf(request, spec.addresses);
  return { endpoint, addresses, mtuBytes: spec.mtuBytes, routes, nameservers, providerAnswer };
}

async function tryCreate(operation: Add): Promise<Attached | undefined> {
  const provided = await takeProvided(operation);
  return withUndo(operation, (undo) => create(operation, provided, undo));
}

/** Returns how many workloads were found that are gone, or addresses of such. */
async function makeRoom(operation: Add): Promise<number> {
  const stale = await removeStale(operation, () => true);
  return stale + (await releaseGone(operation));
}

/** Addresses and ports that are asked for, or any address when there is none left, come back from containers that are provably gone. */
async function createWithRoom(operation: Add): Promise<Attached | undefined> {
  const { addresses: wanted } = operation.request;
  const isWanted = (ip: Ip) => wanted.includes(ip);
  await removeStale(
    operation,
    (endpoint) => addressesOf(endpoint).some(isWanted) || wantsPortsOf(operation.request, endpoint),
  );
  requireUnusedPorts(operation);
  try {
    return await tryCreate(operation);
  } catch (error) {
    if (!isOcicatError(error, 'exhausted') || (await makeRoom(operation)) === 0) throw error;
    return tryCreate(operation);
  }
}

/** The endpoint that the request is about already: the interface's own, or the one that all of the container's networks share. */
function findStanding({ context, request }: Add): LocalEndpoint | undefined {
  const { attachment, mode } = request;
  const own = context.cache.findEndpoint(attachment);
  return own !== undefined || mode === 'interface' ? own : context.cache.endpointsOf(attachment.containerId)[0];
}

/** Throws what went wrong, with everything undone or noted to be undone later. */
export async function addWorkload(operation: Add): Promise<Attached> {
  const { attachment, readinessGates } = operation.request;
  requireMappable(operation);
  await awaitReadiness(readinessGates, operation.signal);
  const known = findStanding(operation);
  if (known !== undefined) return attachNetwork(operation, known);
  const created = await createWithRoom(operation);
  if (created !== undefined) return created;
  const concurrent = findStanding(operation);
  if (concurrent !== undefined) return attachNetwork(operation, concurrent);
  throw new OcicatError(
    'corrupt',
    `add container "${attachment.containerId}": its endpoint is in the store and cannot be understood`,
  );
}
