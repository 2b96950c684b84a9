// Kernel routes: read with a filter, and changed in one batch.
import { OcicatError } from '../../base/errors.ts';
import { type Cidr, cidrFamily, formatCidr, maskCidr, parseCidr } from '../../net/cidr.ts';
import {
  bitsOf,
  type Family,
  familyOf,
  formatIp,
  type Ip,
  ipFromBytes,
  ipToBytes,
  isIpv4,
  parseIp,
} from '../../net/ip.ts';
import { ENOENT } from '../../sys/libc.ts';
import * as netlink from '../../sys/netlink.ts';
import { type NextHop, readNextHops } from './next-hops.ts';

export const RTM_NEWROUTE = 24;
export const RTM_DELROUTE = 25;
const RTM_GETROUTE = 26;

const AF_INET = 2;
const AF_INET6 = 10;
const RTA_DST = 1;
const RTA_OIF = 4;
const RTA_GATEWAY = 5;
const RTA_PRIORITY = 6;
const RTA_PREFSRC = 7;
const RTA_MULTIPATH = 9;
const RTA_TABLE = 15;
const ROUTE_HEADER_BYTES = 12;

export const TABLE_MAIN = 254;
/** In a filter: whatever table. */
export const TABLE_ANY = 0;
/** rtnetlink(7): who made a route. */
export const PROTOCOL_BOOT = 3;
export const PROTOCOL_BIRD = 12;
/** Calico's DeviceRouteProtocol for routes to its workloads (Calico v3.33, felix/dataplane/linux/int_dataplane.go). */
export const WORKLOAD_ROUTE_PROTOCOL = PROTOCOL_BOOT;
/** Of the ways to other hosts: Calico's DefaultRouteProto (Calico v3.33, felix/dataplane/linux/dataplanedefs). */
export const PATH_PROTOCOL = 80;
/** Calico's IPv4NormalRoutePriority and IPv6NormalRoutePriority (Calico v3.33, felix/dataplane/linux/int_dataplane.go). */
export const ROUTE_METRIC = 1024;

type RouteScope = 'universe' | 'link' | 'host';
type RouteType = 'unicast' | 'local' | 'broadcast' | 'multicast' | 'blackhole' | 'unreachable' | 'throw' | 'other';

const scopes: Readonly<Record<RouteScope, number>> = { universe: 0, link: 253, host: 254 };
const types: Readonly<Record<RouteType, number>> = {
  unicast: 1,
  local: 2,
  broadcast: 3,
  multicast: 5,
  blackhole: 6,
  unreachable: 7,
  throw: 9,
  other: 0,
};
/** They lead nowhere; of IPv6 the kernel says that they lead to the loopback interface. */
const NOWHERE: ReadonlySet<RouteType> = new Set(['blackhole', 'unreachable', 'throw']);
/** The gateway is taken to be behind the link, whatever other routes say. */
const RTNH_F_ONLINK = 4;
const typeNames = new Map(Object.entries(types).map(([name, value]) => [value, name as RouteType]));

export interface Route {
  readonly destination: Cidr;
  readonly table: number;
  readonly protocol: number;
  /** IPv6 has no scopes: always `universe` there. */
  readonly scope: RouteScope;
  readonly type: RouteType;
  /** Undefined for routes that lead nowhere and for those with several next hops. */
  readonly interfaceIndex: number | undefined;
  readonly gateway: Ip | undefined;
  /** The gateway need not be in a range that the link has. */
  readonly onlink?: boolean;
  /** Of a route that has several. */
  readonly nextHops?: readonly NextHop[];
  readonly source: Ip | undefined;
  readonly metric: number;
}

export interface RouteFilter {
  readonly family?: Family;
  /** Default: the main table. */
  readonly table?: number;
  readonly protocol?: number;
  readonly interfaceIndex?: number;
  /** Routes that these have made are left out, before they become values: there may be thousands. */
  readonly without?: ReadonlySet<number>;
}

/** A route to a workload through its host link, as ADD makes it and the agent restores it. */
export function workloadRoute(address: Cidr, interfaceIndex: number): Route {
  return {
    destination: address,
    table: TABLE_MAIN,
    protocol: WORKLOAD_ROUTE_PROTOCOL,
    scope: cidrFamily(address) === 4 ? 'link' : 'universe',
    type: 'unicast',
    interfaceIndex,
    gateway: undefined,
    source: undefined,
    metric: ROUTE_METRIC,
  };
}

const LOOPBACK6 = parseCidr('::1/128');

/**
 * What comes by the link for ::1 is for this host. The kernel takes such packets by no other interface than the one that their route
 * has (net/ipv6/route.c, rt6_need_strict), and routes that differ in the interface alone want a metric each.
 */
export function loopbackRoute(interfaceIndex: number): Route {
  const route = workloadRoute(LOOPBACK6, interfaceIndex);
  return { ...route, type: 'local', metric: ROUTE_METRIC + interfaceIndex };
}

function addressFamily(family: Family): number {
  return family === 4 ? AF_INET : AF_INET6;
}

/** Without an array for each address of IPv4, as there may be thousands. */
function writeIp(writer: netlink.MessageWriter, type: number, ip: Ip): void {
  if (isIpv4(ip)) writer.attrBe32(type, ip);
  else writer.attrBytes(type, ipToBytes(ip));
}

/** Appends a whole RTM_NEWROUTE or RTM_DELROUTE message. */
export function writeRoute(writer: netlink.MessageWriter, type: number, flags: number, route: Route): void {
  const { destination, table } = route;
  writer.begin(type, flags);
  writer
    .u8(addressFamily(cidrFamily(destination)))
    .u8(destination.prefixLength)
    .u8(0)
    .u8(0);
  writer
    .u8(table < 256 ? table : 0)
    .u8(route.protocol)
    .u8(scopes[route.scope])
    .u8(types[route.type])
    .u32(route.onlink ? RTNH_F_ONLINK : 0);
  if (destination.prefixLength > 0) writeIp(writer, RTA_DST, destination.address);
  if (route.interfaceIndex !== undefined) writer.attrU32(RTA_OIF, route.interfaceIndex);
  if (route.gateway !== undefined) writeIp(writer, RTA_GATEWAY, route.gateway);
  if (route.source !== undefined) writeIp(writer, RTA_PREFSRC, route.source);
  if (route.metric !== 0) writer.attrU32(RTA_PRIORITY, route.metric);
  writer.attrU32(RTA_TABLE, table).end();
}

const ANY: Readonly<Record<Family, Ip>> = { 4: parseIp('0.0.0.0'), 6: parseIp('::') };

/** Reads the payload of RTM_NEWROUTE or RTM_DELROUTE; undefined for families other than IP. */
export function tryReadRoute(payload: Uint8Array): Route | undefined {
  const [familyNumber = 0, prefixLength = 0] = payload;
  if (familyNumber !== AF_INET && familyNumber !== AF_INET6) return undefined;
  const family: Family = familyNumber === AF_INET ? 4 : 6;
  const attributes = netlink.readAttributes(payload, ROUTE_HEADER_BYTES);
  const ip = (type: number): Ip | undefined => {
    const bytes = attributes.get(type);
    return bytes === undefined ? undefined : ipFromBytes(bytes);
  };
  const number = (type: number): number | undefined => {
    const bytes = attributes.get(type);
    return bytes === undefined ? undefined : netlink.readU32(bytes);
  };
  const scopeNumber = payload[6];
  const type = typeNames.get(payload[7] ?? 0) ?? 'other';
  const isOnlink = (netlink.readU32(payload, 8) & RTNH_F_ONLINK) !== 0;
  const hops = attributes.get(RTA_MULTIPATH);
  return {
    destination: { address: ip(RTA_DST) ?? ANY[family], prefixLength },
    table: number(RTA_TABLE) ?? payload[4] ?? 0,
    protocol: payload[5] ?? 0,
    scope: scopeNumber === scopes.link ? 'link' : scopeNumber === scopes.host ? 'host' : 'universe',
    type,
    interfaceIndex: NOWHERE.has(type) ? undefined : number(RTA_OIF),
    gateway: ip(RTA_GATEWAY),
    ...(isOnlink ? { onlink: true } : {}),
    ...(hops === undefined ? {} : { nextHops: readNextHops(hops) }),
    source: ip(RTA_PREFSRC),
    metric: number(RTA_PRIORITY) ?? 0,
  };
}

/** The routes of the socket's namespace that match, both families unless one is asked for. The kernel does the filtering. */
export function observeRoutes(socket: netlink.Netlink, filter: RouteFilter = {}): readonly Route[] {
  const { table = TABLE_MAIN, protocol = 0, interfaceIndex, without } = filter;
  const families: readonly Family[] = filter.family === undefined ? [4, 6] : [filter.family];
  const routes: Route[] = [];
  const writer = netlink.createMessageWriter(64);
  for (const family of families) {
    writer.reset().begin(RTM_GETROUTE, netlink.NLM_F_DUMP);
    writer.u8(addressFamily(family)).u8(0).u8(0).u8(0).u8(0).u8(protocol).u8(0).u8(0).u32(0);
    writer.attrU32(RTA_TABLE, table);
    if (interfaceIndex !== undefined) writer.attrU32(RTA_OIF, interfaceIndex);
    writer.end();
    try {
      socket.dump(writer, (_type, payload) => {
        const route = without?.has(payload[5] ?? 0) ? undefined : tryReadRoute(payload);
        if (route !== undefined) routes.push(route);
      });
    } catch (error) {
      // a table that has never had a route does not exist, the main table of a new namespace included
      if (!(error instanceof OcicatError && error.errno === ENOENT)) throw error;
    }
  }
  return routes;
}

/** The interface that a packet of this host to an address leaves by now; undefined when there is no way. */
export function observeWayTo(socket: netlink.Netlink, address: Ip): number | undefined {
  const writer = netlink.createMessageWriter(64);
  writer.begin(RTM_GETROUTE, netlink.NLM_F_ACK);
  writer.u8(addressFamily(familyOf(address))).u8(bitsOf(familyOf(address)));
  writer.u8(0).u8(0).u8(0).u8(0).u8(0).u8(0).u32(0);
  writer.attrBytes(RTA_DST, ipToBytes(address)).end();
  let way: number | undefined;
  socket.tryRequest(writer, 1, (type, payload) => {
    if (type === RTM_NEWROUTE) way = tryReadRoute(payload)?.interfaceIndex;
  });
  return way;
}

/** Whether two routes would take a packet the same way, whoever made them. */
export function sameRoute(a: Route, b: Route): boolean {
  const keys = ['table', 'scope', 'type', 'interfaceIndex', 'gateway', 'source', 'metric'] as const;
  const [left, right] = [maskCidr(a.destination), maskCidr(b.destination)];
  const sameDestination = left.address === right.address && left.prefixLength === right.prefixLength;
  return sameDestination && keys.every((key) => a[key] === b[key]) && (a.onlink ?? false) === (b.onlink ?? false);
}

/** The kernel keeps one route for each of these. */
export function slotOf({ destination, table, metric }: Route): string {
  return `${formatCidr(destination)} ${table} ${metric}`;
}

/** `10.0.0.1/32 interface 7 metric 1024`, `10.1.0.0/26 via 10.0.0.2 interface 3 metric 1024`, for messages. */
export function formatRoute(route: Route): string {
  const parts = [formatCidr(route.destination)];
  if (route.type !== 'unicast') parts.unshift(route.type);
  if (route.gateway !== undefined) parts.push(`via ${formatIp(route.gateway)}`);
  if (route.interfaceIndex !== undefined) parts.push(`interface ${route.interfaceIndex}`);
  if (route.metric !== 0) parts.push(`metric ${route.metric}`);
  return parts.join(' ');
}
