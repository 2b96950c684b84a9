// The line diff: right for texts of every kind, shortest, and quick for long ones.
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { formatDiff } from './line-diff.ts';
import { computeLineEdits } from './line-edits.ts';

const lines = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 30 });

function kept(all: readonly string[], gone: Uint8Array): readonly string[] {
  return all.filter((_, index) => gone[index] === 0);
}

/** By the textbook's table. */
function commonLength(a: readonly string[], b: readonly string[]): number {
  let row: readonly number[] = new Array<number>(b.length + 1).fill(0);
  for (const left of a) {
    const next = [0];
    for (const [j, right] of b.entries())
      next.push(left === right ? (row[j] ?? 0) + 1 : Math.max(row[j + 1] ?? 0, next[j] ?? 0));
    row = next;
  }
  return row.at(-1) ?? 0;
}

test('what a line diff keeps is the longest that both lists have', () => {
  fc.assert(
    fc.property(lines, lines, (a, b) => {
      const { removed, added } = computeLineEdits(a, b);
      expect(kept(a, removed)).toEqual([...kept(b, added)]);
      expect(kept(a, removed)).toHaveLength(commonLength(a, b));
    }),
    { numRuns: 2_000 },
  );
});

/** 0, 1, 2 … in an order that has little to do with it. */
function shuffled(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => String((index * 7_919) % count));
}

test('what a line diff keeps of long lists in another order is common to both', () => {
  const [a, b] = [shuffled(10_000), Array.from({ length: 10_000 }, (_, index) => String(index))];
  const { removed, added } = computeLineEdits(a, b);
  expect(kept(a, removed)).toEqual([...kept(b, added)]);
  expect(kept(a, removed).length).toBeGreaterThan(0);
});

test('a line diff of many changed lines asks for no table of their product', () => {
  const [a, b] = [shuffled(50_000), Array.from({ length: 50_000 }, (_, index) => `line ${index}`)];
  expect(computeLineEdits(a, b).added).toHaveLength(50_000);
});

test('a unified diff has three lines around a change and counts from 1', () => {
  const before = '1\n2\n3\n4\n5\n6\n7\n8\n9\n';
  expect(formatDiff(before, before.replace('5', 'five'), 'old', 'new')).toBe(
    '--- old\n+++ new\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n',
  );
  expect(formatDiff('', 'a\n', '/dev/null', 'new')).toBe('--- /dev/null\n+++ new\n@@ -0,0 +1,1 @@\n+a\n');
  expect(formatDiff('a\n', 'a\n', 'old', 'new')).toBe('');
});
