// Addresses by themselves, for a workload whose interface somebody else makes, such as CNI's plugins bridge and ptp.
// Addresses are told apart by interface, since a workload may have several of one network there. And for one that is yet to be named.
import { isOcicatError } from '../base/errors.ts';
import { buildAssignment } from '../ipam/assign.ts';
import { buildReleaseByHandle } from '../ipam/release.ts';
import type { TransactionBuilder } from '../ipam/transaction-builder.ts';
import { gatewayOf } from '../kernel/link/workload-link.ts';
import { familyOf, type Ip } from '../net/ip.ts';
import { assignRequestOf, buildReleaseHeld, formatGoTime, ipamContextOf } from './assign-request.ts';
import { observeHeld, throwDifferences } from './check.ts';
import { type AttachedAddress, addressesOf } from './endpoint/endpoint.ts';
import {
  type Attributes,
  buildReleaseOfWanted,
  isOfOtherLife,
  lifeOf,
  releaseContextOf,
  releaseGone,
} from './gone-holders.ts';
import { commit, handleOf, handlesOf, type Operation, withUndo } from './operation.ts';
import type { AddressRequest, CheckAddressesRequest, CheckOutcome, HoldRequest } from './request.ts';

/**
 * Whether an address is the interface's; one of Calico's does not say, and is then. What an endpoint of the container has is that
 * one's, under the same handle where both are of one network.
 */
function isForInterface({ context: { cache }, request: { attachment } }: Operation) {
  const { containerId, interfaceName } = attachment;
  const ofEndpoints = new Set(cache.endpointsOf(containerId).flatMap(({ endpoint }) => addressesOf(endpoint)));
  return (attributes: Attributes, ip: Ip): boolean =>
    (attributes.interface ?? interfaceName) === interfaceName && !ofEndpoints.has(ip);
}

async function assign(operation: Operation<AddressRequest>): Promise<readonly AttachedAddress[]> {
  const { context, request } = operation;
  const { attachment } = request;
  const base = assignRequestOf(operation);
  const life = lifeOf(context, request.netnsFd);
  const attributes = { ...base.attributes, interface: attachment.interfaceName, ...life };
  const isOwn = isForInterface(operation);
  const build = async (builder: TransactionBuilder) => {
    await buildReleaseOfWanted(context, builder, request.addresses);
    const release = releaseContextOf(context, builder);
    // what is given again would be noted as of a life that has ended, or will
    await buildReleaseByHandle(release, base.handleId, (held, ip) => isOwn(held, ip) && isOfOtherLife(held, life));
    return buildAssignment(ipamContextOf(context, builder), {
      ...base,
      attributes,
      isSame: isOwn,
    });
  };
  const { result } = await withUndo(operation, () => commit(operation, build));
  return result.map(({ ip, prefixLength }) => ({ ip, prefixLength, gateway: gatewayOf(familyOf(ip)) }));
}

/** When there is none left, those of containers that are gone come back first. */
export async function addAddresses(operation: Operation<AddressRequest>): Promise<readonly AttachedAddress[]> {
  try {
    return await assign(operation);
  } catch (error) {
    if (!isOcicatError(error, 'exhausted') || (await releaseGone(operation)) === 0) throw error;
    return assign(operation);
  }
}

/** What is written down before, and whether anything is left to do, is the caller's. */
export async function releaseAddresses(operation: Operation): Promise<void> {
  const { context, request, signal } = operation;
  const { cache } = context;
  if (!cache.isInSync()) await cache.refresh(signal);
  await commit(operation, async (builder) => {
    const release = releaseContextOf(context, builder);
    for (const handleId of handlesOf(request, [request.network]))
      await buildReleaseByHandle(release, handleId, isForInterface(operation));
  });
}

/** Throws `not-found` when the workload has lost addresses. */
export async function checkAddresses(operation: Operation<CheckAddressesRequest>): Promise<CheckOutcome> {
  const { attachment, network, compare } = operation.request;
  const { containerId } = attachment;
  const handleId = handleOf(network, containerId);
  const held = await observeHeld(operation, handleId);
  if (held.length === 0) return 'unknown';
  throwDifferences(containerId, compare(held));
  return 'attached';
}

/**
 * For a workload that its client has not named yet, under a handle of the client on this host. An address that is held already is
 * given again to whoever asks for that very one, and to nobody else.
 */
export async function holdAddresses(operation: Operation<HoldRequest>): Promise<readonly Ip[]> {
  const { context, request } = operation;
  const { handleId, addresses: exact, families, ipv4Pools, ipv6Pools } = request;
  const attributes = { node: context.nodeName, timestamp: formatGoTime(context.now()) };
  const { result } = await commit(operation, (builder) =>
    buildAssignment(ipamContextOf(context, builder), {
      ...{ handleId, attributes, use: 'Workload', exact, families, ipv4Pools, ipv6Pools },
      unmade: context.unmadeTunnels(),
      isSame: (_attributes, ip) => exact.includes(ip),
    }),
  );
  return result.map(({ ip }) => ip);
}

/** Those that the workload has been attached with since are its own, and stay. */
export async function releaseHeld(operation: Operation<HoldRequest>): Promise<void> {
  const { context, request } = operation;
  await commit(operation, (builder) => buildReleaseHeld(context, builder, request));
}
