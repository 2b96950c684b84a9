import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { formatIssue } from '../base/errors.ts';
import { describeValue, formatPath } from './document.ts';
import { parseDocument, parseValue } from './parse.ts';
import { boolean, choice, integer, looseChoice, number, numberChoice, text } from './scalars.ts';
import {
  between,
  computed,
  created,
  filled,
  type Infer,
  list,
  map,
  object,
  optional,
  required,
  type Schema,
  sparse,
} from './schema.ts';
import { MAX_ISSUES, readSchema } from './schema-read.ts';

const inner = object(
  {
    low: required(integer(0, 10), 'Low.'),
    high: optional(integer(0, 10), 'High.'),
  },
  between(['low', 'high'], (value, report) => {
    if (value.high !== undefined && value.high < value.low) report('high', `at least ${value.low}`);
  }),
);

const schema = object({
  name: required(text({ wanted: 'a word', pattern: /^[a-z]+$/, maxLength: 5 }), 'Name.'),
  kind: filled(choice('Big', 'Small'), 'Small', 'Kind.'),
  mood: sparse(looseChoice('Good', 'Bad'), 'Mood.'),
  version: optional(numberChoice(4, 6), 'Version.'),
  on: sparse(boolean, 'On.'),
  exact: optional(boolean, 'Exact.'),
  factor: optional(number, 'Factor.'),
  words: sparse(list(text(), { maxItems: 2, unique: true }), 'Words.'),
  ranges: sparse(list(inner, { minItems: 1 }), 'Ranges.'),
  labels: sparse(map(text({ wanted: 'a key', pattern: /^[a-z]+$/ }), text()), 'Labels.'),
  size: computed(integer(0, 9), (before) => (before.kind === 'Big' ? 9 : 1), '1, or 9', 'Size.'),
  fresh: created(choice('Yes', 'No'), 'Yes', 'Fresh.'),
});

type Value = Infer<typeof schema>;

function read(value: unknown, mode: 'document' | 'stored' = 'document'): Value | readonly string[] {
  const result = readSchema<Value>(schema as Schema<Value>, value, mode);
  return result.kind === 'valid' ? result.value : result.issues.map(formatIssue);
}

test.each<[string, unknown, unknown]>([
  ['least', { name: 'a' }, { name: 'a', kind: 'Small', size: 1, fresh: 'Yes' }],
  [
    'order of the schema, not of the document',
    { fresh: 'No', exact: false, kind: 'Big', name: 'a' },
    { name: 'a', kind: 'Big', exact: false, size: 9, fresh: 'No' },
  ],
  [
    'empty values of sparse fields are left out, those of optional ones are kept',
    { name: 'a', mood: '', on: false, exact: false, words: [], labels: {}, factor: 0 },
    { name: 'a', kind: 'Small', exact: false, factor: 0, size: 1, fresh: 'Yes' },
  ],
  [
    'null is the same as nothing',
    { name: 'a', version: null, kind: null },
    { name: 'a', kind: 'Small', size: 1, fresh: 'Yes' },
  ],
  [
    'a number and a truth are text',
    { name: 'a', labels: { x: true, y: null, z: 5 } },
    { name: 'a', kind: 'Small', labels: { x: 'true', y: '', z: '5' }, size: 1, fresh: 'Yes' },
  ],
  ['an empty text asks for the default', { name: 'a', kind: '' }, { name: 'a', kind: 'Small', size: 1, fresh: 'Yes' }],
  [
    'loose words are stored as they are spelled here',
    { name: 'a', mood: 'gOOD' },
    { name: 'a', kind: 'Small', mood: 'Good', size: 1, fresh: 'Yes' },
  ],
  [
    'members of maps are sorted',
    { name: 'a', labels: { b: '1', a: '2' } },
    { name: 'a', kind: 'Small', labels: { a: '2', b: '1' }, size: 1, fresh: 'Yes' },
  ],
])('reads: %s', (_name, document, expected) => {
  expect(JSON.stringify(read(document))).toBe(JSON.stringify(expected));
});

test.each<[string, unknown, readonly string[]]>([
  ['nothing', undefined, ['document: found nothing, wanted an object']],
  ['a list', [], ['document: found a list of 0, wanted an object']],
  ['a required field', {}, ['name: found nothing, wanted a word']],
  ['an empty required field', { name: '' }, ['name: found "", wanted a word']],
  ['a long text', { name: 'abcdef' }, ['name: found "abcdef", wanted a word']],
  ['a wrong word', { name: 'a', kind: 'big' }, ['kind: found "big", wanted one of Big, Small']],
  ['a wrong number', { name: 'a', version: 5 }, ['version: found 5, wanted one of 4, 6']],
  ['a number as text', { name: 'a', factor: '1' }, ['factor: found "1", wanted a number']],
  ['a list that is none', { name: 'a', words: 'x' }, ['words: found "x", wanted a list']],
  ['a long list', { name: 'a', words: ['a', 'b', 'c'] }, ['words: found 3 items, wanted at most 2']],
  ['an item twice', { name: 'a', words: ['a', 'a'] }, ['words[1]: found "a" a second time, wanted every item once']],
  ['an item that is nothing', { name: 'a', words: ['a', null] }, ['words[1]: found nothing, wanted a text']],
  ['a key', { name: 'a', labels: { 'x.y/z': '1' } }, ['labels["x.y/z"]: found "x.y/z", wanted a key']],
  ['a member', { name: 'a', labels: { x: 1.5 } }, ['labels.x: found 1.5, wanted a text']],
  [
    'a rule between fields',
    { name: 'a', ranges: [{ low: 3, high: 1 }] },
    ['ranges[0].high: found 1, wanted at least 3'],
  ],
  [
    'no rule between fields that are wrong',
    { name: 'a', ranges: [{ low: -1, high: 1 }] },
    ['ranges[0].low: found -1, wanted a whole number from 0 to 10'],
  ],
  [
    'every issue',
    { name: 1, version: 5, on: 'x' },
    ['name: found 1, wanted a word', 'version: found 5, wanted one of 4, 6', 'on: found "x", wanted true or false'],
  ],
  ['a field that is near', { name: 'a', Kind: 'Big' }, ['Kind: found a field that is not known, wanted "kind"']],
  [
    'a field that is unknown',
    { name: 'a', foo: 1 },
    [
      'foo: found a field that is not known, wanted one of name, kind, mood, version, on, exact, factor, words, ranges, labels, size, fresh',
    ],
  ],
  [
    'a field of every object',
    { name: 'a', constructor: 1 },
    [expect.stringContaining('constructor: found a field that is not known')],
  ],
])('refuses: %s', (_name, document, expected) => {
  expect(read(document)).toEqual(expected);
});

/** Rules that read fields of their own, of an object inside and of the items of a list. */
const ruled = object(
  {
    a: required(integer(0, 9), 'A.'),
    b: optional(integer(0, 9), 'B.'),
    inside: optional(object({ c: optional(integer(0, 9), 'C.'), d: optional(text(), 'D.') }), 'Inside.'),
    items: sparse(
      list(object({ e: required(integer(0, 9), 'E.'), f: optional(text(), 'F.') }), { maxItems: 3 }),
      'Items.',
    ),
    word: filled(text(), 'usual', 'Word.'),
  },
  between(['a', 'b'], ({ a, b }, report) => {
    if (b !== undefined && a > b) report('a', `at most b, ${b}`);
  }),
  between(['inside.c'], ({ inside }, report) => {
    if (inside?.c === 0) report('inside.c', 'more');
  }),
  between(['items.e'], ({ items = [] }, report) => {
    for (const [index, { e }] of items.entries()) if (e === 0) report(`items[${index}].e`, 'more', 'too little');
  }),
  between([], (_, report, isPresent) => {
    if (isPresent('b') && isPresent('inside.d')) report('b', 'nothing beside d');
    if (isPresent('word')) report('word', 'nothing');
  }),
);

test.each<[string, unknown, readonly string[]]>([
  ['all is right', { a: 1, b: 2, inside: { c: 1 }, items: [{ e: 1 }] }, []],
  ['a rule that is broken', { a: 3, b: 2 }, ['a: found 3, wanted at most b, 2']],
  [
    'a field that no rule reads',
    { a: 3, b: 2, word: 1.5 },
    ['word: found 1.5, wanted a text', 'a: found 3, wanted at most b, 2', 'word: found 1.5, wanted nothing'],
  ],
  [
    'a field that the rule reads',
    { a: -1, b: 2, inside: { c: 0 } },
    ['a: found -1, wanted a whole number from 0 to 9', 'inside.c: found 0, wanted more'],
  ],
  ['a required field that is missing', { b: 2 }, ['a: found nothing, wanted a whole number from 0 to 9']],
  [
    'another field of the object inside',
    { a: 1, inside: { c: 0, d: 1.5 } },
    ['inside.d: found 1.5, wanted a text', 'inside.c: found 0, wanted more'],
  ],
  ['an object inside that is none', { a: 1, inside: 5 }, ['inside: found 5, wanted an object']],
  [
    'another field of an item',
    { a: 1, items: [{ e: 0, f: 1.5 }, { e: 1 }] },
    ['items[0].f: found 1.5, wanted a text', 'items[0].e: found too little, wanted more'],
  ],
  ['an item that is none', { a: 1, items: [5, { e: 0 }] }, ['items[0]: found 5, wanted an object']],
  [
    'a long list',
    { a: 1, items: [{ e: 10 }, { e: 1 }, { e: 1 }, {}] },
    [
      'items: found 4 items, wanted at most 3',
      'items[0].e: found 10, wanted a whole number from 0 to 9',
      'items[3].e: found nothing, wanted a whole number from 0 to 9',
    ],
  ],
  [
    'what is given wrongly is given',
    { a: 1, b: 'x', inside: { d: 1.5 } },
    [
      'b: found "x", wanted a whole number from 0 to 9',
      'inside.d: found 1.5, wanted a text',
      'b: found "x", wanted nothing beside d',
    ],
  ],
  ['an empty text that asks for the default is not', { a: 1, b: 1, word: '', inside: { d: null } }, []],
])('rules between fields: %s', (_name, value, expected) => {
  const result = readSchema(ruled, value, 'document');
  expect(result.kind === 'valid' ? [] : result.issues.map(formatIssue)).toEqual([...expected]);
});

test('issues beyond a number that people read are counted', () => {
  const words = Array.from({ length: 100_000 }, () => 5);
  const result = readSchema(list(boolean), words, 'document');
  const issues = result.kind === 'valid' ? [] : result.issues.map(formatIssue);
  expect(issues.length).toBe(MAX_ISSUES + 1);
  expect(issues.at(-2)).toBe('[99]: found 5, wanted true or false');
  expect(issues.at(-1)).toBe('document: found 99900 more issues, wanted none');
});

test('a rule does not run on what was counted only', () => {
  const many = object(
    { words: required(list(boolean), 'Words.'), size: required(integer(0, 9), 'Size.') },
    between(['size'], ({ size }, report) => report('size', size.toFixed(1))),
  );
  const result = readSchema(many, { words: Array.from({ length: MAX_ISSUES }, () => 5), size: 'x' }, 'document');
  expect(result.kind === 'valid' ? 0 : result.issues.length).toBe(MAX_ISSUES + 1);
});

test('stored data keeps fields that are not known and gets no defaults of new resources', () => {
  expect(JSON.stringify(read({ later: [1], name: 'a' }, 'stored'))).toBe(
    '{"name":"a","kind":"Small","size":1,"later":[1]}',
  );
});

test('a document that names __proto__ changes nothing else', () => {
  const document: unknown = JSON.parse('{"name":"a","labels":{"__proto__":"x"},"__proto__":{"on":true}}');
  expect(read(document)).toEqual([
    'labels.__proto__: found "__proto__", wanted a key',
    expect.stringContaining('__proto__: found a field that is not known'),
  ]);
});

test.each<[unknown, string]>([
  [undefined, 'nothing'],
  ['x', '"x"'],
  ['x'.repeat(70), `"${'x'.repeat(61)}..."`],
  [[1], 'a list of 1'],
  [{}, 'an object'],
  [1.5, '1.5'],
])('describes %p', (value, expected) => {
  expect(describeValue(value)).toBe(expected);
});

test('paths read like JavaScript', () => {
  expect(formatPath(['spec', 'ingress', 0, 'source', 'a.b/c'])).toBe('spec.ingress[0].source["a.b/c"]');
  expect(formatPath([])).toBe('');
});

test('any JSON value is read or refused, never thrown at; what is read is read again unchanged', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.jsonValue(), fc.record({ name: fc.constant('a'), words: fc.jsonValue(), ranges: fc.jsonValue() })),
      (value) => {
        const first = readSchema<Value>(schema as Schema<Value>, value, 'document');
        if (first.kind === 'invalid') return first.issues.length > 0;
        const second = readSchema<Value>(schema as Schema<Value>, first.value, 'document');
        expect(second).toEqual(first);
        return true;
      },
    ),
    { seed: 7, numRuns: 500 },
  );
});

describe('files and answers', () => {
  const record = object({
    name: text({ pattern: /^[a-z]+$/, wanted: 'a word' }),
    token: optional(text({ secret: true, pattern: /^\S+$/ })),
    hosts: list(text(), { minItems: 1, wanted: 'at least one host' }),
    labels: optional(map(text(), text())),
  });

  test('open leaves out what is not known, closed refuses it', () => {
    const value = { name: 'a', hosts: ['b'], later: 1 };
    expect(parseDocument('f', JSON.stringify(value), record, 'open')).toEqual({ name: 'a', hosts: ['b'] });
    expect(() => parseDocument('f', JSON.stringify(value), record, 'closed')).toThrow(
      'f: later: found a field that is not known, wanted one of name, token, hosts, labels',
    );
  });

  test('neither takes a number for a text, nor puts a map in order', () => {
    const labels = { b: '1', a: '2' };
    const read = parseValue('f', { name: 'a', hosts: ['b'], labels }, record, 'open');
    expect(Object.keys(read.labels ?? {})).toEqual(['b', 'a']);
    expect(() => parseValue('f', { name: 'a', hosts: [7] }, record, 'closed')).toThrow(
      'f: hosts[0]: found 7, wanted a text',
    );
  });

  test('a table of fields that objects share stays one table', () => {
    const fields = { name: required(text(), 'Its name.') };
    expect(object(fields).fields).toBe(object(fields).fields);
  });

  test('no message has a secret in it', () => {
    const json = '{"name":"a","token":"hunter 2","hosts":[]}';
    expect(() => parseDocument('f', json, record, 'closed')).toThrow(
      'f: token: found another value, wanted a text; hosts: found nothing, wanted at least one host',
    );
    expect(() => parseDocument('f', '"hunter2', record, 'closed')).toThrow(/^f: is not JSON$/);
  });

  test('a line names 20 issues and counts the others', () => {
    const lists = list(text());
    expect(() => parseValue('f', Array(30).fill(0), lists, 'open')).toThrow(
      /\[19\]: found 0, wanted a text; and 10 more$/,
    );
  });
});
