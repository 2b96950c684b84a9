// Derives this node's BGP sessions in one family: the mesh of all nodes, and BGPPeers from both of their ends (Calico
// v3.33, confd/pkg/backends/calico/bgp_processor.go). The result depends on the input's content only, not on its order.
import { compareIps, type Family, formatIp, type Ip } from '../net/ip.ts';
import { matchSelector } from '../selector/match.ts';
import type { Selector } from '../selector/selector.ts';
import type { BgpPeer, PasswordReference, PeerScope, RoutingInput, RoutingNode } from './input.ts';

export interface BgpSession {
  /** `Mesh_10_0_0_2`, `Global_…`, `Node_…`, with `_port_n` when the BGPPeer names a port. */
  readonly name: string;
  readonly address: Ip;
  readonly port: number | undefined;
  readonly asNumber: number;
  readonly localAsNumber: number;
  /** Undefined: any address of this node. */
  readonly sourceAddress: Ip | undefined;
  /** The other side opens the connection. */
  readonly passive: boolean;
  /** This node reflects routes to the peer. */
  readonly reflectorClient: boolean;
  readonly nextHop: 'auto' | 'self' | 'keep';
  readonly maxRestartSeconds: number | undefined;
  readonly keepaliveSeconds: number | undefined;
  readonly allowedLocalAsNumbers: number | undefined;
  readonly ttlSecurityHops: number | undefined;
  readonly reachableBy: Ip | undefined;
  readonly password: PasswordReference | undefined;
  /** Names of BGPFilters. */
  readonly filters: readonly string[];
}

/** BGP's well-known port (RFC 4271). */
const BGP_PORT = 179;

export function nodeAddress(node: RoutingNode, family: Family): Ip | undefined {
  return family === 4 ? node.ipv4 : node.ipv6;
}

/** The node's AS number or, without one, the cluster's. */
function asNumberOf(node: RoutingNode, input: RoutingInput): number {
  return node.asNumber ?? input.bgp.asNumber;
}

/** The node's port or, without one, the cluster's. */
export function listenPortOf(node: RoutingNode, input: RoutingInput): number {
  return node.listenPort ?? input.bgp.listenPort;
}

interface Self {
  readonly node: RoutingNode;
  readonly address: Ip;
}

interface Remote {
  readonly address: Ip;
  readonly port: number | undefined;
  readonly asNumber: number;
  readonly clusterId: Ip | undefined;
}

function remoteOf(node: RoutingNode, address: Ip, input: RoutingInput): Remote {
  const port = listenPortOf(node, input);
  const asNumber = asNumberOf(node, input);
  return { address, port: port === BGP_PORT ? undefined : port, asNumber, clusterId: node.routeReflectorClusterId };
}

/** Dots and colons of an address are no part of BIRD's names. */
function sessionName(kind: string, address: Ip, port?: number): string {
  const name = `${kind}_${formatIp(address).replaceAll(/[.:]/g, '_')}`;
  return port === undefined ? name : `${name}_port_${port}`;
}

function isReflectorClient(self: Self, remote: Remote, localAsNumber: number): boolean {
  const own = self.node.routeReflectorClusterId;
  return own !== undefined && remote.asNumber === localAsNumber && remote.clusterId !== own;
}

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

function plainSession(name: string, self: Self, remote: Remote, localAsNumber: number): BgpSession {
  return {
    name,
    address: remote.address,
    port: remote.port,
    asNumber: remote.asNumber,
    localAsNumber,
    sourceAddress: self.address,
    passive: false,
    reflectorClient: isReflectorClient(self, remote, localAsNumber),
    nextHop: 'auto',
    maxRestartSeconds: undefined,
    keepaliveSeconds: undefined,
    allowedLocalAsNumbers: undefined,
    ttlSecurityHops: undefined,
    reachableBy: undefined,
    password: undefined,
    filters: [],
  };
}

function inScope(scope: PeerScope, node: RoutingNode): boolean {
  switch (scope.kind) {
    case 'all':
      return true;
    case 'node':
      return scope.name === node.name;
    case 'nodes':
      return matchSelector(scope.selector, node.labels);
  }
}

function peerSession(
  kind: string,
  peer: BgpPeer,
  self: Self,
  remote: Remote,
  toNode: boolean,
  input: RoutingInput,
): BgpSession {
  const localAsNumber = peer.localAsNumber ?? asNumberOf(self.node, input);
  const named = peer.target.kind === 'address' ? peer.target.port : undefined;
  const keep = peer.keepOriginalNextHop === true && remote.asNumber !== localAsNumber;
  return {
    ...plainSession(sessionName(kind, remote.address, named), self, remote, localAsNumber),
    sourceAddress: peer.fromNodeIp ? self.address : undefined,
    // only where the other node is known to have this session too
    passive: toNode && peer.reverse && compareIps(remote.address, self.address) > 0,
    nextHop: peer.nextHop === 'auto' && keep ? 'keep' : peer.nextHop,
    maxRestartSeconds: peer.maxRestartSeconds,
    keepaliveSeconds: peer.keepaliveSeconds,
    allowedLocalAsNumbers: peer.allowedLocalAsNumbers,
    ttlSecurityHops: peer.ttlSecurityHops,
    reachableBy: peer.reachableBy,
    password: peer.password,
    filters: peer.filters ?? [],
  };
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
  const { address, port, asNumber } = peer.target;
  if (address === self.address || (typeof address === 'number') !== (family === 4)) return [];
  const known = others(self, family, input).find(
    ([node, ip]) => ip === address && asNumberOf(node, input) === asNumber,
  );
  const node = known === undefined ? undefined : remoteOf(known[0], address, input);
  const remote: Remote = { address, port: port ?? node?.port, asNumber, clusterId: node?.clusterId };
  return [peerSession(kind, peer, self, remote, node !== undefined && port === undefined, input)];
}

/** Sessions back, from the nodes that the BGPPeer speaks to. */
function reverseSessions(peer: BgpPeer, self: Self, family: Family, input: RoutingInput): readonly BgpSession[] {
  if (!peer.reverse) return [];
  const { target } = peer;
  const isTarget =
    target.kind === 'nodes'
      ? matchSelector(target.selector, self.node.labels)
      : target.address === self.address && target.asNumber === asNumberOf(self.node, input);
  if (!isTarget) return [];
  return others(self, family, input)
    .filter(([node]) => inScope(peer.scope, node))
    .map(([node, address]) => {
      const remote = { ...remoteOf(node, address, input), asNumber: peer.localAsNumber ?? asNumberOf(node, input) };
      const mirrored: BgpPeer = { ...peer, target: { kind: 'nodes', selector: { kind: 'all' } } };
      const { localAsNumber: _theirs, reachableBy: _theirGateway, ...ours } = mirrored;
      return peerSession('Node', ours, self, remote, true, input);
    });
}

/**
 * All sessions, sorted by name; one for each name, and for each address and port: a global BGPPeer goes before a node's,
 * that before the mesh,
 * and among equals the first by the BGPPeer's name.
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
  const taken = new Set<string>();
  const sessions = ordered.filter(({ name, address: to, port }) => {
    const keys = [name, `${formatIp(to)} ${port ?? BGP_PORT}`];
    if (keys.some((key) => taken.has(key))) return false;
    for (const key of keys) taken.add(key);
    return true;
  });
  return sessions.sort((a, b) => (a.name < b.name ? -1 : 1));
}
