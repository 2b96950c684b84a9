// Rules with selectors to rules with the ids of sets. A doubtful set may have members that nobody knows: then an Allow
// matches what it surely matches, and a Deny all that it may match.
import type { Selector } from '../../selector/selector.ts';
import { SELECT_ALL } from '../../selector/selector.ts';
import type { PortName } from '../index/member-set.ts';
import { ANY_ENTITY, type EntityMatch, type RuleInput } from '../types/input.ts';
import type { CompiledRule, IpSetId, SideMatch } from '../types/types.ts';

interface WantedSet {
  readonly id: IpSetId;
  readonly doubtful: boolean;
}

/** A set that a rule needs: what a selector matches, or a named port of it. */
export type WantSet = (selector: Selector, port: PortName | undefined) => WantedSet;

interface CompiledSide {
  /** Whether the two differ. */
  readonly doubtful: boolean;
  /** What surely matches; undefined when that is nothing. */
  readonly sure: SideMatch | undefined;
  /** What may match. */
  readonly possible: SideMatch;
}

const NONE: readonly never[] = [];

function idsOf(sets: readonly WantedSet[]): readonly IpSetId[] {
  return sets.length === 0 ? NONE : sets.map((set) => set.id);
}

function anyDoubtful(sets: readonly WantedSet[]): boolean {
  return sets.some((set) => set.doubtful);
}

/** What a side without conditions becomes, the same for all rules: most have one. */
const ANY_SIDE = compileSide(ANY_ENTITY, undefined, () => ({ id: '', doubtful: false }));

/**
 * Where only named ports are wanted, their set has the selector in it already, so the selector's own set is not needed.
 * Negated ports are those of the endpoints that `selector` matches, too (Calico v3.33, felix/rules/policy.go).
 */
function compileSide(side: EntityMatch, protocol: number | undefined, wantSet: WantSet): CompiledSide {
  const selector = side.selector ?? SELECT_ALL;
  const portSets = (names: readonly string[]) =>
    names.length === 0 ? NONE : names.map((name) => wantSet(selector, { name, protocol }));
  const folded = side.namedPorts.length > 0 && side.ports.length === 0;
  const within = side.selector === undefined || folded ? NONE : [wantSet(side.selector, undefined)];
  const without = side.notSelector === undefined ? NONE : [wantSet(side.notSelector, undefined)];
  const named = portSets(side.namedPorts);
  const notNamed = portSets(side.notNamedPorts);
  const match: SideMatch = {
    nets: side.nets,
    notNets: side.notNets,
    ipSets: idsOf(within),
    notIpSets: idsOf(without),
    ports: side.ports,
    portSets: idsOf(named),
    notPorts: side.notPorts,
    notPortSets: idsOf(notNamed),
  };
  const doubtful = anyDoubtful(within) || anyDoubtful(without) || anyDoubtful(named) || anyDoubtful(notNamed);
  if (!doubtful) return { doubtful, sure: match, possible: match };
  return {
    doubtful,
    sure: anyDoubtful(without) || anyDoubtful(notNamed) ? undefined : match,
    possible: {
      ...match,
      ...(anyDoubtful(within) ? { ipSets: [] } : {}),
      ...(anyDoubtful(named) ? { ports: [], portSets: [] } : {}),
    },
  };
}

/** A Pass that may match denies what it does not surely match: the rules behind it were not to see that. */
function closeRule(sure: CompiledRule | undefined, possible: CompiledRule): readonly CompiledRule[] {
  const certain = sure === undefined ? [] : [sure];
  switch (possible.action) {
    case 'allow':
    case 'log':
      return certain;
    case 'deny':
      return [possible];
    case 'pass':
      return [...certain, { ...possible, action: 'deny' }];
  }
}

/**
 * One rule, but where sets are doubtful none, or two. Asks `wantSet` for every set that the rule names, each time in the
 * same order.
 */
export function compileRule(rule: RuleInput, wantSet: WantSet): readonly CompiledRule[] {
  const sideOf = (side: EntityMatch) => (side === ANY_ENTITY ? ANY_SIDE : compileSide(side, rule.protocol, wantSet));
  const source = sideOf(rule.source);
  const destination = sideOf(rule.destination);
  const between = (from: SideMatch, to: SideMatch): CompiledRule => ({
    action: rule.action,
    ...(rule.family === undefined ? {} : { family: rule.family }),
    ...(rule.protocol === undefined ? {} : { protocol: rule.protocol }),
    ...(rule.notProtocol === undefined ? {} : { notProtocol: rule.notProtocol }),
    ...(rule.icmp === undefined ? {} : { icmp: rule.icmp }),
    ...(rule.notIcmp === undefined ? {} : { notIcmp: rule.notIcmp }),
    source: from,
    destination: to,
    ...(rule.comment === undefined ? {} : { comment: rule.comment }),
  });
  const sure = source.sure && destination.sure && between(source.sure, destination.sure);
  const doubtful = source.doubtful || destination.doubtful;
  if (!doubtful && sure !== undefined) return [sure];
  return closeRule(sure, between(source.possible, destination.possible));
}
