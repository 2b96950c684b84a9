// The settings of a workload link's host end: a router towards the pod that learns nothing from it.
import type { Family } from '../../net/ip.ts';
import { ENODEV } from '../../sys/libc.ts';
import * as netlink from '../../sys/netlink.ts';
import { applySysctls, type Sysctl } from '../../sys/sysctl.ts';
import * as links from './links.ts';

const AF_INET = 2;
const AF_INET6 = 10;
const IFLA_INET_CONF = 1;
const IFLA_INET6_CONF = 2;
const IFLA_INET6_ADDR_GEN_MODE = 8;
const ADDR_GEN_MODE_EUI64 = 0;

export interface HostSettings {
  readonly families: readonly Family[];
  /** Whether the pod may send from addresses that do not lie behind its link. */
  readonly maySpoof: boolean;
  /** Whether packets that a port mapping has taken from 127.0.0.0/8 may leave by the link, and their answers come back. */
  readonly routeLocalnet: boolean;
}

export interface HostEnd extends HostSettings {
  readonly hostName: string;
}

interface Setting {
  readonly family: Family;
  /** In the kernel's list of its family (linux/ip.h, IPV4_DEVCONF_…; linux/ipv6.h, DEVCONF_…). */
  readonly position: number;
  /** Below `net/ipv6/conf/<link>` (Documentation/networking/ip-sysctl.rst); those of IPv4 go by netlink. */
  readonly sysctl?: string;
  /** Undefined: it may have any value. */
  readonly value: (settings: HostSettings) => number | undefined;
}

/** A workload must never configure the host, whatever the families it has. */
const never = () => 0;
const always = () => 1;
const withIpv6 = (value: number) => (settings: HostSettings) => (settings.families.includes(6) ? value : undefined);

/**
 * The link forwards and answers for the gateway; a source must lie behind the link that it comes by (without which every
 * sender of an ARP request becomes a neighbour of the host); 127.0.0.0/8 stays the host's own, and where answers to it must come
 * back, rules before routing drop what a pod sends from or to there; no redirect, source route or announcement changes anything.
 */
const SETTINGS: readonly Setting[] = [
  { family: 4, position: 1, value: always }, // forwarding
  { family: 4, position: 3, value: always }, // proxy_arp
  { family: 4, position: 4, value: never }, // accept_redirects
  { family: 4, position: 9, value: never }, // accept_source_route
  { family: 4, position: 21, value: never }, // arp_accept
  { family: 4, position: 26, value: ({ routeLocalnet }) => (routeLocalnet ? 1 : 0) }, // route_localnet
  { family: 4, position: 8, value: ({ maySpoof }) => (maySpoof ? 0 : 1) }, // rp_filter
  { family: 6, position: 26, sysctl: 'disable_ipv6', value: withIpv6(0) },
  { family: 6, position: 27, sysctl: 'accept_dad', value: withIpv6(0) },
  { family: 6, position: 22, sysctl: 'proxy_ndp', value: withIpv6(1) },
  { family: 6, position: 0, sysctl: 'forwarding', value: withIpv6(1) },
  { family: 6, position: 3, sysctl: 'accept_ra', value: never },
  { family: 6, position: 4, sysctl: 'accept_redirects', value: never },
  { family: 6, position: 24, sysctl: 'accept_source_route', value: never },
];

/** Appends the settings that netlink can make to a message that changes the link. */
export function writeHostSettings(writer: netlink.MessageWriter, settings: HostSettings) {
  writer.nestPlain(links.IFLA_AF_SPEC).nestPlain(AF_INET).nestPlain(IFLA_INET_CONF);
  for (const { family, position, value } of SETTINGS) {
    const wanted = value(settings);
    if (family === 4 && wanted !== undefined) writer.attrU32(position, wanted);
  }
  writer.endNest().endNest();
  if (settings.families.includes(6)) {
    writer.nestPlain(AF_INET6).attrU8(IFLA_INET6_ADDR_GEN_MODE, ADDR_GEN_MODE_EUI64).endNest();
  }
  writer.endNest();
}

/** Those of IPv6 that netlink cannot make, to be in force before the link comes up; a host without IPv6 lacks the last ones. */
export function computeHostSysctls({ hostName, families }: Pick<HostEnd, 'hostName' | 'families'>): readonly Sysctl[] {
  return SETTINGS.flatMap(({ sysctl, value }) => {
    const wanted = value({ families, maySpoof: false, routeLocalnet: false });
    if (sysctl === undefined || wanted === undefined) return [];
    const setting = { name: `net/ipv6/conf/${hostName}/${sysctl}`, value: String(wanted) };
    return [value === never ? { ...setting, optional: true } : setting];
  });
}

/** Makes the settings of links that are there; one that has gone meanwhile is passed over. Throws `kernel`. */
export function applyHostSettings(ends: readonly HostEnd[]): void {
  netlink.withRouteSocket((socket) => {
    for (const end of ends) {
      const link = links.observeLink(socket, end.hostName);
      if (link === undefined) continue;
      const writer = netlink.createMessageWriter(256);
      links.beginLink(writer, links.RTM_NEWLINK, netlink.NLM_F_ACK, { index: link.index });
      writeHostSettings(writer, end);
      writer.end();
      const [refusal] = socket.tryRequest(writer, 1);
      if (refusal !== undefined && refusal.errno !== ENODEV)
        throw netlink.refusalError(`set up link "${link.name}"`, refusal);
      applySysctls(computeHostSysctls(end).map((sysctl) => ({ ...sysctl, optional: true })));
    }
  });
}

/** The value of each of SETTINGS; undefined where the kernel does not tell it. */
export type ObservedSettings = readonly (number | undefined)[];

export interface ObservedHostEnd extends links.Link {
  readonly settings: ObservedSettings;
}

/** Whether each setting is as it is wanted, as far as it can be seen. */
export function holdsSettings(observed: ObservedSettings, settings: HostSettings): boolean {
  return SETTINGS.every(({ value }, at) => {
    const [wanted, actual] = [value(settings), observed[at]];
    return wanted === undefined || actual === undefined || actual === wanted;
  });
}

/** The value of an attribute of that type; empty where there is none. */
function readOne(bytes: Uint8Array, start: number, type: number): Uint8Array {
  return netlink.readAttributes(bytes, start, new Set([type])).get(type) ?? new Uint8Array();
}

/** Positions of IPv4 count from 1, those of IPv6 from 0. */
function readHostEnd(payload: Uint8Array): ObservedHostEnd {
  const spec = readOne(payload, links.LINK_HEADER_BYTES, links.IFLA_AF_SPEC);
  const confOf = (family: number, type: number) => readOne(readOne(spec, 0, family), 0, type);
  const confs = { 4: confOf(AF_INET, IFLA_INET_CONF), 6: confOf(AF_INET6, IFLA_INET6_CONF) };
  const settings = SETTINGS.map(({ family, position }) => {
    const [bytes, at] = [confs[family], 4 * (family === 4 ? position - 1 : position)];
    return at + 4 > bytes.length ? undefined : netlink.readU32(bytes, at);
  });
  return { ...links.readLink(payload), settings };
}

/** The link of that name in the socket's namespace, with its settings. */
export function observeHostEnd(socket: netlink.Netlink, name: string): ObservedHostEnd | undefined {
  return links.askLink(socket, { name }, readHostEnd);
}

/** All links of the socket's namespace, with their settings. */
export function observeHostEnds(socket: netlink.Netlink): readonly ObservedHostEnd[] {
  return links.dumpLinks(socket, readHostEnd);
}
