import { expect, test } from 'bun:test';
import { parseDocuments } from './documents.ts';

function values(text: string): readonly unknown[] {
  return parseDocuments('x', text).map((document) => document.value);
}

test.each<[string, string, readonly unknown[]]>([
  ['one', 'a: 1\n', [{ a: 1 }]],
  ['two', 'a: 1\n---\nb: 2\n', [{ a: 1 }, { b: 2 }]],
  ['a first marker', '---\na: 1\n--- # end\n', [{ a: 1 }]],
  ['on the line of the marker', '--- {a: 1}\n--- [b]\n', [{ a: 1 }, ['b']]],
  ['markers inside text are text', 'a: |\n  ---\n  b\n', [{ a: '---\nb\n' }]],
  ['Windows lines', 'a: 1\r\n---\r\nb: 2\r\n', [{ a: 1 }, { b: 2 }]],
  ['a directive', '%YAML 1.2\n---\na: 1\n', [{ a: 1 }]],
  ['nothing', '# a\n---\n\n---\n', []],
  ['JSON', '{"a": [1,\n\t2]}', [{ a: [1, 2] }]],
  ['words of old YAML stay words', 'a: yes\nb: n\nc: 1:30\n', [{ a: 'yes', b: 'n', c: '1:30' }]],
  ['aliases', 'a: &x [1]\nb: *x\n', [{ a: [1], b: [1] }]],
  ['merge keys', 'a: &x {b: 1}\nc: {<<: *x, d: 2}\n', [{ a: { b: 1 }, c: { b: 1, d: 2 } }]],
  ['numbers with zeros in quotes', 'a: "0100"\nb: 0\nc: 10.0.0.1\n', [{ a: '0100', b: 0, c: '10.0.0.1' }]],
])('%s', (_name, text, expected) => {
  expect(values(text)).toEqual(expected);
});

test.each<[string, string, string]>([
  ['a name twice', 'a: 1\n---\nb: 1\nb: 2\n', 'x:4:1: Map keys must be unique: b'],
  [
    'a number that is octal to some',
    'a:\n  - 1\n  - 0100\n',
    'x:3:5: found 0100, which programs read differently, wanted a',
  ],
  ['an underscore in a number', 'a: 1_000\n', 'x:1:4: found 1_000, which'],
  ['binary numbers', 'a: 0b11\n', 'x:1:4: found 0b11, which'],
  ['brackets without end', `a: ${'['.repeat(100_000)}`, 'read "x": it is nested too deeply'],
  ['an open quote', 'a: 1\n---\nb: "\n', 'x:4:1: '],
  ['a tab', 'a:\n\tb: 1\n', 'x:2:1: '],
  [
    'an alias bomb',
    `a: &a [1,1,1,1,1,1,1,1,1]\n${'bcdefg'
      .split('')
      .map((name, i) => `${name}: &${name} [${Array(9).fill(`*${'abcdef'[i]}`).join(',')}]`)
      .join('\n')}\n`,
    'read "x": its aliases stand for more than a document can hold',
  ],
])('refuses %s', (_name, text, message) => {
  expect(() => values(text)).toThrow(message);
});

test('places', () => {
  const [, document] = parseDocuments('x', 'a: 1\n---\nspec:\n  list:\n  - name: b\n    "x.y/z": 1\n  - {name: c}\n');
  const places: readonly (readonly [readonly (string | number)[], number, number])[] = [
    [[], 3, 1],
    [['spec'], 3, 1],
    [['spec', 'list', 0, 'name'], 5, 5],
    [['spec', 'list', 0, 'x.y/z'], 6, 5],
    [['spec', 'list', 1, 'name'], 7, 6],
    [['spec', 'list', 1, 'missing'], 7, 5],
    [['nowhere', 'at', 'all'], 3, 1],
  ];
  for (const [at, line, column] of places) expect([at, document?.place(at)]).toEqual([at, { line, column }]);
});
