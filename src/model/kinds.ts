// The table of all kinds. A new kind is a file and one line here.
import { bgpConfiguration } from './bgp-configuration.ts';
import { bgpFilter } from './bgp-filter.ts';
import { bgpPeer } from './bgp-peer.ts';
import { blockAffinity } from './block-affinity.ts';
import { calicoNodeStatus } from './calico-node-status.ts';
import { clusterInformation } from './cluster-information.ts';
import { felixConfiguration } from './felix-configuration.ts';
import { globalNetworkPolicy } from './global-network-policy.ts';
import { globalNetworkSet } from './global-network-set.ts';
import { hostEndpoint } from './host-endpoint.ts';
import { ipPool } from './ip-pool.ts';
import { ipReservation } from './ip-reservation.ts';
import { ipamConfiguration } from './ipam-configuration.ts';
import type { Kind } from './kind.ts';
import { networkPolicy } from './network-policy.ts';
import { networkSet } from './network-set.ts';
import { node } from './node.ts';
import { profile } from './profile.ts';
import { stagedGlobalNetworkPolicy } from './staged-global-network-policy.ts';
import { stagedNetworkPolicy } from './staged-network-policy.ts';
import { tier } from './tier.ts';
import { workloadEndpoint } from './workload-endpoint.ts';

/** Every kind, in the order in which resources of one file are written: what others refer to comes first. */
export const kinds: readonly Kind[] = [
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
];

const byName: ReadonlyMap<string, Kind> = new Map(kinds.map((kind) => [kind.name, kind]));
const byAlias: ReadonlyMap<string, Kind> = new Map(
  kinds.flatMap((kind) => [kind.plural, ...kind.aliases].map((alias): [string, Kind] => [alias, kind])),
);

/** The kind that documents call `name`, exactly; undefined if there is none. */
export function findKind(name: string): Kind | undefined {
  return byName.get(name);
}

/** The kind that a word on the command line means, in any case; undefined if there is none. */
export function findKindByAlias(word: string): Kind | undefined {
  return byAlias.get(word.toLowerCase());
}
