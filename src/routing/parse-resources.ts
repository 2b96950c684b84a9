// From the store's resources to what routing follows from.
import { tryParseDurationMs } from '../base/duration.ts';
import { type BGPConfiguration, type BGPConfigurationSpec, DEFAULT_AS_NUMBER } from '../model/bgp/bgp-configuration.ts';
import type { BGPPeer } from '../model/bgp/bgp-peer.ts';
import {
  isSpeakerAddress,
  MAX_KEEPALIVE_SECONDS,
  MAX_RESTART_SECONDS,
  tryParsePeerAddress,
} from '../model/bgp/bgp-values.ts';
import type { IPPool } from '../model/ipam/ip-pool.ts';
import type { Node } from '../model/node/node.ts';
import { parseCidr, tryParseCidrOrIp } from '../net/cidr.ts';
import { type Ipv4, type Ipv6, isIpv4, parseIp } from '../net/ip.ts';
import { parseSelector } from '../selector/parse.ts';
import type {
  BgpPeer,
  BgpSettings,
  Community,
  PasswordReference,
  PeerScope,
  PeerTarget,
  RoutingNode,
  RoutingPool,
} from './input.ts';

const DEFAULT_LISTEN_PORT = 179;

/** Calico's, of routes without a priority of their own (BGPConfiguration, ipv4NormalRoutePriority). */
const NORMAL_PRIORITY = 1024;

function addressOf(text: string | undefined): Ipv4 | Ipv6 | undefined {
  return text === undefined ? undefined : tryParseCidrOrIp(text)?.address;
}

/** The node speaks BGP in the other family alone when this address is no host's. */
function speakerOf(text: string | undefined): Ipv4 | Ipv6 | undefined {
  const address = addressOf(text);
  return address !== undefined && isSpeakerAddress(address) ? address : undefined;
}

/** 0 is nobody's number (RFC 7607): the same as none. */
function asNumberOf(value: number | undefined): number | undefined {
  return value === 0 ? undefined : value;
}

function labelsOf(node: Node): ReadonlyMap<string, string> {
  return new Map(Object.entries(node.metadata.labels ?? {}));
}

/** `configuration` is the node's own, `node.<name>`. */
export function parseRoutingNode(node: Node, configuration: BGPConfiguration | undefined): RoutingNode {
  const { bgp } = node.spec;
  const ipv4 = speakerOf(bgp?.ipv4Address);
  const ipv6 = speakerOf(bgp?.ipv6Address);
  const asNumber = asNumberOf(bgp?.asNumber);
  const cluster = addressOf(bgp?.routeReflectorClusterID);
  const listenPort = configuration?.spec.listenPort;
  return {
    name: node.metadata.name,
    labels: labelsOf(node),
    ...(ipv4 !== undefined && isIpv4(ipv4) ? { ipv4 } : {}),
    ...(ipv6 !== undefined && !isIpv4(ipv6) ? { ipv6 } : {}),
    ...(asNumber === undefined ? {} : { asNumber }),
    ...(cluster !== undefined && isIpv4(cluster) ? { routeReflectorClusterId: cluster } : {}),
    ...(listenPort === undefined ? {} : { listenPort }),
  };
}

export function parseRoutingPool(pool: IPPool): RoutingPool {
  const { cidr, ipipMode, vxlanMode, disableBGPExport } = pool.spec;
  const encapsulation = vxlanMode !== 'Never' ? 'vxlan' : ipipMode !== 'Never' ? 'ipip' : 'none';
  const crossSubnet = vxlanMode === 'CrossSubnet' || ipipMode === 'CrossSubnet' ? { isCrossSubnet: true } : {};
  return { cidr: parseCidr(cidr), encapsulation, ...crossSubnet, exported: disableBGPExport !== true };
}

function parseCommunity(text: string): Community {
  const [first = 0, second = 0, third] = text.split(':').map(Number);
  return third === undefined ? [first, second] : [first, second, third];
}

/** The store may have any duration: what BGP cannot encode becomes the nearest that it can. */
function secondsWithin(minimum: number, maximum: number, timeMs: number | undefined): number | undefined {
  return timeMs === undefined ? undefined : Math.min(Math.max(Math.floor(timeMs / 1000), minimum), maximum);
}

function restartSecondsOf(text: string | undefined): number | undefined {
  return secondsWithin(0, MAX_RESTART_SECONDS, tryParseDurationMs(text ?? ''));
}

/** No time at all is the same as none set. */
function keepaliveSecondsOf(text: string | undefined): number | undefined {
  const timeMs = tryParseDurationMs(text ?? '');
  return timeMs !== undefined && timeMs > 0 ? secondsWithin(1, MAX_KEEPALIVE_SECONDS, timeMs) : undefined;
}

/** One that names nothing is a password too, which cannot be found. */
function passwordOf(password: BGPPeer['spec']['password']): PasswordReference | undefined {
  const { name = '', key = '' } = password?.secretKeyRef ?? {};
  return password === undefined ? undefined : { name, key };
}

/** In each family where it is an address that hosts can have: one of a link alone would be another on each. */
function workloadPeeringOf(spec: BGPConfigurationSpec): Pick<BgpSettings, 'workloadPeering'> {
  const [four, six] = [speakerOf(spec.localWorkloadPeeringIPV4), speakerOf(spec.localWorkloadPeeringIPV6)];
  const addresses = {
    ...(four !== undefined && isIpv4(four) ? { 4: four } : {}),
    ...(six !== undefined && !isIpv4(six) ? { 6: six } : {}),
  };
  return Object.keys(addresses).length === 0 ? {} : { workloadPeering: addresses };
}

type Advertisements = BgpSettings['advertisements'];

/** The node's own list takes the cluster's place; a community without a colon is a name that the configuration explains. */
function parseAdvertisements(own: BGPConfigurationSpec, cluster: BGPConfigurationSpec): Advertisements {
  const names = new Map(
    [...(cluster.communities ?? []), ...(own.communities ?? [])].map(({ name, value }) => [name, value]),
  );
  return (own.prefixAdvertisements ?? cluster.prefixAdvertisements ?? []).map(({ cidr, communities }) => ({
    cidr: parseCidr(cidr),
    communities: communities
      .map((community) => names.get(community) ?? community)
      .filter((community) => community.includes(':'))
      .map(parseCommunity),
  }));
}

function parseLogLevel(severity: string | undefined): BgpSettings['logLevel'] {
  if (severity === 'Debug' || severity === 'Trace') return 'debug';
  return severity === undefined || severity === 'Info' ? 'info' : 'none';
}

/** What both say about who makes routes: the node's own first. */
export function programsOf(
  cluster: BGPConfiguration | undefined,
  own: BGPConfiguration | undefined,
): BGPConfigurationSpec['programClusterRoutes'] {
  return own?.spec.programClusterRoutes ?? cluster?.spec.programClusterRoutes;
}

/**
 * BGPConfiguration `default` with what the node's own says instead (Calico v3.33,
 * api/pkg/apis/projectcalico/v3/bgpconfig.go).
 */
export function parseBgpSettings(
  cluster: BGPConfiguration | undefined,
  own: BGPConfiguration | undefined,
  programsRoutes: boolean,
): BgpSettings {
  const all = cluster?.spec ?? {};
  const mine = own?.spec ?? {};
  const meshMaxRestartSeconds = restartSecondsOf(all.nodeMeshMaxRestartTime);
  const meshPassword = passwordOf(all.nodeMeshPassword);
  return {
    asNumber: asNumberOf(all.asNumber) ?? DEFAULT_AS_NUMBER,
    meshEnabled: all.nodeToNodeMeshEnabled ?? true,
    ...(meshMaxRestartSeconds === undefined ? {} : { meshMaxRestartSeconds }),
    ...(meshPassword === undefined ? {} : { meshPassword }),
    ...workloadPeeringOf({ ...all, ...mine }),
    listenPort: all.listenPort ?? DEFAULT_LISTEN_PORT,
    bindToNodeIp: (mine.bindMode ?? all.bindMode) === 'NodeIP',
    ignoredInterfaces: mine.ignoredInterfaces ?? all.ignoredInterfaces ?? [],
    advertisements: parseAdvertisements(mine, all),
    programsRoutes,
    normalPriority: {
      4: all.ipv4NormalRoutePriority ?? NORMAL_PRIORITY,
      6: all.ipv6NormalRoutePriority ?? NORMAL_PRIORITY,
    },
    logLevel: parseLogLevel(mine.logSeverityScreen ?? all.logSeverityScreen),
  };
}

function parseScope({ node, nodeSelector }: BGPPeer['spec']): PeerScope {
  if (node) return { kind: 'node', name: node };
  return nodeSelector ? { kind: 'nodes', selector: parseSelector(nodeSelector) } : { kind: 'all' };
}

function tryParseTarget(spec: BGPPeer['spec']): PeerTarget | undefined {
  const { peerIP, asNumber, peerSelector, localWorkloadSelector } = spec;
  if (peerSelector) return { kind: 'nodes', selector: parseSelector(peerSelector) };
  if (localWorkloadSelector && asNumber !== undefined)
    return { kind: 'workloads', selector: parseSelector(localWorkloadSelector), asNumber };
  const address = peerIP ? tryParsePeerAddress(peerIP) : undefined;
  if (address === undefined || asNumber === undefined) return undefined;
  const { port } = address;
  return { kind: 'address', address: parseIp(address.address), asNumber, ...(port === undefined ? {} : { port }) };
}

/** Undefined for one that names nobody. */
export function tryParseBgpPeer(peer: BGPPeer): BgpPeer | undefined {
  const { spec } = peer;
  const target = tryParseTarget(spec);
  if (target === undefined) return undefined;
  const maxRestartSeconds = restartSecondsOf(spec.maxRestartTime);
  const keepaliveSeconds = keepaliveSecondsOf(spec.keepaliveTime);
  const localAsNumber = asNumberOf(spec.localASNumber);
  const password = passwordOf(spec.password);
  return {
    name: peer.metadata.name,
    scope: parseScope(spec),
    target,
    nextHop: spec.nextHopMode === 'Self' ? 'self' : spec.nextHopMode === 'Keep' ? 'keep' : 'auto',
    fromNodeIp: spec.sourceAddress !== 'None',
    reverse: spec.reversePeering !== 'Manual',
    ...(spec.filters === undefined ? {} : { filters: spec.filters }),
    ...(localAsNumber === undefined ? {} : { localAsNumber }),
    ...(password === undefined ? {} : { password }),
    ...(spec.keepOriginalNextHop === undefined ? {} : { keepOriginalNextHop: spec.keepOriginalNextHop }),
    ...(maxRestartSeconds === undefined ? {} : { maxRestartSeconds }),
    ...(keepaliveSeconds === undefined ? {} : { keepaliveSeconds }),
    ...(spec.numAllowedLocalASNumbers === undefined ? {} : { allowedLocalAsNumbers: spec.numAllowedLocalASNumbers }),
    ...(spec.ttlSecurity === undefined || spec.ttlSecurity === 0 ? {} : { ttlSecurityHops: spec.ttlSecurity }),
    ...(spec.reachableBy ? { reachableBy: parseIp(spec.reachableBy) } : {}),
  };
}
