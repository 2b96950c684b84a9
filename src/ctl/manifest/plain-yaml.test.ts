import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { parse } from 'yaml';
import { tryParsePlainYaml } from './plain-yaml.ts';
import { printYaml } from './yaml.ts';

const manifest = `# a policy
---
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata:
  name: web
  labels: {place: lab, "quoted": 'so'}
spec:
  order: 10.5
  doNotTrack: false

  selector: role == 'web' && has(a#b)
  ingress:
  - action: Allow
    source:
      nets:
        - 10.0.0.0/8
        - 10.0.0.1
        - "fd00::/8"
    destination: {ports: [80, "8000:8010", http], nets: []}
  -   action: Log
  egress:
    -
      action: Pass
  types:
`;

test('reads what manifests are mostly written in', () => {
  expect(tryParsePlainYaml(manifest)).toEqual({
    apiVersion: 'projectcalico.org/v3',
    kind: 'GlobalNetworkPolicy',
    metadata: { name: 'web', labels: { place: 'lab', quoted: 'so' } },
    spec: {
      order: 10.5,
      doNotTrack: false,
      selector: "role == 'web' && has(a#b)",
      ingress: [
        {
          action: 'Allow',
          source: { nets: ['10.0.0.0/8', '10.0.0.1', 'fd00::/8'] },
          destination: { ports: [80, '8000:8010', 'http'], nets: [] },
        },
        { action: 'Log' },
      ],
      egress: [{ action: 'Pass' }],
      types: null,
    },
  });
  expect(tryParsePlainYaml(manifest)).toEqual(parse(manifest));
});

const NOT_PLAIN = [
  '',
  'word',
  '- a',
  'a: 1\na: 2',
  '__proto__: 1',
  '{"__proto__": 1}',
  'a: {__proto__: 1}',
  'a: &x 1\nb: *x',
  'a: |\n  text',
  'a: >\n  text',
  'a: "es\\n"',
  "a: 'it''s'",
  'a: word\n  more',
  'a: 1 # why',
  'a: ~',
  'a: null',
  'a: NULL',
  'a: True',
  'a: 0x10',
  'a: 0o17',
  'a: 017',
  'a: 1e3',
  'a: .inf',
  'a: -.NaN',
  'a: +1',
  'a: 123456789012345678',
  'a: ! x',
  'a: [1, 2',
  'a: [1,\n 2]',
  'a: [1,]',
  'a: {b}',
  'a: {b:c}',
  'a: b: c',
  'a:\tb',
  '? a\n: b',
  '<<: {a: 1}',
  'null: 1',
  '1: a',
  'a: 1\r\n',
  'a: 1\n...\n',
  '%YAML 1.1\n---\na: yes',
  '--- a: 1',
  'a: 1\n---\nb: 2',
  'a:\n    b: 1\n  c: 2',
  'a:\n  - 1\n - 2',
];

test('leaves alone what is not plain', () => {
  expect(NOT_PLAIN.filter((text) => tryParsePlainYaml(text) !== undefined)).toEqual([]);
});

const plainScalar = fc.oneof(
  fc.constantFrom(
    'a',
    'a: b',
    'a #b',
    '- a',
    '-',
    '',
    ' a',
    'true',
    'yes',
    'null',
    '10.0.0.0/8',
    '1.5',
    '1.2.3',
    '::1',
    "it's",
    'é',
    'x\ny',
    '0x1',
    '12e3',
    '=',
    '~',
  ),
  fc.string({ maxLength: 8 }),
);
const value = fc.letrec((tie) => ({
  node: fc.oneof(
    { maxDepth: 3, depthIdentifier: 'depth' },
    plainScalar,
    fc.integer(),
    fc.boolean(),
    fc.array(tie('node'), { maxLength: 3, depthIdentifier: 'depth' }),
    fc.dictionary(fc.stringMatching(/^[A-Za-z_][\w./-]{0,8}$/), tie('node'), { maxKeys: 4, depthIdentifier: 'depth' }),
  ),
})).node;

/** What the full parser says; undefined for an error. */
function tryParseFully(text: string): unknown {
  try {
    return parse(text, { logLevel: 'silent' });
  } catch {
    return undefined;
  }
}

test('is what the full parser says, for printed values', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom('a', 'b', 'c/d'), value, { minKeys: 1 }), (members) => {
      const text = printYaml(members);
      const plain = tryParsePlainYaml(text);
      if (plain !== undefined) expect(plain).toEqual(tryParseFully(text) as object);
    }),
    { seed: 11, numRuns: 1_000 },
  );
});

const PIECES = [
  '',
  ' ',
  '  ',
  '\n',
  '-',
  '- ',
  ': ',
  ':',
  '#',
  ' #',
  '"',
  "'",
  '[',
  ']',
  '{',
  '}',
  ',',
  '0',
  '1.5',
  '~',
  'null',
  '*a',
  '&a ',
  '|',
  '>',
  '!',
  '? ',
  '\n  ',
  '\n- ',
  '%',
  'e5',
  '0x1f',
  '=',
  '<<: ',
  '\\',
  '@',
  '`',
  '\n...\n',
  '\n---\n',
  '_',
  '.5',
  '5.',
  '.inf',
];
const edit = fc.record({ at: fc.nat(manifest.length), length: fc.nat(3), piece: fc.constantFrom(...PIECES) });

test('is what the full parser says, for edited manifests', () => {
  let read = 0;
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 3 }), (edits) => {
      const text = edits.reduce(
        (before, { at, length, piece }) => before.slice(0, at) + piece + before.slice(at + length),
        manifest,
      );
      const plain = tryParsePlainYaml(text);
      if (plain === undefined) return;
      read += 1;
      expect(plain).toEqual(tryParseFully(text) as object);
    }),
    { seed: 12, numRuns: 1_500 },
  );
  expect(read).toBeGreaterThan(200);
});
