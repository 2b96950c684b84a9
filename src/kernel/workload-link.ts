// Makes a workload's link: a veth pair, everything inside the pod, and everything on the host but the last step.
// Until that last step, raiseWorkloadLink, the host end is down and carries nothing, so policy can be put in place first.
import { OcicatError } from '../base/errors.ts';
import { cidrFamily, hostCidr, sameCidr } from '../net/cidr.ts';
import { familyOf, formatIp, type Ip } from '../net/ip.ts';
import { type Mac, macToBytes } from '../net/mac.ts';
import { EEXIST } from '../sys/libc.ts';
import * as netlink from '../sys/netlink.ts';
import { applySysctls, type Sysctl } from '../sys/sysctl.ts';
import { writeAddress } from './addresses.ts';
import * as links from './links.ts';
import { writePermanentNeighbour, writeProxyDelay } from './neighbours.ts';
import {
  observeRoutes,
  observeWayTo,
  PROTOCOL_BOOT,
  type Route,
  RTM_NEWROUTE,
  TABLE_MAIN,
  workloadRoute,
  writeRoute,
} from './routes.ts';
import { computeHostSysctls, writeHostSettings } from './workload-link-host.ts';
import {
  computeAlias,
  familiesOf,
  gatewayOf,
  HOST_MAC,
  isWorkloadLink,
  podRoutes,
  type WorkloadLink,
  type WorkloadLinkSpec,
} from './workload-link-spec.ts';

const CREATE = netlink.NLM_F_ACK | netlink.NLM_F_CREATE | netlink.NLM_F_EXCL;
const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
const VETH_INFO_PEER = 1;

function podSysctls(spec: WorkloadLinkSpec): readonly Sysctl[] {
  const forwarding = spec.allowForwarding ? '1' : '0';
  const ipv4 = { name: 'net/ipv4/ip_forward', value: forwarding };
  if (!spec.addresses.some((ip) => familyOf(ip) === 6)) return [ipv4];
  return [
    ipv4,
    ...['all', 'default', 'lo'].map((scope) => ({ name: `net/ipv6/conf/${scope}/disable_ipv6`, value: '0' })),
    { name: `net/ipv6/conf/${spec.containerName}/accept_dad`, value: '0' },
    { name: 'net/ipv6/conf/all/forwarding', value: forwarding },
  ];
}

function writeEnd(writer: netlink.MessageWriter, name: string, mac: Mac, spec: WorkloadLinkSpec): void {
  writer.attrString(links.IFLA_IFNAME, name).attrBytes(links.IFLA_ADDRESS, macToBytes(mac));
  writer.attrU32(links.IFLA_NUM_TX_QUEUES, spec.queues).attrU32(links.IFLA_NUM_RX_QUEUES, spec.queues);
  if (spec.mtuBytes !== undefined) writer.attrU32(links.IFLA_MTU, spec.mtuBytes);
}

/** The pair, its end in the pod born there; both ends down. */
function writePair(writer: netlink.MessageWriter, spec: WorkloadLinkSpec): void {
  links.beginLink(writer, links.RTM_NEWLINK, CREATE | netlink.NLM_F_ECHO);
  writeEnd(writer, spec.hostName, HOST_MAC, spec);
  writer.nestPlain(links.IFLA_LINKINFO).attrString(IFLA_INFO_KIND, 'veth');
  writer.nestPlain(IFLA_INFO_DATA).nestPlain(VETH_INFO_PEER);
  links.writeLinkHeader(writer);
  writeEnd(writer, spec.containerName, spec.mac, spec);
  writer.attrU32(links.IFLA_NET_NS_FD, spec.netnsFd).endNest().endNest().endNest().end();
}

/** undefined when a link of the host's or the pod's name is already there. */
function tryCreatePair(host: netlink.Netlink, spec: WorkloadLinkSpec): WorkloadLink | undefined {
  const writer = netlink.createMessageWriter(512);
  writePair(writer, spec);
  let pair: WorkloadLink | undefined;
  const [refusal] = host.tryRequest(writer, 1, (type, payload) => {
    if (type !== links.RTM_NEWLINK) return;
    const peer = netlink.readAttributes(payload, 16).get(links.IFLA_LINK);
    const containerIndex = peer === undefined ? 0 : netlink.readU32(peer);
    pair = { hostName: spec.hostName, hostIndex: netlink.readU32(payload, 4), containerIndex };
  });
  if (refusal?.errno === EEXIST) return undefined;
  if (refusal === undefined && pair !== undefined && pair.containerIndex !== 0) return pair;
  const action = `create link "${spec.hostName}"`;
  if (refusal !== undefined) throw netlink.refusalError(action, refusal);
  throw new OcicatError('kernel', `${action}: the kernel did not say the indexes of its ends`);
}

function deleteLink(host: netlink.Netlink, index: number): void {
  const writer = netlink.createMessageWriter(64);
  links.beginLink(writer, links.RTM_DELLINK, netlink.NLM_F_ACK, { index }).end();
  host.tryRequest(writer, 1);
}

/** A left-over of an earlier attempt is deleted first, which takes about 20 ms; somebody else's link is left alone. */
function createPair(host: netlink.Netlink, spec: WorkloadLinkSpec): WorkloadLink {
  const first = tryCreatePair(host, spec);
  if (first !== undefined) return first;
  const old = links.observeLink(host, spec.hostName);
  if (old !== undefined && !isWorkloadLink(old)) {
    throw new OcicatError(
      'already-exists',
      `create link "${spec.hostName}": a link of that name exists and is not ours`,
    );
  }
  if (old !== undefined) deleteLink(host, old.index);
  const second = tryCreatePair(host, spec);
  if (second !== undefined) return second;
  throw new OcicatError('already-exists', `create link "${spec.containerName}" in the pod: it has one of that name`);
}

/** Marks the host end as ours and makes it a router towards the pod. */
function configureHostEnd(host: netlink.Netlink, spec: WorkloadLinkSpec, index: number): void {
  const writer = netlink.createMessageWriter(512);
  const end = { hostName: spec.hostName, families: familiesOf(spec.addresses), maySpoof: false };
  links.beginLink(writer, links.RTM_NEWLINK, netlink.NLM_F_ACK, { index });
  writer.attrString(links.IFLA_IFALIAS, computeAlias(spec.endpoint));
  writeHostSettings(writer, end);
  writer.end();
  writeProxyDelay(writer, 4, index, 0);
  host.request(writer, 2);
  applySysctls(computeHostSysctls(end));
}

/**
 * The gateway is the one neighbour that a pod has, and is told to it. The link asks for no other (IFF_NOARP), because the
 * entries of all namespaces count against one limit (net.ipv4.neigh.default.gc_thresh3, the same of IPv6), and an address that
 * is being asked for stays for seconds; whom the pod sends to by itself on such a link is the first to go when there is need
 * of room (net/core/neighbour.c, neigh_forced_gc).
 */
function writeNoNeighbours(writer: netlink.MessageWriter, index: number): void {
  const flags = links.IFF_NOARP;
  links.beginLink(writer, links.RTM_NEWLINK, netlink.NLM_F_ACK, { index, flags, change: flags }).end();
}

/** Addresses first, then the way to the gateway, then what lies behind it. */
function configurePod(pod: netlink.Netlink, spec: WorkloadLinkSpec, index: number): void {
  applySysctls(podSysctls(spec), spec.netnsFd);
  const writer = netlink.createMessageWriter(1024);
  writeNoNeighbours(writer, index);
  for (const up of [links.LOOPBACK_INDEX, index]) writeUp(writer, up, true);
  for (const ip of spec.addresses) writeAddress(writer, { interfaceIndex: index, address: hostCidr(ip) });
  for (const family of familiesOf(spec.addresses)) writePermanentNeighbour(writer, index, gatewayOf(family), HOST_MAC);
  for (const route of computePodRoutes(spec, index)) writeRoute(writer, RTM_NEWROUTE, CREATE, route);
  pod.request(writer, writer.count);
}

/** The routes inside the pod: IPv4 needs one to the gateway itself; the IPv6 gateway is link-local. */
export function computePodRoutes(
  spec: Pick<WorkloadLinkSpec, 'addresses' | 'routes'>,
  interfaceIndex: number,
): readonly Route[] {
  const base = {
    table: TABLE_MAIN,
    protocol: PROTOCOL_BOOT,
    type: 'unicast',
    interfaceIndex,
    source: undefined,
  } as const;
  const routes = podRoutes(spec).map((destination): Route => {
    const family = cidrFamily(destination);
    const metric = family === 4 ? 0 : 1024; // the kernel's own default for IPv6
    return { ...base, destination, scope: 'universe', gateway: gatewayOf(family), metric };
  });
  if (!familiesOf(spec.addresses).includes(4)) return routes;
  const gateway: Route = { ...base, destination: hostCidr(gatewayOf(4)), scope: 'link', gateway: undefined, metric: 0 };
  return [gateway, ...routes];
}

/**
 * Makes the pair and configures both ends; the host end stays down. All or nothing: a failure removes what was made.
 * Synchronous, about 1 ms; 20 ms more when a left-over or a failure has to be removed.
 * Throws `already-exists` when somebody else's link has the name, `kernel` otherwise.
 */
export function createWorkloadLink(spec: WorkloadLinkSpec): WorkloadLink {
  const host = netlink.openNetlink(netlink.NETLINK_ROUTE);
  try {
    const pod = netlink.openNetlink(netlink.NETLINK_ROUTE, { netnsFd: spec.netnsFd });
    try {
      const pair = createPair(host, spec);
      try {
        configureHostEnd(host, spec, pair.hostIndex);
        configurePod(pod, spec, pair.containerIndex);
        return pair;
      } catch (error) {
        deleteLink(host, pair.hostIndex);
        throw error;
      }
    } finally {
      pod.close();
    }
  } finally {
    host.close();
  }
}

/** What raising needs to know; a WorkloadLinkSpec has it. */
export interface RaisedLink {
  readonly hostName: string;
  readonly mac: Mac;
  readonly addresses: readonly Ip[];
}

/** The link that a route of the main table to this very address leads to, other than the link itself. */
function findClash(host: netlink.Netlink, address: Ip, ownIndex: number): string | undefined {
  const wanted = hostCidr(address);
  const clash = observeRoutes(host, { family: familyOf(address) }).find(
    ({ destination, interfaceIndex }) => sameCidr(destination, wanted) && interfaceIndex !== ownIndex,
  );
  if (clash === undefined) return undefined;
  return links.observeLinks(host).find(({ index }) => index === clash.interfaceIndex)?.name ?? 'nowhere';
}

function clashError(target: RaisedLink, address: Ip, other: string): OcicatError {
  const text = `raise link "${target.hostName}": the route to ${formatIp(address)} leads to "${other}"`;
  return new OcicatError('kernel', text, { errno: EEXIST });
}

function explainRefusal(
  host: netlink.Netlink,
  refusal: netlink.Refusal,
  target: RaisedLink,
  index: number,
): OcicatError {
  const address = target.addresses[refusal.index - 1];
  const other = address === undefined || refusal.errno !== EEXIST ? undefined : findClash(host, address, index);
  if (address === undefined || other === undefined)
    return netlink.refusalError(`raise link "${target.hostName}"`, refusal);
  return clashError(target, address, other);
}

/** A route with a better metric wins over ours, and nothing would reach the pod. What rules of routing do is the host's wish. */
function findBetterRoute(host: netlink.Netlink, target: RaisedLink, index: number): OcicatError | undefined {
  for (const address of target.addresses) {
    if (observeWayTo(host, address) === index) continue;
    const other = findClash(host, address, index);
    if (other !== undefined) return clashError(target, address, other);
  }
  return undefined;
}

/**
 * Opens the link: host end up, a route and a permanent neighbour for each address. From here on packets pass.
 * Throws `not-found` when there is no such link, `kernel` when an address is already routed elsewhere; the link is down again then.
 */
export function raiseWorkloadLink(target: RaisedLink): void {
  const host = netlink.openNetlink(netlink.NETLINK_ROUTE);
  try {
    const link = links.observeLink(host, target.hostName);
    if (link === undefined) throw new OcicatError('not-found', `raise link "${target.hostName}": there is none`);
    const writer = netlink.createMessageWriter(512);
    writeUp(writer, link.index, true);
    for (const ip of target.addresses)
      writeRoute(writer, RTM_NEWROUTE, CREATE, workloadRoute(hostCidr(ip), link.index));
    for (const ip of target.addresses) writePermanentNeighbour(writer, link.index, ip, target.mac);
    const [refusal] = host.tryRequest(writer, writer.count);
    const error =
      refusal === undefined
        ? findBetterRoute(host, target, link.index)
        : explainRefusal(host, refusal, target, link.index);
    if (error === undefined) return;
    writeUp(writer.reset(), link.index, false);
    host.tryRequest(writer, 1);
    throw error;
  } finally {
    host.close();
  }
}

function writeUp(writer: netlink.MessageWriter, index: number, up: boolean): void {
  const flags = up ? links.IFF_UP : 0;
  links.beginLink(writer, links.RTM_NEWLINK, netlink.NLM_F_ACK, { index, flags, change: links.IFF_UP }).end();
}

export { checkWorkloadLink } from './workload-link-check.ts';
export type { WorkloadLink, WorkloadLinkSpec } from './workload-link-spec.ts';
export { gatewayOf } from './workload-link-spec.ts';
export {
  isForeignLink,
  observeRoutedAddresses,
  observeWorkloadLinks,
  type WorkloadLinkState,
} from './workload-link-state.ts';
