// Counts go on where a chain is rendered anew: with the rule, wherever it stands now, and with its comment where it has changed.
import { expect, test } from 'bun:test';
import { printRuleKey } from './expression.ts';
import { type CountedRule, keepCounts } from './kept-counts.ts';
import { lowerRule } from './lower.ts';
import type { Batch, Rule } from './nft.ts';
import { printBatch } from './print.ts';
import { accept, counter, isProtocol, rule } from './statements.ts';

const CHAIN = 'rules-ingress-a';
const allowing = (protocol: number, comment?: string): Rule => rule([isProtocol(protocol), counter, accept], comment);
const held = (one: Rule, packets: number): CountedRule => ({
  key: printRuleKey(lowerRule(one), undefined),
  comment: one.comment,
  count: { packets, bytes: packets * 10 },
});

/** What the rules of the batch begin with, in order. */
function keptBy(added: readonly Rule[], before: readonly CountedRule[]): readonly (number | undefined)[] {
  const batch: Batch = [
    { kind: 'flush-chain', chain: CHAIN },
    ...added.map((one) => ({ kind: 'add-rule', chain: CHAIN, rule: one }) as const),
  ];
  return keepCounts(batch, () => before).flatMap((one) => (one.kind === 'add-rule' ? [one.counted?.packets] : []));
}

test('rules that stay keep their counts when others come before them, go, or change places', () => {
  const before = [held(allowing(6, 'rule 0'), 5), held(allowing(17, 'rule 1'), 7)];
  expect(keptBy([allowing(1, 'rule 0'), allowing(6, 'rule 1'), allowing(17, 'rule 2')], before)).toEqual([
    ...[undefined, 5, 7],
  ]);
  expect(keptBy([allowing(17, 'rule 0')], before)).toEqual([7]);
  expect(keptBy([allowing(17, 'rule 0'), allowing(6, 'rule 1')], before)).toEqual([7, 5]);
});

test('a rule that is rendered otherwise keeps the count of its comment, where there are as many as before', () => {
  const before = [held(allowing(6, 'rule 0'), 5), held(allowing(17, 'rule 1'), 7)];
  const split = [allowing(6, 'rule 0'), allowing(1, 'rule 1'), allowing(58, 'rule 1')];
  expect(keptBy(split, before)).toEqual([5, 7, undefined]);
  expect(keptBy([...split, allowing(2, 'rule 2')], before)).toEqual([5, undefined, undefined, undefined]);
});

test('equal rules keep theirs one by one, and a new chain, or one that nothing has met, has none', () => {
  const before = [held(allowing(6, 'rule 0'), 1), held(allowing(6, 'rule 1'), 2)];
  expect(keptBy([allowing(6, 'rule 0'), allowing(6, 'rule 1')], before)).toEqual([1, 2]);
  const none = () => {
    throw new Error('the chain is new');
  };
  const fresh: Batch = [{ kind: 'add-rule', chain: CHAIN, rule: allowing(6) }];
  expect(keepCounts(fresh, none)).toBe(fresh);
  const again: Batch = [{ kind: 'flush-chain', chain: CHAIN }, ...fresh];
  expect(keepCounts(again, () => [held(allowing(6), 0)])).toBe(again);
});

test('as text', () => {
  const batch = keepCounts(
    [
      { kind: 'flush-chain', chain: CHAIN },
      { kind: 'add-rule', chain: CHAIN, rule: allowing(6) },
    ],
    () => [held(allowing(6), 3)],
  );
  expect(printBatch(batch)).toEndWith('meta l4proto 6 counter packets 3 bytes 30 accept\n');
});
