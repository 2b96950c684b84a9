// The table of all kinds. A new kind is a file and one line here.
import { bgpConfiguration } from './bgp/bgp-configuration.ts';
import { bgpFilter } from './bgp/bgp-filter.ts';
import { bgpPeer } from './bgp/bgp-peer.ts';
import { globalNetworkSet } from './endpoint/global-network-set.ts';
import { hostEndpoint } from './endpoint/host-endpoint.ts';
import { networkSet } from './endpoint/network-set.ts';
import { workloadEndpoint } from './endpoint/workload-endpoint.ts';
import { felixConfiguration } from './felix/felix-configuration.ts';
import { blockAffinity } from './ipam/block-affinity.ts';
import { ipPool } from './ipam/ip-pool.ts';
import { ipReservation } from './ipam/ip-reservation.ts';
import { ipamConfiguration } from './ipam/ipam-configuration.ts';
import type { Kind } from './meta/kind.ts';
import type { Resource } from './meta/resource.ts';
import { calicoNodeStatus } from './node/calico-node-status.ts';
import { clusterInformation } from './node/cluster-information.ts';
import { node } from './node/node.ts';
import { globalNetworkPolicy } from './policy/global-network-policy.ts';
import { networkPolicy } from './policy/network-policy.ts';
import { profile } from './policy/profile.ts';
import { stagedGlobalNetworkPolicy } from './policy/staged-global-network-policy.ts';
import { stagedNetworkPolicy } from './policy/staged-network-policy.ts';
import { tier } from './policy/tier.ts';

const table = [
  clusterInformation,
  felixConfiguration,
  bgpConfiguration,
  bgpFilter,
  bgpPeer,
  ipPool,
  ipReservation,
  ipamConfiguration,
  blockAffinity,
  node,
  calicoNodeStatus,
  tier,
  profile,
  networkSet,
  globalNetworkSet,
  networkPolicy,
  globalNetworkPolicy,
  stagedNetworkPolicy,
  stagedGlobalNetworkPolicy,
  hostEndpoint,
  workloadEndpoint,
] as const satisfies readonly Kind[];

export type KindName = (typeof table)[number]['name'];

/** Every kind, in the order in which resources of one file are written: what others refer to comes first. */
export const kinds: readonly Kind<Resource<unknown, unknown, KindName>>[] = table;

/** The kinds of policy: each belongs to a tier. */
export const policyKinds = kinds.filter((kind) => kind.inTier);

const byName: ReadonlyMap<string, Kind> = new Map(kinds.map((kind) => [kind.name, kind]));
const byAlias: ReadonlyMap<string, Kind> = new Map(
  kinds.flatMap((kind) => [kind.plural, ...kind.aliases].map((alias): [string, Kind] => [alias, kind])),
);

/** The kind that documents call `name`, exactly; undefined if there is none. */
export function findKind(name: string): Kind | undefined {
  return byName.get(name);
}

/** The kind by a name on the command line, in any case; undefined if there is none. */
export function findKindByAlias(name: string): Kind | undefined {
  return byAlias.get(name.toLowerCase());
}
