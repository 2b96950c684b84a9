// Which packets leave with the host's address: those from pools with natOutgoing to somewhere outside all pools.
import type { Cidr } from '../net/cidr.ts';
import * as names from './names.ts';
import { bytesOfRange, ofFamily, withoutCovered } from './ranges.ts';
import type { OwnedElement } from './workload.ts';

export interface NatPool {
  readonly cidr: Cidr;
  readonly natOutgoing: boolean;
}

function elements(set: (family: 4 | 6) => string, cidrs: readonly Cidr[]): readonly OwnedElement[] {
  return ([4, 6] as const).flatMap((family) =>
    withoutCovered(ofFamily(cidrs, family)).map((cidr) => ({ set: set(family), key: bytesOfRange(cidr) })),
  );
}

/**
 * All pools, disabled ones too, since a workload may still have an address of one. `direct`: further destinations that see
 * the workloads' own addresses, for instance the nodes' (NATOutgoingExclusions).
 */
export function computeNatElements(pools: readonly NatPool[], direct: readonly Cidr[] = []): readonly OwnedElement[] {
  const sources = pools.filter((pool) => pool.natOutgoing).map((pool) => pool.cidr);
  const destinations = [...pools.map((pool) => pool.cidr), ...direct];
  return [...elements(names.masqueradeSet, sources), ...elements(names.directSet, destinations)];
}
