// A chain that is rendered anew goes on with what its rules have counted: each with the count of the same rule before, and what is
// left with that of the rule that had its comment, where the chain has as many comments as before.
import { printRuleKey } from './expression.ts';
import { lowerRule } from './lower.ts';
import type { Batch, Count, Operation } from './nft.ts';

/** A rule of the kernel's that counts. */
export interface CountedRule {
  /** What printRuleKey makes of it without its comment. */
  readonly key: string;
  readonly comment: string | undefined;
  readonly count: Count;
}

type AddRule = Extract<Operation, { kind: 'add-rule' }>;

function counts({ rule }: AddRule): boolean {
  return rule.statements.some(({ kind }) => kind === 'counter');
}

/** Takes the first that has not been taken. */
function createPile(rules: readonly CountedRule[], keyOf: (rule: CountedRule) => string) {
  const piles = Map.groupBy(rules, keyOf);
  return (key: string): CountedRule | undefined => piles.get(key)?.shift();
}

function commentsOf(rules: readonly { readonly comment?: string | undefined }[]): number {
  return new Set(rules.map(({ comment }) => comment)).size;
}

/** The counts of the rules that are added, by their places. */
function countsAfter(added: readonly AddRule[], before: readonly CountedRule[]): ReadonlyMap<AddRule, Count> {
  const kept = new Map<AddRule, Count>();
  const left = new Set(before);
  const keep = (operation: AddRule, former: CountedRule | undefined): void => {
    if (former === undefined) return;
    kept.set(operation, former.count);
    left.delete(former);
  };
  const byContent = createPile(before, ({ key }) => key);
  for (const one of added) keep(one, byContent(printRuleKey(lowerRule(one.rule), undefined)));
  if (commentsOf(before) !== commentsOf(added.map(({ rule }) => rule))) return kept;
  const byComment = createPile([...left], ({ comment }) => comment ?? '');
  for (const one of added) if (!kept.has(one)) keep(one, byComment(one.rule.comment ?? ''));
  return kept;
}

/** The rules with counters that are added to chains which are emptied before. */
function rewritten(batch: Batch): ReadonlyMap<string, readonly AddRule[]> {
  const flushed = new Set(batch.flatMap((one) => (one.kind === 'flush-chain' ? [one.chain] : [])));
  const isOf = (one: Operation): one is AddRule => one.kind === 'add-rule' && flushed.has(one.chain) && counts(one);
  return Map.groupBy(batch.filter(isOf), ({ chain }) => chain);
}

/** `read`: the rules of a chain that count. Chains of which nothing has been counted stay as they are. */
export function keepCounts(batch: Batch, read: (chain: string) => readonly CountedRule[]): Batch {
  const kept = new Map<Operation, Count>();
  for (const [chain, added] of rewritten(batch)) {
    const before = read(chain);
    if (before.every(({ count }) => count.packets === 0)) continue;
    for (const [operation, count] of countsAfter(added, before)) kept.set(operation, count);
  }
  if (kept.size === 0) return batch;
  return batch.map((one) => {
    const counted = kept.get(one);
    return one.kind === 'add-rule' && counted !== undefined ? { ...one, counted } : one;
  });
}
