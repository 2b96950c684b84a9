// The part of the table that is always there, also before the agent runs: it drops whatever comes from or goes to an
// interface with our prefix that the dynamic part does not name, checks what workloads may send at all, and translates addresses.
//
// Each decision has a base chain of its own. `accept` ends one base chain and the packet goes on to the next: the egress
// policy of the sender first, then the ingress policy of the receiver, and other tables' rules besides.
import { parseCidr } from '../net/cidr.ts';
import { parseIp } from '../net/ip.ts';
import { PORT_PROTOCOLS, PROTOCOL_ICMPV6, PROTOCOL_TCP, PROTOCOL_UDP } from '../net/protocol.ts';
import { bytesOfIp, bytesOfU8, bytesOfU16 } from '../nftables/bytes.ts';
import type { RulesetEditor } from '../nftables/editor.ts';
import type { BaseHook, Chain, Elements, NftSet, Rule, Ruleset, SetSpec, Statement, Verdict } from '../nftables/nft.ts';
import { bytesOfRange } from '../nftables/ranges.ts';
import {
  accept,
  counter,
  drop,
  goto,
  isByte,
  isEstablished,
  isFamily,
  isForOthers,
  isIn,
  isInNet,
  isNew,
  isPort,
  isProtocol,
  rule,
  verdictOf,
} from '../nftables/statements.ts';
import type { FirewallConfig } from './config.ts';
import { computeEncryptionChains } from './encryption/chains.ts';
import { computeEncryptionSets } from './encryption/ranges.ts';
import * as names from './names.ts';
import { computeNatChains, computeNatSets } from './nat/chains.ts';
import { lookAtOthers, relatedChains } from './related.ts';

const PROTOCOL_IPIP = 4;
const ADVERTISEMENT = 136;
const ROUTER_ADVERTISEMENT = 134;
const REDIRECT = 137;
/**
 * Multicast listener query, report and done; router and neighbour solicitation, neighbour advertisement (Calico v3.33,
 * felix/rules/static.go).
 */
const DISCOVERY_TYPES = [130, 131, 132, 133, 135, 136];
/** RFC 826. */
const ARP_REPLY = 2;
const DHCP_SERVER_PORT = 67;
const DHCP_CLIENT_PORT = 68;
const DHCPV6_SERVER_PORT = 547;
const DHCPV6_CLIENT_PORT = 546;

/** Before connection tracking, so that what is dropped leaves no trace. */
const PRIORITY_RAW = -300;
/** Just before the filters of others (0). */
const PRIORITY_EGRESS = -2;
const PRIORITY_INGRESS = -1;
const PRIORITY_ARP = 0;

function chain(name: string, rules: readonly Rule[]): Chain {
  return { name, rules };
}

function baseChain(name: string, hook: BaseHook['hook'], priority: number, rules: readonly Rule[]): Chain {
  return { name, base: { type: 'filter', hook, priority }, rules };
}

function dropping(comment: string, ...matches: Rule['statements']): Rule {
  return rule([...matches, counter, drop], comment);
}

const isDiscovery = [isFamily(6), isProtocol(PROTOCOL_ICMPV6), isIn(['icmpv6-type'], names.DISCOVERY_SET)];

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
function isPeering(family: 4 | 6): readonly Statement[] {
  const destination = family === 4 ? 'daddr4' : 'daddr6';
  return [
    isFamily(family),
    isProtocol(PROTOCOL_TCP),
    isIn(['iifname', destination, 'dport'], names.peeringsSet(family)),
  ];
}

/** Whether a packet of a workload may have come at all, whatever its policy says. */
function workloadCheck(): Chain {
  return chain('workload-check', [
    ordinaryTcp(4),
    ordinaryTcp(6),
    rule([verdictOf(['l4proto'], names.GUARDS_MAP)]),
    rule([...isPeering(4), isIn(['iifname', 'saddr4'], names.sourcesSet(4)), accept]),
    rule([...isPeering(6), isIn(['iifname', 'saddr6'], names.sourcesSet(6)), accept]),
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
  ]);
}

function udpGuard(config: FirewallConfig): Chain {
  const udp = isProtocol(PROTOCOL_UDP);
  const vxlan = dropping('VXLAN from a workload', udp, isPort('dport', config.vxlanPort));
  return chain('guard-udp', [
    ...(config.allowVxlanFromWorkloads ? [] : [vxlan]),
    dropping('DHCP server', udp, isPort('sport', DHCP_SERVER_PORT), isPort('dport', DHCP_CLIENT_PORT)),
    dropping('DHCPv6 server', udp, isPort('sport', DHCPV6_SERVER_PORT), isPort('dport', DHCPV6_CLIENT_PORT)),
  ]);
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
  return chain('guard-icmpv6', [
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
  ]);
}

function hostAction(config: FirewallConfig): Chain {
  return chain('host-action', [
    rule([isEstablished, accept]),
    lookAtOthers(config),
    rule([...isDiscovery, accept]),
    rule([...isPeering(4), accept]),
    rule([...isPeering(6), accept]),
    dropping('BGP of somebody else', isFamily(4), isIn(['daddr4'], names.peeringAddressesSet(4))),
    dropping('BGP of somebody else', isFamily(6), isIn(['daddr6'], names.peeringAddressesSet(6))),
    config.endpointToHostAction === 'drop' ? dropping('workload to host') : rule([accept]),
  ]);
}

/** Flows are remembered in one table for the whole machine: one workload must not fill it. */
function flowLimit({ maxFlows }: FirewallConfig, field: 'iifname' | 'oifname'): readonly Rule[] {
  const beyond: Statement = { kind: 'beyond-flows', field, set: names.flowCountsSet(maxFlows), limit: maxFlows };
  return maxFlows === 0 ? [] : [dropping('too many flows', isNew, beyond)];
}

/** As with neighbour discovery: who asks becomes a neighbour of the host, who answers does not. */
function arpInput(config: FirewallConfig): Chain {
  const from: Statement = { kind: 'name-prefix', field: 'iifname', value: config.interfacePrefix };
  const answers: Statement = { kind: 'compare', field: 'arp-operation', negated: false, value: bytesOfU16(ARP_REPLY) };
  return baseChain('arp-input', 'input', PRIORITY_ARP, [
    rule([isIn(['iifname', 'arp-sender'], names.ARP_SENDERS_SET), accept]),
    rule([isIn(['iifname'], names.ARP_ANSWERERS_SET), answers, accept]),
    dropping('ARP as somebody else', from),
  ]);
}

function computeChains(config: FirewallConfig): readonly Chain[] {
  const from = { kind: 'name-prefix', field: 'iifname', value: config.interfacePrefix } as const;
  const to = { kind: 'name-prefix', field: 'oifname', value: config.interfacePrefix } as const;
  return [
    chain('guard-ipip', [dropping('IP in IP from a workload')]),
    udpGuard(config),
    icmpv6Guard(),
    chain(names.REJECT_CHAIN, [
      rule([isProtocol(PROTOCOL_TCP), { kind: 'reject', how: 'tcp-reset' }]),
      rule([{ kind: 'reject', how: 'admin-prohibited' }]),
    ]),
    workloadCheck(),
    // what comes from an unknown interface has not come this far
    chain('from-workload', [
      rule([isEstablished, accept]),
      lookAtOthers(config),
      ...flowLimit(config, 'iifname'),
      rule([verdictOf(['iifname'], names.EGRESS_MAP)]),
      dropping('unknown interface'),
    ]),
    chain('to-workload', [
      rule([isEstablished, isIn(['oifname'], names.WORKLOADS_SET), accept]),
      lookAtOthers(config),
      ...flowLimit(config, 'oifname'),
      rule([verdictOf(['oifname'], names.INGRESS_MAP)]),
      dropping('unknown interface'),
    ]),
    chain('to-host', [
      rule([isEstablished, accept]),
      rule([...isDiscovery, accept]),
      dropping('to everybody', isForOthers),
      rule([goto('from-workload')]),
    ]),
    ...relatedChains(config),
    hostAction(config),
    arpInput(config),
    baseChain('base-prerouting', 'prerouting', PRIORITY_RAW, [rule([from, goto('workload-check')])]),
    baseChain('base-forward-egress', 'forward', PRIORITY_EGRESS, [rule([from, goto('from-workload')])]),
    baseChain('base-forward-ingress', 'forward', PRIORITY_INGRESS, [rule([to, goto('to-workload')])]),
    baseChain('base-input-egress', 'input', PRIORITY_EGRESS, [rule([from, goto('to-host')])]),
    baseChain('base-input-host', 'input', PRIORITY_INGRESS, [rule([from, goto('host-action')])]),
    baseChain('base-output', 'output', PRIORITY_INGRESS, [
      dropping('unknown interface', to, isIn(['oifname'], names.WORKLOADS_SET, true)),
    ]),
    ...computeEncryptionChains(config.encryption, config.interfacePrefix),
    ...computeNatChains(config.nat),
  ];
}

function set(name: string, key: SetSpec['key'], elements: Elements = new Map(), interval = false): NftSet {
  return { spec: { name, key, interval, verdicts: false }, elements };
}

function map(name: string, key: SetSpec['key'], elements: Elements = new Map()): NftSet {
  return { spec: { name, key, interval: false, verdicts: true }, elements };
}

/** From interface to chain: in from-workload and to-workload, where what no chain decides is dropped. */
function dispatchMap(name: string): NftSet {
  return { spec: { name, key: ['ifname'], interval: false, verdicts: true, behind: 'drop' }, elements: new Map() };
}

function bytesSet(values: readonly number[]): Elements {
  return new Map(values.map((value) => [bytesOfU8(value), undefined]));
}

function guards(config: FirewallConfig): Elements {
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

function closedAddresses(family: 4 | 6): Elements {
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

function fixedSets(config: FirewallConfig): readonly NftSet[] {
  return [
    ...(config.maxFlows === 0 ? [] : [flowCounts(config.maxFlows)]),
    map(names.GUARDS_MAP, ['inet_proto'], guards(config)),
    set(names.DISCOVERY_SET, ['icmpv6_type'], bytesSet(DISCOVERY_TYPES)),
    set(names.closedSet(4), ['ipv4_addr'], closedAddresses(4), true),
    set(names.closedSet(6), ['ipv6_addr'], closedAddresses(6), true),
    set(names.PORT_PROTOCOLS_SET, ['inet_proto'], bytesSet(PORT_PROTOCOLS)),
  ];
}

function flowCounts(limit: number): NftSet {
  const spec: SetSpec = {
    name: names.flowCountsSet(limit),
    key: ['ifname'],
    interval: false,
    verdicts: false,
    dynamic: true,
  };
  return { spec, elements: new Map() };
}

/** Always there, filled by the dynamic part. */
function openSets(): readonly NftSet[] {
  return [
    dispatchMap(names.EGRESS_MAP),
    dispatchMap(names.INGRESS_MAP),
    set(names.WORKLOADS_SET, ['ifname']),
    set(names.ARP_SENDERS_SET, ['ifname', 'ipv4_addr']),
    set(names.ARP_ANSWERERS_SET, ['ifname']),
    set(names.DISCOVERY_SOURCES_SET, ['ifname', 'ipv6_addr']),
    set(names.sourcesSet(4), ['ifname', 'ipv4_addr']),
    set(names.sourcesSet(6), ['ifname', 'ipv6_addr']),
    set(names.sourceRangesSet(4), ['ifname', 'ipv4_addr'], new Map(), true),
    set(names.sourceRangesSet(6), ['ifname', 'ipv6_addr'], new Map(), true),
    set(names.peeringsSet(4), ['ifname', 'ipv4_addr', 'inet_service']),
    set(names.peeringsSet(6), ['ifname', 'ipv6_addr', 'inet_service']),
    set(names.peeringAddressesSet(4), ['ipv4_addr']),
    set(names.peeringAddressesSet(6), ['ipv6_addr']),
    ...computeNatSets(),
    ...computeEncryptionSets(),
  ];
}

export interface StaticPart {
  readonly chains: readonly Chain[];
  /** Sets whose elements belong to the static part. */
  readonly fixedSets: readonly NftSet[];
  /** Sets that the dynamic part fills. */
  readonly openSets: readonly NftSet[];
}

export function computeStaticPart(config: FirewallConfig): StaticPart {
  return { chains: computeChains(config), fixedSets: fixedSets(config), openSets: openSets() };
}

/** Puts the static part by `next` where that by `former` was. The sets that the dynamic part fills are the same in both. */
export function replaceStaticPart(editor: RulesetEditor, former: FirewallConfig, next: FirewallConfig): void {
  for (const { name } of computeChains(former)) editor.removeChain(name);
  for (const each of computeChains(next)) editor.setChain(each);
  for (const { spec } of fixedSets(former)) editor.removeSet(spec.name);
  for (const { spec, elements } of fixedSets(next)) {
    editor.addSet(spec);
    for (const [key, verdict] of elements) editor.setElement(spec.name, key, verdict);
  }
}

/** The table without any workload: all of them are unknown and dropped. */
export function computeBase(config: FirewallConfig): Ruleset {
  const part = computeStaticPart(config);
  return {
    chains: new Map(part.chains.map((each) => [each.name, each])),
    sets: new Map([...part.fixedSets, ...part.openSets].map((each) => [each.spec.name, each])),
  };
}
