// The part of the table that is always there, also before the agent runs: it drops whatever comes from or goes to an
// interface with our prefix that the dynamic part does not name, checks what workloads may send at all, and translates addresses.
//
// Each decision has a base chain of its own. `accept` ends one base chain and the packet goes on to the next: the egress
// policy of the sender first, then the ingress policy of the receiver, and other tables' rules besides.
import { PORT_PROTOCOLS, PROTOCOL_TCP } from '../net/protocol.ts';
import { bytesOfU8 } from '../nftables/bytes.ts';
import type { RulesetEditor } from '../nftables/editor.ts';
import type { BaseHook, Chain, Elements, NftSet, Rule, Ruleset, SetSpec } from '../nftables/nft.ts';
import {
  accept,
  dropping,
  goto,
  isEstablished,
  isFamily,
  isForOthers,
  isIn,
  isProtocol,
  rule,
  verdictOf,
} from '../nftables/statements.ts';
import type { FirewallConfig } from './config.ts';
import { computeEncryptionChains } from './encryption/chains.ts';
import { computeEncryptionSets } from './encryption/ranges.ts';
import { flowLimitRules, flowLimitSets } from './limits/flows.ts';
import * as names from './names.ts';
import { computeNatChains, computeNatSets } from './nat/chains.ts';
import { lookAtOthers, relatedChains } from './related.ts';
import { resolverAccepted, resolverChain, resolverGuard, resolverSets, resolverWay } from './resolver/ways.ts';
import {
  arpRules,
  closedAddresses,
  DISCOVERY_TYPES,
  guardChains,
  guardElements,
  isDiscovery,
  isPeering,
  workloadCheck,
} from './workload-check.ts';

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

/** What workloads may say to their host, after their own policy. */
function hostAction(config: FirewallConfig): Chain {
  return chain('host-action', [
    rule([isEstablished, accept]),
    lookAtOthers(config),
    rule([...isDiscovery, accept]),
    rule([...isPeering(4), accept]),
    rule([...isPeering(6), accept]),
    ...resolverAccepted(),
    dropping('BGP of somebody else', isFamily(4), isIn(['daddr4'], names.peeringAddressesSet(4))),
    dropping('BGP of somebody else', isFamily(6), isIn(['daddr6'], names.peeringAddressesSet(6))),
    config.endpointToHostAction === 'drop' ? dropping('workload to host') : rule([accept]),
  ]);
}

function computeChains(config: FirewallConfig): readonly Chain[] {
  const from = { kind: 'name-prefix', field: 'iifname', value: config.interfacePrefix } as const;
  const to = { kind: 'name-prefix', field: 'oifname', value: config.interfacePrefix } as const;
  return [
    ...guardChains(config),
    chain(names.REJECT_CHAIN, [
      rule([isProtocol(PROTOCOL_TCP), { kind: 'reject', how: 'tcp-reset' }]),
      rule([{ kind: 'reject', how: 'admin-prohibited' }]),
    ]),
    workloadCheck(),
    // what comes from an unknown interface has not come this far
    chain('from-workload', [
      rule([isEstablished, accept]),
      lookAtOthers(config),
      ...flowLimitRules(config.maxFlows, 'iifname'),
      rule([verdictOf(['iifname'], names.EGRESS_MAP)]),
      dropping('unknown interface'),
    ]),
    chain('to-workload', [
      rule([isEstablished, isIn(['oifname'], names.WORKLOADS_SET), accept]),
      lookAtOthers(config),
      ...flowLimitRules(config.maxFlows, 'oifname'),
      rule([verdictOf(['oifname'], names.INGRESS_MAP)]),
      dropping('unknown interface'),
    ]),
    chain('to-host', [
      rule([isEstablished, accept]),
      rule([...isDiscovery, accept]),
      dropping('to everybody', isForOthers),
      ...resolverWay(),
      rule([goto('from-workload')]),
    ]),
    resolverChain([lookAtOthers(config), ...flowLimitRules(config.maxFlows, 'iifname')]),
    ...relatedChains(config),
    hostAction(config),
    baseChain('arp-input', 'input', PRIORITY_ARP, arpRules(config)),
    baseChain('base-prerouting', 'prerouting', PRIORITY_RAW, [rule([from, goto('workload-check')])]),
    baseChain('base-forward-egress', 'forward', PRIORITY_EGRESS, [rule([from, goto('from-workload')])]),
    baseChain('base-forward-ingress', 'forward', PRIORITY_INGRESS, [rule([to, goto('to-workload')])]),
    baseChain('base-input-egress', 'input', PRIORITY_EGRESS, [rule([from, goto('to-host')]), ...resolverGuard()]),
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

function fixedSets(config: FirewallConfig): readonly NftSet[] {
  return [
    ...flowLimitSets(config.maxFlows),
    ...resolverSets(),
    map(names.GUARDS_MAP, ['inet_proto'], guardElements(config)),
    set(names.DISCOVERY_SET, ['icmpv6_type'], bytesSet(DISCOVERY_TYPES)),
    set(names.closedSet(4), ['ipv4_addr'], closedAddresses(4), true),
    set(names.closedSet(6), ['ipv6_addr'], closedAddresses(6), true),
    set(names.PORT_PROTOCOLS_SET, ['inet_proto'], bytesSet(PORT_PROTOCOLS)),
  ];
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
