// The conditions on one side of a rule: ranges, sets and ports of the source or of the destination.
import type { Cidr } from '../net/cidr.ts';
import type { PortRange } from '../net/port.ts';
import { bytesOfU16 } from '../nftables/bytes.ts';
import type { Field, Statement } from '../nftables/nft.ts';
import { bytesOfPorts, bytesOfRange, mergePorts, ofFamily, withoutCovered } from '../nftables/ranges.ts';
import { isIn, isInNet } from '../nftables/statements.ts';
import type { CompiledRule, IpSetId, SideMatch } from '../policy/types/types.ts';
import { type Alternative, type Clause, type Clauses, type Condition, type Context, must, mustNot } from './clause.ts';
import * as names from './names.ts';
import { constantNets, constantPorts } from './parts.ts';

type End = 'source' | 'destination';
const ENDS: readonly End[] = ['source', 'destination'];

/** One end of the packet. */
interface EndContext extends Context {
  readonly end: End;
}

function addressField({ end, family }: EndContext): Field {
  if (end === 'source') return family === 4 ? 'saddr4' : 'saddr6';
  return family === 4 ? 'daddr4' : 'daddr6';
}

function portField({ end }: EndContext): 'sport' | 'dport' {
  return end === 'source' ? 'sport' : 'dport';
}

function isMember(fields: readonly Field[], set: string): Required<Alternative> {
  return { statements: [isIn(fields, set)], negation: isIn(fields, set, true) };
}

/** Ranges of one family that do not cover one another, at least one; `negated`: the address is in none of them. */
function netsClause(nets: readonly [Cidr, ...Cidr[]], negated: boolean, context: EndContext): Clause {
  const field = addressField(context);
  if (nets.length === 1) return must(isInNet(field, nets[0], negated));
  const part = constantNets(context.family, nets.map(bytesOfRange));
  context.parts.push(part);
  return must(isIn([field], part.spec.name, negated));
}

/** Ranges of the other family alone hold no address of this one; one of length 0 holds all. */
function netsClauses(all: readonly Cidr[], negated: boolean, context: EndContext): Clauses {
  const [first, ...others] = withoutCovered(ofFamily(all, context.family));
  if (first === undefined) return negated ? [] : undefined;
  if (first.prefixLength === 0) return negated ? undefined : [];
  return [netsClause([first, ...others], negated, context)];
}

/** The ways to be in the set: as a single address, or in a range; none where it has no member of the family. */
function memberships(id: IpSetId, context: EndContext): readonly Required<Alternative>[] {
  const field = addressField(context);
  const { singles, ranges } = context.viewOf(id, context.family);
  if (ranges !== undefined) context.parts.push(ranges);
  return [singles, ranges?.spec].flatMap((set) => (set === undefined ? [] : [isMember([field], set.name)]));
}

function isPort({ min, max }: PortRange, context: EndContext): Required<Alternative> {
  const field = portField(context);
  const [first, last] = [bytesOfU16(min), bytesOfU16(max)];
  const range = (negated: boolean): Statement =>
    min === max ? { kind: 'compare', field, negated, value: first } : { kind: 'range', field, negated, first, last };
  return { statements: [range(false)], negation: range(true) };
}

function isInPorts(merged: readonly PortRange[], context: EndContext): Required<Alternative> {
  const part = constantPorts(merged.map(bytesOfPorts));
  context.parts.push(part);
  return isMember([portField(context)], part.spec.name);
}

/** At least one range. */
function hasPort(ports: readonly PortRange[], context: EndContext): Required<Alternative> {
  const merged = mergePorts(ports);
  const [only] = merged;
  return only !== undefined && merged.length === 1 ? isPort(only, context) : isInPorts(merged, context);
}

/** nft reads two comparisons that are side by side in the packet as one, even of what must not be: a set keeps them apart. */
function isExcludedPort(ports: readonly PortRange[], context: EndContext): Required<Alternative> {
  const { source, destination } = context.rule;
  const besides = context.end === 'destination' && source.notPorts.length > 0 && destination.notPorts.length > 0;
  return besides ? isInPorts(mergePorts(ports), context) : hasPort(ports, context);
}

function hasNamedPort(id: IpSetId, context: EndContext): readonly Required<Alternative>[] {
  const { singles } = context.viewOf(id, context.family);
  const fields = [addressField(context), 'l4proto', portField(context)] as const;
  return singles === undefined ? [] : [isMember(fields, singles.name)];
}

/** Addresses of both ends are asked before ports, and the ports of both ends side by side, as they are in the packet. */
type Stage = 'address' | 'port' | 'not-port';
const STAGES: readonly Stage[] = ['address', 'port', 'not-port'];

interface SideCondition<T> extends Condition<T, EndContext> {
  readonly stage: Stage;
}

/** Every condition, in the order in which a stage asks them; each is read when its list is not empty. */
const conditions: { readonly [K in keyof SideMatch]: SideCondition<SideMatch[K]> } = {
  nets: { stage: 'address', perFamily: true, clauses: (nets, context) => netsClauses(nets, false, context) },
  notNets: { stage: 'address', perFamily: true, clauses: (nets, context) => netsClauses(nets, true, context) },
  ipSets: {
    stage: 'address',
    perFamily: true,
    clauses: (ids, context) => ids.map((id) => memberships(id, context)),
  },
  notIpSets: {
    stage: 'address',
    perFamily: true,
    clauses: (ids, context) => ids.flatMap((id) => mustNot(memberships(id, context))),
  },
  ports: { stage: 'port', perFamily: false, clauses: (ports, context) => [[hasPort(ports, context)]] },
  portSets: {
    stage: 'port',
    perFamily: true,
    clauses: (ids, context) => [ids.flatMap((id) => hasNamedPort(id, context))],
  },
  notPorts: {
    stage: 'not-port',
    perFamily: false,
    clauses: (ports, context) => mustNot([isExcludedPort(ports, context)]),
  },
  notPortSets: {
    stage: 'not-port',
    perFamily: true,
    clauses: (ids, context) => mustNot(ids.flatMap((id) => hasNamedPort(id, context))),
  },
};

const KEYS = Object.keys(conditions) as readonly (keyof SideMatch)[];
const PORT_KEYS = KEYS.filter((key) => conditions[key].stage === 'port');

function clausesOf<K extends keyof SideMatch>(key: K, context: EndContext): Clauses {
  const value = context.rule[context.end][key];
  return value.length === 0 ? [] : conditions[key].clauses(value, context);
}

/** Numeric ports and those of sets are alternatives of one another: one clause. */
function stageClauses(stage: Stage, context: EndContext): Clauses {
  const clauses: Clause[] = [];
  for (const key of KEYS) {
    if (conditions[key].stage !== stage) continue;
    const read = clausesOf(key, context);
    if (read === undefined) return undefined;
    clauses.push(...read);
  }
  return stage === 'port' && clauses.length > 1 ? [clauses.flat()] : clauses;
}

function hasPorts(negated: boolean): Statement {
  return isIn(['l4proto'], names.PORT_PROTOCOLS_SET, negated);
}

/** A packet without ports has none that is excluded; it must not be read for them where the rule names no protocol. */
function exceptPorts(clauses: readonly Clause[], { rule }: Context): readonly Clause[] {
  if (clauses.length === 0 || rule.protocol !== undefined || asksForPorts(rule)) return clauses;
  const excluded = clauses.flatMap((clause) => clause.flatMap(({ statements }) => statements));
  return [[{ statements: [hasPorts(true)] }, { statements: [hasPorts(false), ...excluded] }]];
}

function clausesOfStage(stage: Stage, context: Context): Clauses {
  const each = ENDS.map((end) => stageClauses(stage, { ...context, end }));
  if (!each.every((one) => one !== undefined)) return undefined;
  return stage === 'not-port' ? exceptPorts(each.flat(), context) : each.flat();
}

/** Those of both sides; undefined when no packet of the family satisfies them all. */
export function sideClauses(context: Context): Clauses {
  const each = STAGES.map((stage) => clausesOfStage(stage, context));
  return each.every((one) => one !== undefined) ? each.flat() : undefined;
}

export function sideDependsOnFamily(rule: CompiledRule): boolean {
  return ENDS.some((end) => KEYS.some((key) => rule[end][key].length > 0 && conditions[key].perFamily));
}

/** Whether the rule wants ports of either end, so that packets without ports do not meet it. */
export function asksForPorts(rule: CompiledRule): boolean {
  return ENDS.some((end) => PORT_KEYS.some((key) => rule[end][key].length > 0));
}
