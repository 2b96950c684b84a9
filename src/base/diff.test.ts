import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { computeDiff } from './diff.ts';

test('added, changed and removed, in the order of the maps', () => {
  const before = new Map([
    ['a', 1],
    ['b', 2],
    ['c', 3],
  ]);
  const after = new Map([
    ['d', 4],
    ['c', 33],
    ['b', 2],
  ]);
  expect(computeDiff(before, after)).toEqual({ added: [['d', 4]], changed: [['c', 33]], removed: ['a'] });
});

test('what is equal is the caller’s to say', () => {
  const [before, after] = [new Map([['a', [1]]]), new Map([['a', [1]]])];
  expect(computeDiff(before, after).changed).toEqual([['a', [1]]]);
  expect(computeDiff(before, after, (a, b) => a.join() === b.join()).changed).toEqual([]);
});

test('applied to the first, the difference makes the second; of a map with itself it is empty', () => {
  const map = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd', 'e'), fc.integer({ min: 0, max: 2 }));
  fc.assert(
    fc.property(map, map, (first, second) => {
      const [before, after] = [new Map(Object.entries(first)), new Map(Object.entries(second))];
      const { added, changed, removed } = computeDiff(before, after);
      const made = new Map(before);
      for (const key of removed) made.delete(key);
      for (const [key, value] of [...added, ...changed]) made.set(key, value);
      expect(Object.fromEntries(made)).toEqual(Object.fromEntries(after));
      expect(added.length + changed.length + removed.length).toBeLessThanOrEqual(
        new Set([...before.keys(), ...after.keys()]).size,
      );
      expect(computeDiff(after, after)).toEqual({ added: [], changed: [], removed: [] });
    }),
    { seed: 13, numRuns: 200 },
  );
});
