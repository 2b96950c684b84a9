// Sessions with workloads of this node: they call the host at the address that all hosts have for this (Calico v3.33,
// confd/pkg/backends/calico/client.go).
import { type Cidr, cidrFamily, hostCidr } from '../net/cidr.ts';
import { type Family, familyOf, type Ip } from '../net/ip.ts';
import { matchSelector } from '../selector/match.ts';
import type { BgpPeer, OwnRouting, RoutingInput, RoutingNode, RoutingWorkload } from './input.ts';
import { type BgpSession, inScope, listenPortOf, nodeAddress, peerSession, type Self } from './session.ts';

/** Those that a BGPPeer of this node selects. */
export function selectedWorkloads(
  { scope, target }: BgpPeer,
  node: RoutingNode,
  { workloads = [] }: OwnRouting,
): readonly RoutingWorkload[] {
  if (target.kind !== 'workloads' || !inScope(scope, node)) return [];
  return workloads.filter(({ labels }) => matchSelector(target.selector, labels));
}

/** A workload speaks from its first address. */
function addressOf({ addresses }: RoutingWorkload, family: Family): Ip | undefined {
  return addresses.find((address) => familyOf(address) === family);
}

export function workloadSessions(
  peer: BgpPeer,
  self: Self,
  family: Family,
  input: RoutingInput,
): readonly BgpSession[] {
  const sourceAddress = input.bgp.workloadPeering?.[family];
  const { target } = peer;
  if (sourceAddress === undefined || target.kind !== 'workloads') return [];
  return selectedWorkloads(peer, self.node, input).flatMap((workload) => {
    const address = addressOf(workload, family);
    if (address === undefined) return [];
    const remote = { address, port: undefined, asNumber: target.asNumber, clusterId: undefined };
    const session = peerSession('Local_Workload', peer, self, remote, false, input);
    return [{ ...session, sourceAddress, passive: true, reachableBy: undefined, isWorkload: true }];
  });
}

/** Where a workload may speak BGP with this host. */
export interface WorkloadPeering {
  readonly interfaceName: string;
  /** The host's. */
  readonly address: Ip;
  readonly port: number;
}

/** Of all workloads that some BGPPeer selects, in the families that the node speaks BGP in. */
export function computeWorkloadPeerings(input: OwnRouting): readonly WorkloadPeering[] {
  const own = input.nodes.find(({ name }) => name === input.nodeName);
  if (own === undefined) return [];
  const port = listenPortOf(own, input);
  const names = input.peers.flatMap((peer) => selectedWorkloads(peer, own, input).map((one) => one.interfaceName));
  const addresses = ([4, 6] as const).flatMap((family) =>
    nodeAddress(own, family) === undefined ? [] : (input.bgp.workloadPeering?.[family] ?? []),
  );
  return [...new Set(names)]
    .sort()
    .flatMap((interfaceName) => addresses.map((address) => ({ interfaceName, address, port })));
}

/** Of what no workload may announce anything: pools, hosts, and the addresses at which it speaks to them. */
export function computeForbidden(input: RoutingInput, family: Family): readonly Cidr[] {
  const hosts = [...input.nodes.map((node) => nodeAddress(node, family)), input.bgp.workloadPeering?.[family]];
  const ranges = [
    ...input.pools.map(({ cidr }) => cidr),
    ...hosts.flatMap((ip) => (ip === undefined ? [] : hostCidr(ip))),
  ];
  return ranges.filter((cidr) => cidrFamily(cidr) === family);
}
