// What selectors match, as a table: selector, labels that match, labels that do not.
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { formatSelector } from './format.ts';
import { matchSelector, tryMatchSelector } from './match.ts';
import { parseSelector } from './parse.ts';

type LabelRecord = Readonly<Record<string, string>>;

const table: readonly (readonly [text: string, matching: readonly LabelRecord[], others: readonly LabelRecord[]])[] = [
  ['', [{}, { a: 'b' }], []],
  [' \t ', [{}, { a: 'b' }], []],
  ['all()', [{}, { a: 'b' }], []],
  ['global()', [{}, { a: 'b' }], []],
  ['!all()', [], [{}, { a: 'b' }]],
  ["a == 'b'", [{ a: 'b' }, { a: 'b', c: 'd' }], [{}, { a: 'c' }, { b: 'b' }, { A: 'b' }]],
  ["a == ''", [{ a: '' }], [{}, { a: 'b' }]],
  ["a != 'b'", [{}, { a: 'c' }, { b: 'b' }], [{ a: 'b' }]],
  ["!a == 'b'", [{}, { a: 'c' }], [{ a: 'b' }]],
  ["!a != 'b'", [{ a: 'b' }], [{}, { a: 'c' }]],
  ['has(a)', [{ a: 'b' }, { a: '' }], [{}, { b: 'a' }]],
  ['!has(a)', [{}, { b: 'a' }], [{ a: '' }]],
  ['!!has(a)', [{ a: 'b' }], [{}]],
  ['! ! !has(a)', [{}], [{ a: 'b' }]],
  ["a in {'x', 'y'}", [{ a: 'x' }, { a: 'y' }], [{}, { a: 'z' }, { a: 'xy' }]],
  ['a in {}', [], [{}, { a: '' }, { a: 'x' }]],
  ["a in {'x',}", [{ a: 'x' }], [{}, { a: '' }]],
  ["a not in {'x', 'y'}", [{}, { a: 'z' }], [{ a: 'x' }, { a: 'y' }]],
  ['a not in {}', [{}, { a: 'x' }], []],
  ["a notin {'x'}", [{}, { a: 'z' }], [{ a: 'x' }]],
  [`a in {"'", '"', "c"}`, [{ a: "'" }, { a: '"' }, { a: 'c' }], [{ a: 'd' }]],
  ["a contains 'b'", [{ a: 'b' }, { a: 'abc' }], [{}, { a: 'ac' }, { b: 'b' }]],
  ["a contains ''", [{ a: '' }, { a: 'x' }], [{}]],
  ["a starts with 'b'", [{ a: 'b' }, { a: 'bc' }], [{}, { a: 'ab' }]],
  ["a startswith 'b'", [{ a: 'bc' }], [{ a: 'ab' }]],
  ["a ends with 'b'", [{ a: 'b' }, { a: 'ab' }], [{}, { a: 'bc' }]],
  ["a endswith 'b'", [{ a: 'ab' }], [{ a: 'bc' }]],
  ["a == 'b' && c == 'd'", [{ a: 'b', c: 'd' }], [{}, { a: 'b' }, { c: 'd' }, { a: 'b', c: 'x' }]],
  ["a == 'b' || c == 'd'", [{ a: 'b' }, { c: 'd' }, { a: 'b', c: 'd' }], [{}, { a: 'x', c: 'x' }]],
  ['has(a) || has(b) && has(c)', [{ a: '' }, { b: '', c: '' }], [{ b: '' }, { c: '' }]],
  [
    '(has(a) || has(b)) && has(c)',
    [
      { a: '', c: '' },
      { b: '', c: '' },
    ],
    [{ a: '' }, { c: '' }],
  ],
  ['!has(a) && has(b)', [{ b: '' }], [{ a: '', b: '' }, {}]],
  ['!(has(a) && has(b))', [{}, { a: '' }, { b: '' }], [{ a: '', b: '' }]],
  ['!(!has(a) || has(b))', [{ a: '' }], [{}, { a: '', b: '' }, { b: '' }]],
  ["role in {'web', 'db'} && !has(quarantine)", [{ role: 'db' }], [{ role: 'db', quarantine: '' }, {}]],
  ["projectcalico.org/name == 'n1'", [{ 'projectcalico.org/name': 'n1' }], [{}]],
  ['has(toString)', [{ toString: '' }], [{}]],
  ['has(__proto__)', [], [{}]],
  ["constructor != 'x'", [{}], []],
  ["a == 'ä€😀'", [{ a: 'ä€😀' }], [{ a: 'ä' }]],
  // Words that are operators only after a label are labels everywhere else.
  ["in in {'in'}", [{ in: 'in' }], [{}]],
  ["not not in {'not'}", [{}, { not: 'x' }], [{ not: 'not' }]],
  ["contains contains 'c'", [{ contains: 'abc' }], [{}]],
  ["starts starts with 's'", [{ starts: 'st' }], [{}]],
  ["all == 'x'", [{ all: 'x' }], [{}]],
  ["has == 'x' && has(has)", [{ has: 'x' }], [{}]],
  ["global == 'x'", [{ global: 'x' }], [{}]],
];

for (const [text, matching, others] of table) {
  test(`"${text}"`, () => {
    const selector = parseSelector(text);
    const again = parseSelector(formatSelector(selector));
    for (const labels of matching) {
      expect(matchSelector(selector, new Map(Object.entries(labels)))).toBe(true);
      expect(matchSelector(again, new Map(Object.entries(labels)))).toBe(true);
    }
    for (const labels of others) {
      expect(matchSelector(selector, new Map(Object.entries(labels)))).toBe(false);
      expect(matchSelector(again, new Map(Object.entries(labels)))).toBe(false);
    }
  });
}

test('what is known of some labels holds whatever the others are', () => {
  const label = fc.constantFrom('a', 'b', 'c');
  const labels = fc.dictionary(label, fc.constantFrom('x', 'y', 'xy'));
  const selectors = table.map(([text]) => parseSelector(text));
  const mixed = [
    "a == 'x' && b == 'y'",
    "a == 'x' || has(b)",
    "!(a != 'x' && !has(c))",
    "a in {'x'} && !(b ends with 'y' || c == 'x')",
  ].map((text) => parseSelector(text));
  let decided = 0;
  fc.assert(
    fc.property(fc.constantFrom(...selectors, ...mixed), labels, labels, (selector, known, others) => {
      const outcome = tryMatchSelector(selector, new Map(Object.entries(known)));
      if (outcome === undefined) return;
      decided++;
      const all = new Map(Object.entries({ ...others, ...known }));
      expect(matchSelector(selector, all)).toBe(outcome);
    }),
    { seed: 5, numRuns: 2_000 },
  );
  expect(decided).toBeGreaterThan(200);
  const outcomes = mixed.map((selector) => tryMatchSelector(selector, new Map([['a', 'y']])));
  expect(outcomes).toEqual([false, undefined, undefined, false]);
});
