import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { type Json, MAX_JSON_DEPTH, parseJson, printJson, tryParseJson } from './json.ts';

const read: readonly (readonly [string, Json])[] = [
  ['9007199254740991', 9007199254740991],
  ['9007199254740992', 9007199254740992n],
  ['-9007199254740993', -9007199254740993n],
  ['[1795430000000000001]', [1795430000000000001n]],
  ['{"a":{"b":18446744073709551615}}', { a: { b: 18446744073709551615n } }],
  ['1e20', 1e20],
  ['1.5', 1.5],
  ['"9007199254740993"', '9007199254740993'],
  ['null', null],
];

test.each(read)('%s', (text, value) => {
  expect(parseJson(text)).toEqual(value);
});

test.each(['', '{', '[1,]', "{'a':1}", 'undefined', '01'])('%p is no JSON', (text) => {
  expect(() => parseJson(text)).toThrow(SyntaxError);
  expect(tryParseJson(text)).toBeUndefined();
});

test('an attempt tells null from no JSON, and refuses what lies beyond the bounds', () => {
  expect(tryParseJson('null')).toBeNull();
  expect(tryParseJson('['.repeat(MAX_JSON_DEPTH + 1))).toBeUndefined();
  expect(tryParseJson('1'.repeat(100))).toBeUndefined();
});

test.each([
  ['[', ']', 1],
  ['{"a":', '}', 1],
  ['[ {"[\\"[\\\\": ', '}]', 2],
])('%s…%s nests as deep as it may and no deeper, closed or not', (open, close, perRound) => {
  const text = (rounds: number): string => `${open.repeat(rounds)}0${close.repeat(rounds)}`;
  const most = MAX_JSON_DEPTH / perRound;
  expect(() => parseJson(text(most))).not.toThrow();
  for (const rounds of [most + 1, 200_000]) {
    const refusal = new RangeError('is nested deeper than 500 levels');
    expect(() => parseJson(text(rounds))).toThrow(refusal);
    expect(() => parseJson(open.repeat(rounds))).toThrow(refusal);
  }
});

test.each([
  ['brackets in a string', JSON.stringify('[{'.repeat(2000))],
  ['brackets behind quotes and backslashes', JSON.stringify('\\"['.repeat(2000))],
  ['a long list', `[${'[],{},'.repeat(2000)}0]`],
])('%s nest nothing', (_what, text) => {
  expect(parseJson(text)).toEqual(JSON.parse(text));
});

test('an integer too long to be anything is refused before it is computed', () => {
  expect(parseJson('9'.repeat(40))).toBe(10n ** 40n - 1n);
  expect(() => parseJson('9'.repeat(4_000_000))).toThrow('has a number of 4000000 digits, wanted at most 40');
});

test('printed: digits as they are, members in their order, nothing for what is undefined', () => {
  expect(printJson({ b: 1795430000000000001n, a: undefined, c: [1n, '1'] })).toBe(
    '{"b":1795430000000000001,"c":[1,"1"]}',
  );
  expect(printJson({ a: [1] }, 2)).toBe('{\n  "a": [\n    1\n  ]\n}');
});

test('what is printed is read back', () => {
  const big = fc.bigInt({ min: -(1n << 70n), max: 1n << 70n }).filter((value) => !Number.isSafeInteger(Number(value)));
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      big,
      fc.integer(),
      fc.string(),
      fc.boolean(),
      fc.constant(null),
      tie('list'),
      tie('object'),
    ),
    list: fc.array(tie('value'), { maxLength: 4 }),
    object: fc.dictionary(fc.string(), tie('value'), { maxKeys: 4, noNullPrototype: true }),
  }));
  fc.assert(
    fc.property(value, (any) => {
      fc.pre(!JSON.stringify(any, (_key, v) => (typeof v === 'bigint' ? `${v}` : v)).includes('"__proto__"'));
      expect(parseJson(printJson(any))).toEqual(any as Json);
      expect(parseJson(printJson(any, 2))).toEqual(any as Json);
    }),
    { seed: 14, numRuns: 500 },
  );
});
