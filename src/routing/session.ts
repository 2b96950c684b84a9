// A BGP session of this node as a value, and what a BGPPeer makes of one.
import { compareIps, type Family, formatIp, type Ip } from '../net/ip.ts';
import { matchSelector } from '../selector/match.ts';
import type { BgpPeer, PasswordReference, PeerScope, RoutingInput, RoutingNode } from './input.ts';

export interface BgpSession {
  /** `Mesh_10_0_0_2`, `Global_…`, `Node_…`, `Local_Workload_…`, with `_port_n` when the BGPPeer names a port. */
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
  /** With a workload: only what its filters accept is taken, and nothing that is not its own. */
  readonly isWorkload: boolean;
  /** Names of BGPFilters. */
  readonly filters: readonly string[];
}

/** BGP's well-known port (RFC 4271). */
export const BGP_PORT = 179;

export function nodeAddress(node: RoutingNode, family: Family): Ip | undefined {
  return family === 4 ? node.ipv4 : node.ipv6;
}

/** The node's AS number or, without one, the cluster's. */
export function asNumberOf(node: RoutingNode, input: RoutingInput): number {
  return node.asNumber ?? input.bgp.asNumber;
}

/** The node's port or, without one, the cluster's. */
export function listenPortOf(node: RoutingNode, input: Pick<RoutingInput, 'bgp'>): number {
  return node.listenPort ?? input.bgp.listenPort;
}

export interface Self {
  readonly node: RoutingNode;
  readonly address: Ip;
}

export interface Remote {
  readonly address: Ip;
  readonly port: number | undefined;
  readonly asNumber: number;
  readonly clusterId: Ip | undefined;
}

export function remoteOf(node: RoutingNode, address: Ip, input: RoutingInput): Remote {
  const port = listenPortOf(node, input);
  const asNumber = asNumberOf(node, input);
  return { address, port: port === BGP_PORT ? undefined : port, asNumber, clusterId: node.routeReflectorClusterId };
}

/** Dots and colons of an address are no part of BIRD's names. */
export function sessionName(kind: string, address: Ip, port?: number): string {
  const name = `${kind}_${formatIp(address).replaceAll(/[.:]/g, '_')}`;
  return port === undefined ? name : `${name}_port_${port}`;
}

function isReflectorClient(self: Self, remote: Remote, localAsNumber: number): boolean {
  const own = self.node.routeReflectorClusterId;
  return own !== undefined && remote.asNumber === localAsNumber && remote.clusterId !== own;
}

export function plainSession(name: string, self: Self, remote: Remote, localAsNumber: number): BgpSession {
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
    isWorkload: false,
    filters: [],
  };
}

export function inScope(scope: PeerScope, node: RoutingNode): boolean {
  switch (scope.kind) {
    case 'all':
      return true;
    case 'node':
      return scope.name === node.name;
    case 'nodes':
      return matchSelector(scope.selector, node.labels);
  }
}

export function peerSession(
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
