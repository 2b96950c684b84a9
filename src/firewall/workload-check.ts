// Whether a packet of a workload may have come at all, whatever policy says: from an address of its own, to one that somebody may
// have, and of no kind by which it would deceive the host or others.
import { parseCidr } from '../net/cidr.ts';
import { parseIp } from '../net/ip.ts';
import { PROTOCOL_ICMPV6, PROTOCOL_TCP, PROTOCOL_UDP } from '../net/protocol.ts';
import { bytesOfIp, bytesOfU8, bytesOfU16 } from '../nftables/bytes.ts';
import type { Chain, Elements, Rule, Statement, Verdict } from '../nftables/nft.ts';
import { bytesOfRange } from '../nftables/ranges.ts';
import {
  accept,
  dropping,
  isByte,
  isFamily,
  isIn,
  isInNet,
  isPort,
  isProtocol,
  rule,
  verdictOf,
} from '../nftables/statements.ts';
import type { FirewallConfig } from './config.ts';
import * as names from './names.ts';
import { resolverCheck } from './resolver/ways.ts';

const PROTOCOL_IPIP = 4;
const ADVERTISEMENT = 136;
const ROUTER_ADVERTISEMENT = 134;
const REDIRECT = 137;
/**
 * Multicast listener query, report and done; router and neighbour solicitation, neighbour advertisement (Calico v3.33,
 * felix/rules/static.go).
 */
export const DISCOVERY_TYPES = [130, 131, 132, 133, 135, 136];
/** RFC 826. */
const ARP_REPLY = 2;
const DHCP_SERVER_PORT = 67;
const DHCP_CLIENT_PORT = 68;
const DHCPV6_SERVER_PORT = 547;
const DHCPV6_CLIENT_PORT = 546;

export const isDiscovery = [isFamily(6), isProtocol(PROTOCOL_ICMPV6), isIn(['icmpv6-type'], names.DISCOVERY_SET)];

/**
 * Ranges that hold all that is closed, and little else: compared one by one they cost a seventh of a set of ranges. Most packets
 * are let through by them in one rule, with one lookup; whatever is left meets all the others.
 */
const NEAR_CLOSED = {
  4: ['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/3'],
  6: ['::/96', '::ffff:0.0.0.0/96', 'fe80::/10', 'ff00::/8'],
} as const;

function ordinaryTcp(family: 4 | 6): Rule {
  const [source, destination] = family === 4 ? (['saddr4', 'daddr4'] as const) : (['saddr6', 'daddr6'] as const);
  const isOpen = NEAR_CLOSED[family].map((range) => isInNet(destination, parseCidr(range), true));
  const isOwn = isIn(['iifname', source], names.sourcesSet(family));
  return rule([isFamily(family), isProtocol(PROTOCOL_TCP), ...isOpen, isOwn, accept]);
}

/** To where a workload speaks BGP with the host, from its own address: whatever addresses are closed otherwise. */
export function isPeering(family: 4 | 6): readonly Statement[] {
  const destination = family === 4 ? 'daddr4' : 'daddr6';
  return [
    isFamily(family),
    isProtocol(PROTOCOL_TCP),
    isIn(['iifname', destination, 'dport'], names.peeringsSet(family)),
  ];
}

/** Whether a packet of a workload may have come at all, whatever its policy says. */
export function workloadCheck(): Chain {
  const rules = [
    ordinaryTcp(4),
    ordinaryTcp(6),
    rule([verdictOf(['l4proto'], names.GUARDS_MAP)]),
    rule([...isPeering(4), isIn(['iifname', 'saddr4'], names.sourcesSet(4)), accept]),
    rule([...isPeering(6), isIn(['iifname', 'saddr6'], names.sourcesSet(6)), accept]),
    ...resolverCheck(isIn(['iifname', 'saddr4'], names.sourcesSet(4))),
    dropping('destination of nobody', isFamily(4), isIn(['daddr4'], names.closedSet(4))),
    dropping('destination of nobody', isFamily(6), isIn(['daddr6'], names.closedSet(6))),
    rule([isFamily(4), isIn(['iifname', 'saddr4'], names.sourcesSet(4)), accept]),
    rule([isFamily(6), isIn(['iifname', 'saddr6'], names.sourcesSet(6)), accept]),
    dropping('source of nobody', isFamily(4), isIn(['saddr4'], names.closedSet(4))),
    dropping('source of nobody', isFamily(6), isIn(['saddr6'], names.closedSet(6))),
    rule([isFamily(4), isIn(['iifname', 'saddr4'], names.sourceRangesSet(4)), accept]),
    rule([isFamily(6), isIn(['iifname', 'saddr6'], names.sourceRangesSet(6)), accept]),
    dropping('unknown interface', isIn(['iifname'], names.WORKLOADS_SET, true)),
    dropping('source address of somebody else'),
  ];
  return { name: 'workload-check', rules };
}

function udpGuard(config: FirewallConfig): Chain {
  const udp = isProtocol(PROTOCOL_UDP);
  const vxlan = dropping('VXLAN from a workload', udp, isPort('dport', config.vxlanPort));
  const rules = [
    ...(config.allowVxlanFromWorkloads ? [] : [vxlan]),
    dropping('DHCP server', udp, isPort('sport', DHCP_SERVER_PORT), isPort('dport', DHCP_CLIENT_PORT)),
    dropping('DHCPv6 server', udp, isPort('sport', DHCPV6_SERVER_PORT), isPort('dport', DHCPV6_CLIENT_PORT)),
  ];
  return { name: 'guard-udp', rules };
}

/**
 * Each sender of neighbour discovery becomes a neighbour of the host, in a table that all share: so only the workload's own
 * addresses are let through, the link-local one that follows from its Ethernet address among them, and the unspecified
 * one, from which a link asks whether an address is taken. An answer makes nobody a neighbour: it may also come from a
 * range that the workload may send from.
 */
function icmpv6Guard(): Chain {
  const icmpv6 = isProtocol(PROTOCOL_ICMPV6);
  const known = [isIn(['iifname'], names.WORKLOADS_SET), ...isDiscovery];
  const rules = [
    dropping('router advertisement', icmpv6, isByte('icmpv6-type', ROUTER_ADVERTISEMENT)),
    dropping('redirect', icmpv6, isByte('icmpv6-type', REDIRECT)),
    rule([...isDiscovery, isIn(['iifname', 'saddr6'], names.DISCOVERY_SOURCES_SET), accept]),
    rule([...known, isInNet('saddr6', parseCidr('::/128')), accept]),
    rule([
      isFamily(6),
      icmpv6,
      isByte('icmpv6-type', ADVERTISEMENT),
      isIn(['iifname', 'saddr6'], names.sourceRangesSet(6)),
      accept,
    ]),
    dropping('neighbour discovery as somebody else', ...isDiscovery),
  ];
  return { name: 'guard-icmpv6', rules };
}

/** What a workload may not send to anybody, by protocol; `guardElements` leads there. */
export function guardChains(config: FirewallConfig): readonly Chain[] {
  return [{ name: 'guard-ipip', rules: [dropping('IP in IP from a workload')] }, udpGuard(config), icmpv6Guard()];
}

/** Protocol to chain. */
export function guardElements(config: FirewallConfig): Elements {
  const elements = new Map<string, Verdict>([
    [bytesOfU8(PROTOCOL_UDP), { kind: 'jump', chain: 'guard-udp' }],
    [bytesOfU8(PROTOCOL_ICMPV6), { kind: 'jump', chain: 'guard-icmpv6' }],
  ]);
  if (!config.allowIpipFromWorkloads) elements.set(bytesOfU8(PROTOCOL_IPIP), { kind: 'goto', chain: 'guard-ipip' });
  return elements;
}

/**
 * Addresses that no workload reaches and none has: this machine's own (127.0.0.0/8, ::1), none at all, groups, everybody
 * (RFC 6890), and those of the link. Of these last, 169.254.169.0/24 is left to policy: providers of virtual machines have
 * their services there.
 */
const CLOSED = {
  4: ['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0-169.254.168.255', '169.254.170.0-169.254.255.255', '224.0.0.0/3'],
  6: ['::/96', '::ffff:0.0.0.0/96', 'fe80::/10', 'ff00::/8'],
} as const;

/** As elements of a set of intervals. */
export function closedAddresses(family: 4 | 6): Elements {
  return new Map(
    CLOSED[family].map((text) => {
      const [first = '', last] = text.split('-');
      return [
        last === undefined ? bytesOfRange(parseCidr(first)) : bytesOfIp(parseIp(first)) + bytesOfIp(parseIp(last)),
        undefined,
      ];
    }),
  );
}

/** As with neighbour discovery: who asks becomes a neighbour of the host, who answers does not. */
export function arpRules(config: FirewallConfig): readonly Rule[] {
  const from: Statement = { kind: 'name-prefix', field: 'iifname', value: config.interfacePrefix };
  const answers: Statement = { kind: 'compare', field: 'arp-operation', negated: false, value: bytesOfU16(ARP_REPLY) };
  return [
    rule([isIn(['iifname', 'arp-sender'], names.ARP_SENDERS_SET), accept]),
    rule([isIn(['iifname'], names.ARP_ANSWERERS_SET), answers, accept]),
    dropping('ARP as somebody else', from),
  ];
}
