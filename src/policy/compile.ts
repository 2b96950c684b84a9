// Rules with selectors to rules with the ids of sets.
import type { Selector } from '../selector/selector.ts';
import { SELECT_ALL } from '../selector/selector.ts';
import type { EntityMatch, RuleInput } from './input.ts';
import type { PortName } from './member-set.ts';
import type { CompiledRule, IpSetId, SideMatch } from './types.ts';

/** A set that a rule needs: what a selector matches, or a named port of it. */
export type WantSet = (selector: Selector, port: PortName | undefined) => IpSetId;

/**
 * Where only named ports are wanted, their set has the selector in it already, so the selector's own set is not needed.
 * Negated ports are those of the endpoints that `selector` matches, too (facts: calico §6.3).
 */
function compileSide(side: EntityMatch, protocol: number | undefined, wantSet: WantSet): SideMatch {
  const selector = side.selector ?? SELECT_ALL;
  const portSets = (names: readonly string[]) => names.map((name) => wantSet(selector, { name, protocol }));
  const folded = side.namedPorts.length > 0 && side.ports.length === 0;
  return {
    nets: side.nets,
    notNets: side.notNets,
    ipSets: side.selector === undefined || folded ? [] : [wantSet(side.selector, undefined)],
    notIpSets: side.notSelector === undefined ? [] : [wantSet(side.notSelector, undefined)],
    ports: side.ports,
    portSets: portSets(side.namedPorts),
    notPorts: side.notPorts,
    notPortSets: portSets(side.notNamedPorts),
  };
}

/** Asks `wantSet` for every set that the rule names, each time in the same order. */
export function compileRule(rule: RuleInput, wantSet: WantSet): CompiledRule {
  return {
    action: rule.action,
    ...(rule.family === undefined ? {} : { family: rule.family }),
    ...(rule.protocol === undefined ? {} : { protocol: rule.protocol }),
    ...(rule.notProtocol === undefined ? {} : { notProtocol: rule.notProtocol }),
    ...(rule.icmp === undefined ? {} : { icmp: rule.icmp }),
    ...(rule.notIcmp === undefined ? {} : { notIcmp: rule.notIcmp }),
    source: compileSide(rule.source, rule.protocol, wantSet),
    destination: compileSide(rule.destination, rule.protocol, wantSet),
    ...(rule.comment === undefined ? {} : { comment: rule.comment }),
  };
}
