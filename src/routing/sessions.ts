// Derives this node's BGP sessions in one family: the mesh of all nodes, and BGPPeers from both of their ends (Calico
// v3.33, confd/pkg/backends/calico/bgp_processor.go). The result depends on the input's content only, not on its order.
import { compareIps, type Family, familyOf, formatIp, type Ip } from '../net/ip.ts';
import { matchSelector } from '../selector/match.ts';
import type { Selector } from '../selector/selector.ts';
import type { BgpPeer, RoutingInput, RoutingNode } from './input.ts';
import {
  asNumberOf,
  BGP_PORT,
  type BgpSession,
  inScope,
  nodeAddress,
  peerSession,
  plainSession,
  type Remote,
  remoteOf,
  type Self,
  sessionName,
} from './session.ts';
import { workloadSessions } from './workload-sessions.ts';

function meshSessions(self: Self, family: Family, input: RoutingInput): readonly BgpSession[] {
  if (!input.bgp.meshEnabled || self.node.routeReflectorClusterId !== undefined) return [];
  return input.nodes.flatMap((node): readonly BgpSession[] => {
    const address = nodeAddress(node, family);
    if (node.name === self.node.name || address === undefined || address === self.address) return [];
    if (node.routeReflectorClusterId !== undefined) return [];
    const remote = remoteOf(node, address, input);
    return [
      {
        ...plainSession(sessionName('Mesh', address), self, remote, asNumberOf(self.node, input)),
        passive: compareIps(address, self.address) > 0,
        maxRestartSeconds: input.bgp.meshMaxRestartSeconds,
        password: input.bgp.meshPassword,
      },
    ];
  });
}

function others(self: Self, family: Family, input: RoutingInput): readonly (readonly [RoutingNode, Ip])[] {
  return input.nodes.flatMap((node) => {
    const address = nodeAddress(node, family);
    const other = node.name !== self.node.name && address !== undefined && address !== self.address;
    return other ? [[node, address] as const] : [];
  });
}

function selected(selector: Selector, self: Self, family: Family, input: RoutingInput) {
  return others(self, family, input).filter(([node]) => matchSelector(selector, node.labels));
}

/** Sessions from the side that the BGPPeer speaks for. */
function forwardSessions(peer: BgpPeer, self: Self, family: Family, input: RoutingInput): readonly BgpSession[] {
  if (!inScope(peer.scope, self.node)) return [];
  const kind = peer.scope.kind === 'all' ? 'Global' : 'Node';
  if (peer.target.kind === 'nodes') {
    return selected(peer.target.selector, self, family, input).map(([node, address]) =>
      peerSession(kind, peer, self, remoteOf(node, address, input), true, input),
    );
  }
  if (peer.target.kind === 'workloads') return workloadSessions(peer, self, family, input);
  const { address, port, asNumber } = peer.target;
  if (address === self.address || familyOf(address) !== family) return [];
  const known = others(self, family, input).find(
    ([node, ip]) => ip === address && asNumberOf(node, input) === asNumber,
  );
  const node = known === undefined ? undefined : remoteOf(known[0], address, input);
  const remote: Remote = { address, port: port ?? node?.port, asNumber, clusterId: node?.clusterId };
  return [peerSession(kind, peer, self, remote, node !== undefined && port === undefined, input)];
}

/** Whether the BGPPeer speaks to this node. */
function isTarget({ target }: BgpPeer, self: Self, input: RoutingInput): boolean {
  switch (target.kind) {
    case 'nodes':
      return matchSelector(target.selector, self.node.labels);
    case 'address':
      return target.address === self.address && target.asNumber === asNumberOf(self.node, input);
    case 'workloads':
      return false;
  }
}

/** Sessions back, from the nodes that the BGPPeer speaks to. */
function reverseSessions(peer: BgpPeer, self: Self, family: Family, input: RoutingInput): readonly BgpSession[] {
  if (!peer.reverse || !isTarget(peer, self, input)) return [];
  const { localAsNumber: theirs, reachableBy: _theirGateway, ...shared } = peer;
  const back: BgpPeer = { ...shared, target: { kind: 'nodes', selector: { kind: 'all' } } };
  return others(self, family, input)
    .filter(([node]) => inScope(peer.scope, node))
    .map(([node, address]) => {
      const remote = { ...remoteOf(node, address, input), asNumber: theirs ?? asNumberOf(node, input) };
      return peerSession('Node', back, self, remote, true, input);
    });
}

/** The first for each name, and for each address and port. */
function withoutDoubles(sessions: readonly BgpSession[]): BgpSession[] {
  const taken = new Set<string>();
  return sessions.filter(({ name, address, port }) => {
    const keys = [name, `${formatIp(address)} ${port ?? BGP_PORT}`];
    if (keys.some((key) => taken.has(key))) return false;
    for (const key of keys) taken.add(key);
    return true;
  });
}

/**
 * All sessions, sorted by name. Of several with one peer a global BGPPeer's goes before a node's, that before the mesh's, and among
 * equals the first by the BGPPeer's name.
 */
export function computeSessions(input: RoutingInput, family: Family): readonly BgpSession[] {
  const node = input.nodes.find(({ name }) => name === input.nodeName);
  const address = node === undefined ? undefined : nodeAddress(node, family);
  if (node === undefined || address === undefined) return [];
  const self: Self = { node, address };
  const peers = [...input.peers].sort((a, b) => (a.name < b.name ? -1 : 1));
  const explicit = [
    ...peers.flatMap((peer) => forwardSessions(peer, self, family, input)),
    ...peers.flatMap((peer) => reverseSessions(peer, self, family, input)),
  ];
  const rank = (session: BgpSession) => (session.name.startsWith('Global_') ? 0 : 1);
  const ordered = [...explicit.sort((a, b) => rank(a) - rank(b)), ...meshSessions(self, family, input)];
  return withoutDoubles(ordered).sort((a, b) => (a.name < b.name ? -1 : 1));
}
