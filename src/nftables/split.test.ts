// What nothing leads to yet is sent in parts that fit, in order and complete; what is in force changes at once or not at all.
import { expect, test } from 'bun:test';
import type { Batch, Operation, SetSpec } from './nft.ts';
import { splitBatch } from './split.ts';
import { accept, rule } from './statements.ts';

const set: SetSpec = { name: 's', key: ['ipv4_addr'], interval: false, verdicts: false };
const elements = Array.from({ length: 40 }, (_, index) => [`\0\0\0${String.fromCharCode(index)}`, undefined] as const);
const preparing: Batch = [
  { kind: 'add-set', set },
  ...[1, 2, 3].map((number): Operation => ({ kind: 'add-chain', chain: { name: `c${number}` } })),
  ...[1, 2, 3].map((number): Operation => ({ kind: 'add-rule', chain: `c${number}`, rule: rule([accept]) })),
  { kind: 'add-elements', set, elements },
];

const sizeOf = (batch: Batch): number =>
  batch.reduce((sum, each) => sum + (each.kind === 'add-elements' ? each.elements.length : 1), 0);

test.each([1, 2, 5, 10, 46])('in parts of %d at most it is the same in the same order', (most) => {
  const parts = splitBatch(preparing, (part) => sizeOf(part) <= most);
  for (const part of parts) expect(sizeOf(part)).toBeLessThanOrEqual(most);
  const all = parts.flat();
  expect(all.filter(({ kind }) => kind !== 'add-elements')).toEqual(preparing.slice(0, -1));
  expect(all.flatMap((each) => (each.kind === 'add-elements' ? each.elements : []))).toEqual(elements);
});

const changing: readonly (readonly [string, Operation])[] = [
  ['empties a chain', { kind: 'flush-chain', chain: 'c1' }],
  ['adds to a chain that was there', { kind: 'add-rule', chain: 'old', rule: rule([accept]) }],
  ['fills a set that was there', { kind: 'add-elements', set: { ...set, name: 'old' }, elements }],
  ['hooks a chain', { kind: 'add-chain', chain: { name: 'b', base: { type: 'filter', hook: 'input', priority: 0 } } }],
  ['takes elements away', { kind: 'delete-elements', set, elements }],
];

test.each(changing)('one that %s stays whole', (_what, operation) => {
  const batch = [...preparing, operation];
  expect(splitBatch(batch, () => false)).toEqual([batch]);
});
