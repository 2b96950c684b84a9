import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { parse } from 'yaml';
import { printYaml } from './yaml.ts';

test.each<[unknown, string]>([
  [{ b: 1, a: [1, 'x', { d: true, c: null }], e: {} }, 'a:\n- 1\n- x\n- c: null\n  d: true\nb: 1\ne: {}\n'],
  [{ a: undefined, b: [] }, 'b: []\n'],
  [[[1, [2]], []], '- - 1\n  - - 2\n- []\n'],
  ['', '""\n'],
  ['yes', '"yes"\n'],
  ['n', '"n"\n'],
  ['1:2', '"1:2"\n'],
  ['66:00:00:00:00:01', '"66:00:00:00:00:01"\n'],
  ['65001:100', '65001:100\n'],
  ['10.0.0.0/8', '10.0.0.0/8\n'],
  ['fd00::1/64', 'fd00::1/64\n'],
  ['2026-11-23T11:18:07Z', '"2026-11-23T11:18:07Z"\n'],
  ["a == 'b'", "a == 'b'\n"],
  ['!has(x)', "'!has(x)'\n"],
  ["a: 'b'", "'a: ''b'''\n"],
  ['* ', "'* '\n"],
  ['a\nb\n', '|\n  a\n  b\n'],
  ['a\nb', '|-\n  a\n  b\n'],
  ['a\tb', '"a\\tb"\n'],
])('%j', (value, expected) => {
  expect(printYaml(value)).toBe(expected);
});

test('whatever JSON is printed is read back, by YAML 1.2 and by 1.1', () => {
  const text = fc.oneof(
    fc.string(),
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom(
      'yes',
      '0x1f',
      '1_000',
      '1e3',
      '.5',
      '~',
      '<<',
      '=',
      '- a',
      '-',
      '?',
      '---',
      '...',
      '#',
      'a #b',
      ' a',
      'a\n',
      '\n',
      'a\n\n',
      '\ta',
      '0o7',
      '08',
      '1:60',
      '2001-1-1',
      'a\n b',
    ),
  );
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { depthSize: 'small' },
      text,
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('any'), { maxLength: 4 }),
      fc.dictionary(text, tie('any'), { maxKeys: 4 }),
    ),
  })).any;
  fc.assert(
    fc.property(value, (json) => {
      const printed = printYaml(json);
      expect(parse(printed)).toEqual(json);
      expect(parse(printed, { version: '1.1', merge: false, schema: 'yaml-1.1' })).toEqual(json);
    }),
    { seed: 11, numRuns: 300 },
  );
});
