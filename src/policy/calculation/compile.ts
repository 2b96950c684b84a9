// Rules with selectors to rules with the ids of sets. Of a set that may have unknown members, an Allow counts on the known
// ones alone, and a Deny takes any address for one (fail-closed).
import type { Selector } from '../../selector/selector.ts';
import { SELECT_ALL } from '../../selector/selector.ts';
import type { PortName } from '../index/member-set.ts';
import { ANY_ENTITY, type EntityMatch, type RuleInput } from '../types/input.ts';
import { ANY_SIDE, type CompiledRule, type IpSetId, type LiteralMatch, type SideMatch } from '../types/types.ts';

interface WantedSet {
  readonly id: IpSetId;
  readonly hasUnknown: boolean;
}

/** A set that a rule needs: what a selector matches, or a named port of it. */
export type WantSet = (selector: Selector, port: PortName | undefined) => WantedSet;

interface CompiledSide {
  /** Whether the two differ. */
  readonly hasUnknown: boolean;
  /** What matches whatever the unknown members are; undefined when that is nothing. */
  readonly certain: SideMatch | undefined;
  /** What may match. */
  readonly possible: SideMatch;
}

/** Which list of sets stands for each condition that needs some. */
interface SetLists {
  readonly selector: 'ipSets';
  readonly notSelector: 'notIpSets';
  readonly namedPorts: 'portSets';
  readonly notNamedPorts: 'notPortSets';
}

/** The sets of a side. A condition of EntityMatch that is neither literal nor has a list here does not compile. */
type SideSets = {
  readonly [K in Exclude<keyof EntityMatch, keyof LiteralMatch> as SetLists[K]]: readonly WantedSet[];
};

const NONE: readonly never[] = [];

function idsOf(sets: readonly WantedSet[]): readonly IpSetId[] {
  return sets.length === 0 ? NONE : sets.map((set) => set.id);
}

function anyUnknown(sets: readonly WantedSet[]): boolean {
  return sets.some((set) => set.hasUnknown);
}

/** What a side without conditions becomes, the same for all rules: most have one. */
const COMPILED_ANY: CompiledSide = { hasUnknown: false, certain: ANY_SIDE, possible: ANY_SIDE };

/**
 * Where only named ports are wanted, their set has the selector in it already, so the selector's own set is not needed.
 * Negated ports are those of the endpoints that `selector` matches, too (Calico v3.33, felix/rules/policy.go).
 */
function wantSets(side: EntityMatch, protocol: number | undefined, wantSet: WantSet): SideSets {
  const selector = side.selector ?? SELECT_ALL;
  const named = (names: readonly string[]) =>
    names.length === 0 ? NONE : names.map((name) => wantSet(selector, { name, protocol }));
  const folded = side.namedPorts.length > 0 && side.ports.length === 0;
  return {
    ipSets: side.selector === undefined || folded ? NONE : [wantSet(side.selector, undefined)],
    notIpSets: side.notSelector === undefined ? NONE : [wantSet(side.notSelector, undefined)],
    portSets: named(side.namedPorts),
    notPortSets: named(side.notNamedPorts),
  };
}

/** The conditions with the ids of the sets; those that need no set as they are. */
function matchOf(side: LiteralMatch, sets: SideSets): SideMatch {
  return {
    nets: side.nets,
    notNets: side.notNets,
    ipSets: idsOf(sets.ipSets),
    notIpSets: idsOf(sets.notIpSets),
    ports: side.ports,
    portSets: idsOf(sets.portSets),
    notPorts: side.notPorts,
    notPortSets: idsOf(sets.notPortSets),
  } satisfies Record<keyof LiteralMatch | keyof SideSets, unknown>;
}

function compileSide(side: EntityMatch, protocol: number | undefined, wantSet: WantSet): CompiledSide {
  if (side === ANY_ENTITY) return COMPILED_ANY;
  const sets = wantSets(side, protocol, wantSet);
  const match = matchOf(side, sets);
  const [within, without] = [anyUnknown(sets.ipSets), anyUnknown(sets.notIpSets)];
  const [named, notNamed] = [anyUnknown(sets.portSets), anyUnknown(sets.notPortSets)];
  if (!(within || without || named || notNamed)) return { hasUnknown: false, certain: match, possible: match };
  return {
    hasUnknown: true,
    certain: without || notNamed ? undefined : match,
    possible: {
      ...match,
      ...(within ? { ipSets: [] } : {}),
      ...(named ? { ports: [], portSets: [] } : {}),
    },
  };
}

/** The rule's own conditions with compiled sides. */
function withSides(rule: RuleInput, source: SideMatch, destination: SideMatch): CompiledRule {
  return { ...rule, source, destination };
}

/** A Pass that may match denies what it does not match for certain: the rules behind it were not to see that. */
function closeRule(certain: CompiledRule | undefined, possible: CompiledRule): readonly CompiledRule[] {
  const rules = certain === undefined ? [] : [certain];
  switch (possible.action) {
    case 'allow':
    case 'log':
      return rules;
    case 'deny':
      return [possible];
    case 'pass':
      return [...rules, { ...possible, action: 'deny' }];
  }
}

/**
 * One rule, but where sets have unknown members none, or two. Asks `wantSet` for every set that the rule names, each time in
 * the same order.
 */
export function compileRule(rule: RuleInput, wantSet: WantSet): readonly CompiledRule[] {
  const source = compileSide(rule.source, rule.protocol, wantSet);
  const destination = compileSide(rule.destination, rule.protocol, wantSet);
  const certain = source.certain && destination.certain && withSides(rule, source.certain, destination.certain);
  const hasUnknown = source.hasUnknown || destination.hasUnknown;
  if (!hasUnknown && certain !== undefined) return [certain];
  return closeRule(certain, withSides(rule, source.possible, destination.possible));
}
