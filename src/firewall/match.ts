// The conditions of one policy rule for one address family. Each kind of condition has an entry in a table that is keyed by
// all of them (match-packet.ts, match-side.ts), so that one that is forgotten does not compile.
import type { Family } from '../net/ip.ts';
import { isIn } from '../nftables/statements.ts';
import type { CompiledRule } from '../policy/types/types.ts';
import { type Clause, type Context, must } from './clause.ts';
import { packetClauses, packetDependsOnFamily } from './match-packet.ts';
import { asksForPorts, sideClauses, sideDependsOnFamily } from './match-side.ts';
import * as names from './names.ts';
import type { Part } from './parts.ts';
import type { ViewOfSet } from './set-renderer.ts';

export interface Conditions {
  readonly clauses: readonly Clause[];
  readonly parts: readonly Part[];
}

/** Where a rule with ports names no protocol, packets of one without ports would be read at the wrong place. */
function portProtocols(rule: CompiledRule): readonly Clause[] {
  const isOpen = rule.protocol === undefined && asksForPorts(rule);
  return isOpen ? [must(isIn(['l4proto'], names.PORT_PROTOCOLS_SET))] : [];
}

/** The rule's conditions for packets of a family; undefined when none of them can match. */
export function computeConditions(rule: CompiledRule, family: Family, viewOf: ViewOfSet): Conditions | undefined {
  const context: Context = { rule, family, viewOf, parts: [] };
  const packet = packetClauses(context);
  const sides = packet && sideClauses(context);
  if (packet === undefined || sides === undefined) return undefined;
  const clauses = [...packet, ...portProtocols(rule), ...sides];
  return clauses.every(({ length }) => length > 0) ? { clauses, parts: context.parts } : undefined;
}

/** Whether the rule reads differently for IPv4 and IPv6 packets. */
export function dependsOnFamily(rule: CompiledRule): boolean {
  return packetDependsOnFamily(rule) || sideDependsOnFamily(rule);
}
