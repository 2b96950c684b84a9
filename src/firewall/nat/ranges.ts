// Which packets leave with the host's address: those from pools with natOutgoing to somewhere outside all pools.
import type { Cidr } from '../../net/cidr.ts';
import type { Bytes } from '../../nftables/nft.ts';
import { bytesOfRange, ofFamily, withoutCovered } from '../../nftables/ranges.ts';
import * as names from './names.ts';

export interface NatPool {
  readonly cidr: Cidr;
  readonly natOutgoing: boolean;
}

export interface NatRanges {
  readonly sources: readonly Cidr[];
  /** Destinations that see the workloads' own addresses. */
  readonly direct: readonly Cidr[];
}

/** An element of one of the sets. */
export interface NatElement {
  readonly set: string;
  readonly key: Bytes;
}

export const NO_NAT: NatRanges = { sources: [], direct: [] };

/**
 * All pools, disabled ones too, since a workload may still have an address of one. `direct`: further destinations that see
 * the workloads' own addresses, for instance the nodes' (NATOutgoingExclusions).
 */
export function computeNatRanges(pools: readonly NatPool[], direct: readonly Cidr[] = []): NatRanges {
  const sources = pools.filter((pool) => pool.natOutgoing).map((pool) => pool.cidr);
  return { sources, direct: [...pools.map((pool) => pool.cidr), ...direct] };
}

/**
 * The way from one to the other on which no flow gets the host's address that has it neither before nor after: the kernel
 * changes two sets of ranges one after the other, so destinations come before the sources change and go after it.
 */
export function computeNatStages(from: NatRanges, to: NatRanges): readonly NatRanges[] {
  const direct = [...from.direct, ...to.direct];
  return [{ sources: from.sources, direct }, { sources: to.sources, direct }, to];
}

function elements(set: (family: 4 | 6) => string, cidrs: readonly Cidr[]): readonly NatElement[] {
  return ([4, 6] as const).flatMap((family) =>
    withoutCovered(ofFamily(cidrs, family)).map((cidr) => ({ set: set(family), key: bytesOfRange(cidr) })),
  );
}

export function computeNatElements({ sources, direct }: NatRanges): readonly NatElement[] {
  return [...elements(names.masqueradeSet, sources), ...elements(names.directSet, direct)];
}
