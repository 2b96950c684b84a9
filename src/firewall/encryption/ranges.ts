// The addresses that packets reach encrypted or not at all, as sets.
import type { Cidr } from '../../net/cidr.ts';
import type { Family } from '../../net/ip.ts';
import type { Bytes, KeyType, NftSet } from '../../nftables/nft.ts';
import { bytesOfRange, ofFamily, withoutCovered } from '../../nftables/ranges.ts';

const FAMILIES = [4, 6] as const;

/** Of workloads and tunnels; of hosts, for packets of workloads. */
export interface GuardedRanges {
  readonly workloads: readonly Cidr[];
  readonly hosts: readonly Cidr[];
}

export const NOTHING_GUARDED: GuardedRanges = { workloads: [], hosts: [] };

export const guardedSet = (family: Family): string => `encrypted-addresses${family}`;
export const guardedHostsSet = (family: Family): string => `encrypted-hosts${family}`;

/** Always there, as what fills them is. */
export function computeEncryptionSets(): readonly NftSet[] {
  return FAMILIES.flatMap((family) => {
    const key: KeyType = family === 4 ? 'ipv4_addr' : 'ipv6_addr';
    return [guardedSet(family), guardedHostsSet(family)].map((name) => ({
      spec: { name, key: [key], interval: true, verdicts: false },
      elements: new Map(),
    }));
  });
}

/** An element of one of the sets. */
export interface GuardedElement {
  readonly set: string;
  readonly key: Bytes;
}

export function computeGuardedElements({ workloads, hosts }: GuardedRanges): readonly GuardedElement[] {
  const elements = (set: string, cidrs: readonly Cidr[]) =>
    withoutCovered(cidrs).map((cidr) => ({ set, key: bytesOfRange(cidr) }));
  return FAMILIES.flatMap((family) => [
    ...elements(guardedSet(family), ofFamily(workloads, family)),
    ...elements(guardedHostsSet(family), ofFamily(hosts, family)),
  ]);
}

/** What is guarded before or after is so until the end: no packet leaves between the change of one set and of the next. */
export function computeGuardedStages(from: GuardedRanges, to: GuardedRanges): readonly GuardedRanges[] {
  const both = { workloads: [...from.workloads, ...to.workloads], hosts: [...from.hosts, ...to.hosts] };
  return [both, to];
}
