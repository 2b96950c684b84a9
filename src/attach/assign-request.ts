// What a request asks address assignment for.
import type { AssignRequest } from '../ipam/assign.ts';
import type { IpamContext } from '../ipam/own-block.ts';
import { buildReleaseByHandle } from '../ipam/release.ts';
import type { TransactionBuilder } from '../ipam/transaction-builder.ts';
import type { AttachContext } from './context.ts';
import { otherAddresses } from './endpoint/other-interfaces.ts';
import { handleOf, type Operation } from './operation.ts';
import type { AddressRequest, HoldRequest } from './request.ts';

/** Go's time.String(), as Calico notes it with an address. */
export function formatGoTime(timeMs: number): string {
  const [date = '', time = ''] = new Date(timeMs).toISOString().slice(0, -1).split('T');
  return `${date} ${time.replace(/\.?0*$/, '')} +0000 UTC`;
}

export function assignRequestOf({ context, request }: Operation<AddressRequest>): AssignRequest {
  const { attachment, network, addresses, allowsReserved, families, ipv4Pools, ipv6Pools } = request;
  const others = otherAddresses(context.cache, attachment);
  return {
    handleId: handleOf(network, attachment.containerId),
    attributes: { node: context.nodeName, timestamp: formatGoTime(context.now()) },
    use: 'Workload',
    families,
    exact: addresses,
    allowsReserved,
    ipv4Pools,
    ipv6Pools,
    unmade: context.unmadeTunnels(),
    isSame: (_attributes, ip) => !others.has(ip),
  };
}

export function ipamContextOf(context: AttachContext, builder: TransactionBuilder): IpamContext {
  return {
    view: context.cache.ipam,
    builder,
    nowMs: context.now(),
    report: (error) => context.log.error('assign address', error),
  };
}

/** Those of the addresses that are held under the handle are free afterwards, at once. */
export async function buildReleaseHeld(
  context: AttachContext,
  builder: TransactionBuilder,
  { handleId, addresses }: Pick<HoldRequest, 'handleId' | 'addresses'>,
): Promise<void> {
  const release = { builder, nowMs: context.now(), cooldownSeconds: 0 };
  await buildReleaseByHandle(release, handleId, (_attributes, ip) => addresses.includes(ip));
}
