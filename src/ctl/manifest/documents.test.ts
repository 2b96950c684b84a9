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
  ['words in quotes', 'a: "yes"\n"n": 1:30\n', [{ a: 'yes', n: '1:30' }]],
  [
    'words that only look special',
    'a: a!b && !c\nb: x&y\nc: 2026-11-23\nd: nope\n',
    [{ a: 'a!b && !c', b: 'x&y', c: '2026-11-23', d: 'nope' }],
  ],
  ['tags that change nothing', 'a: !!str 5\nb: !!map {c: !!int 5}\n', [{ a: '5', b: { c: 5 } }]],
  [
    'exact numbers',
    'a: 0.1\nb: 9007199254740991\nc: 0x1c\nd: 1.50\ne: 1e3\nf: -0.25\n',
    [{ a: 0.1, b: 9007199254740991, c: 28, d: 1.5, e: 1000, f: -0.25 }],
  ],
  ['numbers as keys', '5: a\ntrue: b\n', [{ 5: 'a', true: 'b' }]],
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
  ['brackets without end', `a: ${'['.repeat(200_000)}`, 'x:1:104: nested too deeply, wanted at most 100 levels'],
  ['deep JSON', `${'{"a":'.repeat(200_000)}1`, 'x:1:501: nested too deeply'],
  ['deep lists', `${'- '.repeat(200_000)}1`, 'x:1:203: nested too deeply'],
  ['deep keys', `${'? '.repeat(200_000)}1`, 'x:1:203: nested too deeply'],
  [
    'deep blocks',
    Array.from({ length: 150 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'),
    'x:101:101: nested too deeply',
  ],
  [
    'a selector that begins with !',
    'a:\n  b: !has(c) && has(d)\n',
    'x:2:6: found the tag !has(c), wanted a value; if it is meant as text, put it in quotes',
  ],
  ['a selector of ! alone', 'a: !has(c)\n', 'x:1:4: found the tag !has(c)'],
  ['a ! before a blank', 'a: ! has(c)\n', 'x:1:4: found the tag !'],
  ['a ! in a list', 'a: [b, !c]\n', 'x:1:8: found the tag !c'],
  ['a tag of a map', 'a: !x {b: 1}\n', 'x:1:4: found the tag !x'],
  ['a tag of a key', '!x a: 1\n', 'x:1:1: found the tag !x'],
  ['bytes', 'a: !!binary aGk=\n', 'x:1:4: found the tag tag:yaml.org,2002:binary'],
  ['an anchor for nobody', 'a: && has(b)\n', 'x:1:4: found the anchor &&, which no alias names'],
  ['a truth of old YAML', 'a: 1\nb: yes\n', 'x:2:4: found yes, which is text or a truth to different programs'],
  ['a key of old YAML', 'a: {y: 1}\n', 'x:1:5: found y, which is text or a truth'],
  ['infinity', 'a: .inf\n', 'x:1:4: found .inf, which no stored number holds exactly'],
  ['no number', 'a: -1\nb: .NaN\n', 'x:2:4: found .NaN, which no'],
  ['a number beyond all', 'a: 1e400\n', 'x:1:4: found 1e400, which no'],
  ['a number that vanishes', 'a: 1e-400\n', 'x:1:4: found 1e-400, which no'],
  ['a number that loses a digit', 'a: 9007199254740993\n', 'x:1:4: found 9007199254740993, which no'],
  ['the same in JSON', '{"a": 12345678901234567890}', 'x:1:7: found 12345678901234567890, which no'],
  ['a fraction that loses digits', 'a: 123456789.123456789123\n', 'x:1:4: found 123456789.123456789123, which no'],
  ['a sign before hexadecimal digits', 'a: -0x1c\n', 'x:1:4: found -0x1c, which programs read differently'],
  ['a key that is not as written', '0x1c: a\n', 'x:1:1: found the key 0x1c, wanted a text; put it in quotes'],
  ['a key of nothing', '~: a\n', 'x:1:1: found the key ~, wanted a text'],
  ['a list as key', '[a, b]: c\n', 'x:1:1: found a key that is no word'],
  ['keys that become one', '1: a\n"1": b\n', 'x:2:1: Map keys must be unique: 1'],
  ['a name twice in JSON', '{"a": 1, "a": 2}', 'x:1:10: Map keys must be unique'],
  ['an open quote', 'a: 1\n---\nb: "\n', 'x:4:1: '],
  ['a tab', 'a:\n\tb: 1\n', 'x:2:1: '],
  [
    'an alias bomb',
    `a: &a [1,1,1,1,1,1,1,1,1]\n${'bcdefg'
      .split('')
      .map((name, i) => `${name}: &${name} [${Array(9).fill(`*${'abcdef'[i]}`).join(',')}]`)
      .join('\n')}\n`,
    'x:1:1: its aliases stand for more than a document can hold',
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
  for (const [at, line, column] of places) expect([at, document?.positionOf(at)]).toEqual([at, { line, column }]);
});

test('the places of many mistakes cost one reading of the text', () => {
  const text = `items:\n${Array.from({ length: 2_000 }, (_, index) => `  - {name: n${index}, "kind": X}\n`).join('')}`;
  const [document] = parseDocuments('many.yaml', text);
  const costOf = (count: number): number => {
    const from = performance.now();
    for (let index = 0; index < count; index++)
      expect(document?.positionOf(['items', index, 'kind'])).toEqual({
        line: index + 2,
        column: `  - {name: n${index}, `.length + 1,
      });
    return performance.now() - from;
  };
  const first = costOf(1);
  expect(costOf(2_000)).toBeLessThan(50 * first);
});
