// The settings of a workload link's host end: a router towards the pod that learns nothing from it.
import type { Family } from '../../net/ip.ts';
import { ENODEV } from '../../sys/libc.ts';
import * as netlink from '../../sys/netlink.ts';
import { applySysctls, type Sysctl } from '../../sys/sysctl.ts';
import * as links from './links.ts';

const AF_INET = 2;
const AF_INET6 = 10;
const IFLA_INET_CONF = 1;
const IFLA_INET6_ADDR_GEN_MODE = 8;
const ADDR_GEN_MODE_EUI64 = 0;

/**
 * By their positions in the kernel's list (linux/ip.h, IPV4_DEVCONF_…; Documentation/networking/ip-sysctl.rst). The link
 * forwards and answers for the gateway; a source must lie behind the link that it comes by (without which every sender of
 * an ARP request becomes a neighbour of the host); 127.0.0.0/8 stays the host's own; no redirect, source route or
 * announcement changes anything.
 */
const FORWARDING = 1;
const PROXY_ARP = 3;
const ACCEPT_REDIRECTS = 4;
const RP_FILTER = 8;
const ACCEPT_SOURCE_ROUTE = 9;
const ARP_ACCEPT = 21;
const ROUTE_LOCALNET = 26;
const IPV4_SETTINGS = [
  [FORWARDING, 1],
  [PROXY_ARP, 1],
  [ACCEPT_REDIRECTS, 0],
  [ACCEPT_SOURCE_ROUTE, 0],
  [ARP_ACCEPT, 0],
  [ROUTE_LOCALNET, 0],
] as const;

export interface HostEnd {
  readonly hostName: string;
  readonly families: readonly Family[];
  /** Whether the pod may send from addresses that do not lie behind its link. */
  readonly maySpoof: boolean;
}

/** Appends the settings that netlink can make to a message that changes the link. */
export function writeHostSettings(writer: netlink.MessageWriter, { families, maySpoof }: Omit<HostEnd, 'hostName'>) {
  writer.nestPlain(links.IFLA_AF_SPEC).nestPlain(AF_INET).nestPlain(IFLA_INET_CONF);
  for (const [position, value] of IPV4_SETTINGS) writer.attrU32(position, value);
  writer.attrU32(RP_FILTER, maySpoof ? 0 : 1);
  writer.endNest().endNest();
  if (families.includes(6)) {
    writer.nestPlain(AF_INET6).attrU8(IFLA_INET6_ADDR_GEN_MODE, ADDR_GEN_MODE_EUI64).endNest();
  }
  writer.endNest();
}

/** Those of IPv6 that netlink cannot make, to be in force before the link comes up. */
export function computeHostSysctls({ hostName, families }: Omit<HostEnd, 'maySpoof'>): readonly Sysctl[] {
  const setting = (key: string, value: string) => ({ name: `net/ipv6/conf/${hostName}/${key}`, value });
  // a workload must never configure the host, whatever the families it has
  const learnNothing = ['accept_ra', 'accept_redirects', 'accept_source_route'].map((key) => ({
    ...setting(key, '0'),
    optional: true,
  }));
  if (!families.includes(6)) return learnNothing;
  return [
    setting('disable_ipv6', '0'),
    setting('accept_dad', '0'),
    setting('proxy_ndp', '1'),
    setting('forwarding', '1'),
    ...learnNothing,
  ];
}

/** Makes the settings of links that are there; one that has gone meanwhile is passed over. Throws `kernel`. */
export function applyHostSettings(ends: readonly HostEnd[]): void {
  const socket = netlink.openNetlink(netlink.NETLINK_ROUTE);
  try {
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
  } finally {
    socket.close();
  }
}
