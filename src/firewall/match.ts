// The conditions of one policy rule for one address family, as clauses that must all hold, each by any of its alternatives.
import type { Family } from '../net/ip.ts';
import { PROTOCOL_ICMP, PROTOCOL_ICMPV6 } from '../net/protocol.ts';
import { bytesOfU16 } from '../nftables/bytes.ts';
import type { Field, Statement } from '../nftables/nft.ts';
import { bytesOfPorts, bytesOfRange, mergePorts, ofFamily, withoutCovered } from '../nftables/ranges.ts';
import { isByte, isIn, isInNet, isProtocol } from '../nftables/statements.ts';
import type { CompiledRule, IcmpMatch, IpSetId, SideMatch } from '../policy/types/types.ts';
import type { IpSetView, ViewOfSet } from './live-sets.ts';
import * as names from './names.ts';
import { constantNets, constantPorts, type Part } from './parts.ts';

/** One way to satisfy a clause; `negation` is the one statement that holds when this one does not. */
export interface Alternative {
  readonly statements: readonly Statement[];
  readonly negation?: Statement;
}

export interface Conditions {
  readonly clauses: readonly (readonly Alternative[])[];
  readonly parts: readonly Part[];
}

type End = 'source' | 'destination';
const ENDS: readonly End[] = ['source', 'destination'];

interface Collector {
  readonly clauses: (readonly Alternative[])[];
  readonly parts: Part[];
}

function must(into: Collector, ...statements: readonly Statement[]): void {
  into.clauses.push([{ statements }]);
}

/** None of the alternatives, each of which has a negation. */
function mustNot(into: Collector, alternatives: readonly Alternative[]): void {
  for (const { negation } of alternatives) if (negation !== undefined) must(into, negation);
}

function addressField(end: End, family: Family): Field {
  if (end === 'source') return family === 4 ? 'saddr4' : 'saddr6';
  return family === 4 ? 'daddr4' : 'daddr6';
}

function portField(end: End): 'sport' | 'dport' {
  return end === 'source' ? 'sport' : 'dport';
}

/** False when no address of the family satisfies the ranges, so that the rule cannot match at all. */
function addNets(into: Collector, end: End, family: Family, side: SideMatch, negated: boolean): boolean {
  const all = negated ? side.notNets : side.nets;
  const nets = withoutCovered(ofFamily(all, family));
  const [only] = nets;
  if (only === undefined) return negated || all.length === 0;
  if (only.prefixLength === 0) return !negated;
  const field = addressField(end, family);
  if (nets.length === 1) {
    must(into, isInNet(field, only, negated));
    return true;
  }
  const part = constantNets(family, nets.map(bytesOfRange));
  into.parts.push(part);
  must(into, isIn([field], part.spec.name, negated));
  return true;
}

function membership(field: Field, set: string): Alternative {
  return { statements: [isIn([field], set)], negation: isIn([field], set, true) };
}

/** The ways to be in the set: as a single address, or in a range. */
function memberships(into: Collector, field: Field, { singles, ranges }: IpSetView): readonly Alternative[] {
  if (ranges === undefined) return [membership(field, singles.name)];
  into.parts.push(ranges);
  return [membership(field, singles.name), membership(field, ranges.spec.name)];
}

function addIpSets(into: Collector, end: End, family: Family, side: SideMatch, viewOf: ViewOfSet): void {
  const field = addressField(end, family);
  for (const id of side.ipSets) into.clauses.push(memberships(into, field, viewOf(id, family)));
  for (const id of side.notIpSets) mustNot(into, memberships(into, field, viewOf(id, family)));
}

/** Undefined for no ports. */
function numericPorts(into: Collector, end: End, ports: SideMatch['ports']): Alternative | undefined {
  const merged = mergePorts(ports);
  const [only] = merged;
  if (only === undefined) return undefined;
  const field = portField(end);
  if (merged.length === 1) {
    const [first, last] = [bytesOfU16(only.min), bytesOfU16(only.max)];
    const range = (negated: boolean): Statement =>
      only.min === only.max
        ? { kind: 'compare', field, negated, value: first }
        : { kind: 'range', field, negated, first, last };
    return { statements: [range(false)], negation: range(true) };
  }
  const part = constantPorts(merged.map(bytesOfPorts));
  into.parts.push(part);
  return membership(field, part.spec.name);
}

function namedPort(end: End, family: Family, id: IpSetId): Alternative {
  const fields: readonly Field[] = [addressField(end, family), 'l4proto', portField(end)];
  const name = names.ipSetName(id, 'port', family);
  return { statements: [isIn(fields, name)], negation: isIn(fields, name, true) };
}

function addPorts(into: Collector, end: End, family: Family, side: SideMatch): void {
  const numeric = numericPorts(into, end, side.ports);
  const alternatives = [
    ...(numeric === undefined ? [] : [numeric]),
    ...side.portSets.map((id) => namedPort(end, family, id)),
  ];
  if (alternatives.length > 0) into.clauses.push(alternatives);
}

function addNotPorts(into: Collector, end: End, family: Family, side: SideMatch): void {
  const numeric = numericPorts(into, end, side.notPorts);
  if (numeric !== undefined) mustNot(into, [numeric]);
  mustNot(
    into,
    side.notPortSets.map((id) => namedPort(end, family, id)),
  );
}

function usesPorts(side: SideMatch): boolean {
  return side.ports.length + side.portSets.length + side.notPorts.length + side.notPortSets.length > 0;
}

function addProtocol(into: Collector, rule: CompiledRule): void {
  if (rule.protocol !== undefined) must(into, isProtocol(rule.protocol));
  if (rule.notProtocol !== undefined) must(into, isProtocol(rule.notProtocol, true));
  const ports = usesPorts(rule.source) || usesPorts(rule.destination);
  if (ports && rule.protocol === undefined) must(into, isIn(['l4proto'], names.PORT_PROTOCOLS_SET));
}

function icmpFields(family: Family): readonly [type: Field, code: Field] {
  return family === 4 ? ['icmp-type', 'icmp-code'] : ['icmpv6-type', 'icmpv6-code'];
}

function isNotIcmp(family: Family, icmp: IcmpMatch): Statement {
  if (icmp.code === undefined) return isByte(icmpFields(family)[0], icmp.type, true);
  return { kind: 'compare', field: 'icmp-type-code', negated: true, value: bytesOfU16(icmp.type * 256 + icmp.code) };
}

/** False when a packet of the family and the rule's protocol never is what the rule wants. */
function addIcmp(into: Collector, family: Family, rule: CompiledRule): boolean {
  const protocol = family === 4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6;
  const [type, code] = icmpFields(family);
  const isOther = rule.protocol !== undefined && rule.protocol !== protocol;
  if (rule.icmp !== undefined) {
    if (isOther) return false;
    if (rule.protocol === undefined) must(into, isProtocol(protocol));
    must(into, isByte(type, rule.icmp.type), ...(rule.icmp.code === undefined ? [] : [isByte(code, rule.icmp.code)]));
  }
  if (rule.notIcmp !== undefined && !isOther) {
    const isNot = isNotIcmp(family, rule.notIcmp);
    if (rule.protocol === protocol || rule.icmp !== undefined) must(into, isNot);
    else
      into.clauses.push([{ statements: [isProtocol(protocol, true)] }, { statements: [isProtocol(protocol), isNot] }]);
  }
  return true;
}

/** The rule's conditions for packets of a family; undefined when none of them can match. */
export function computeConditions(rule: CompiledRule, family: Family, viewOf: ViewOfSet): Conditions | undefined {
  if (rule.family !== undefined && rule.family !== family) return undefined;
  const into: Collector = { clauses: [], parts: [] };
  addProtocol(into, rule);
  if (!addIcmp(into, family, rule)) return undefined;
  for (const end of ENDS) {
    const side = rule[end];
    if (!addNets(into, end, family, side, false) || !addNets(into, end, family, side, true)) return undefined;
    addIpSets(into, end, family, side, viewOf);
  }
  for (const end of ENDS) addPorts(into, end, family, rule[end]); // side by side, as they are in the packet
  for (const end of ENDS) addNotPorts(into, end, family, rule[end]);
  return { clauses: into.clauses, parts: into.parts };
}

/** Whether the rule reads differently for IPv4 and IPv6 packets. */
export function dependsOnFamily(rule: CompiledRule): boolean {
  const bySide = (side: SideMatch): number =>
    side.nets.length +
    side.notNets.length +
    side.ipSets.length +
    side.notIpSets.length +
    side.portSets.length +
    side.notPortSets.length;
  return (
    rule.family !== undefined ||
    rule.icmp !== undefined ||
    rule.notIcmp !== undefined ||
    bySide(rule.source) + bySide(rule.destination) > 0
  );
}
