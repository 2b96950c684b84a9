import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { sameContent } from './equal.ts';

test('content', () => {
  const table: readonly (readonly [a: unknown, b: unknown, same: boolean])[] = [
    [1, 1, true],
    [1, 1n, false],
    [NaN, NaN, true],
    ['a', 'b', false],
    [undefined, null, false],
    [null, {}, false],
    [[], [], true],
    [[], {}, false],
    [{}, [], false],
    [[1, [2n]], [1, [2n]], true],
    [[1, 2], [2, 1], false],
    [[1], [1, 2], false],
    [new Set(['a']), new Set(['a']), true],
    [new Set(['a']), new Set(['b']), false],
    [new Set(['a']), ['a'], false],
    [{}, new Set(), false],
    [{ a: 1, b: { c: 'x' } }, { b: { c: 'x' }, a: 1 }, true],
    [{ a: 1 }, { a: 2 }, false],
    [{ a: 1 }, { b: 1 }, false],
    [{ a: undefined }, {}, false],
    [{ a: undefined }, { b: undefined }, false],
  ];
  for (const [a, b, same] of table) expect([a, b, sameContent(a, b)]).toEqual([a, b, same]);
});

test('a copy has the same content, and equality goes both ways', () => {
  const value = fc.anything({ withSet: true, withBigInt: true, maxDepth: 3 });
  fc.assert(
    fc.property(value, value, (a, b) => {
      expect(sameContent(a, structuredClone(a))).toBe(true);
      expect(sameContent(a, b)).toBe(sameContent(b, a));
    }),
    { seed: 5, numRuns: 500 },
  );
});
