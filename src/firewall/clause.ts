// What a condition of a rule becomes: clauses that must all hold, each by any of its alternatives.
import type { Family } from '../net/ip.ts';
import type { Statement } from '../nftables/nft.ts';
import type { CompiledRule } from '../policy/types/types.ts';
import type { Part } from './parts.ts';
import type { ViewOfSet } from './set-renderer.ts';

/** One way to satisfy a clause; `negation` is the one statement that holds when this one does not. */
export interface Alternative {
  readonly statements: readonly Statement[];
  readonly negation?: Statement;
}

export type Clause = readonly Alternative[];

/** Undefined where no packet of the family satisfies the condition, so that the rule is left out. */
export type Clauses = readonly Clause[] | undefined;

/** The rule that is read, for packets of a family. */
export interface Context {
  readonly rule: CompiledRule;
  readonly family: Family;
  readonly viewOf: ViewOfSet;
  /** Sets that the clauses look into and that must be there before the rule are put here. */
  readonly parts: Part[];
}

/** How one condition of a rule reads where it is set. */
export interface Condition<T, C extends Context> {
  /** Whether it reads differently for IPv4 and IPv6 packets. */
  readonly perFamily: boolean;
  readonly clauses: (value: T, context: C) => Clauses;
}

/** A clause with one way to satisfy it. */
export function must(...statements: readonly Statement[]): Clause {
  return [{ statements }];
}

/** None of the alternatives. */
export function mustNot(alternatives: readonly Required<Alternative>[]): readonly Clause[] {
  return alternatives.map(({ negation }) => must(negation));
}
