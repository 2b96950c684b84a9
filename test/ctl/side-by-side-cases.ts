// Documents for both programs: those of documents/, and from each of these, one for every field and every value that
// its rule may accept or refuse.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { findKind } from '../../src/model/kinds.ts';
import { formatPath, membersOf } from '../../src/schema/document.ts';
import type { Plain, ScalarShape, Shape } from '../../src/schema/schema.ts';

export interface Case {
  /** `IPPool/pool-v4 spec.blockSize=19`. */
  readonly id: string;
  readonly kind: string;
  readonly document: Plain;
}

type Path = readonly (string | number)[];

const FOLDER = join(import.meta.dir, 'documents');
/** Policies first: rules of scalars meet all their values where no other field stands in the way. */
const FILES = ['policy.yaml', 'network.yaml', 'bgp.yaml', 'felix.yaml'];

/** The documents that every kind's cases start from, in this order. */
export function readBaseDocuments(): readonly Case[] {
  return FILES.flatMap((file) =>
    parseAllDocuments(readFileSync(join(FOLDER, file), 'utf8')).map((parsed): Case => {
      const document = parsed.toJS() as { readonly kind: string; readonly metadata: { readonly name: string } };
      return { id: `${document.kind}/${document.metadata.name}`, kind: document.kind, document: document as never };
    }),
  );
}

/** What a scalar is tried with wherever it stands. */
const ANYWHERE: readonly Plain[] = [null, '', 5, {}];
/** What each rule is tried with besides. */
const ONCE: readonly Plain[] = ['x', 0, 1, -1, 1.5, true, [], '5', 'true'];

/** Texts and numbers that the rules of texts, ports, numbers with names and the like tell apart; each meets all once. */
const TELLING: readonly Plain[] = [
  ...[
    'A',
    'a.b',
    'a..b',
    'a_b',
    '-a',
    'a/b',
    'UPPER/low',
    'a b',
    '*',
    'eth*',
    'x'.repeat(15),
    'x'.repeat(16),
    'x'.repeat(300),
  ],
  ...[
    '10.0.0.0/8',
    '10.0.0.1/8',
    '10.0.0.1',
    '10.0.0.1/32',
    '010.0.0.1',
    '10.0.0',
    '0.0.0.0/0',
    '256.0.0.1',
    '10.0.0.0/33',
    '10.0.0.0/08',
  ],
  ...[
    'fd00::/64',
    'fd00::1/64',
    'fd00::1',
    'FD00::1',
    '::/0',
    '::ffff:10.0.0.1',
    'fd00::1%eth0',
    '[fd00::1]:179',
    '10.0.0.1:179',
    '10.0.0.1:0',
  ],
  ...['all()', 'has(x)', 'has(', 'global()', '!global()', "a == 'b' && c in {'d'}", "a == 'b' extra", 'a == b'],
  ...['90s', '1m30s', '90', '-1s', '0', '0s', '1.5h', '1d', '9223372036854775807ns', 'Auto'],
  ...['80', '65535', '65536', '8000:8010', '10:1', '80:', ' 80', '+80', '8e1', '0x50', 'http', 'http-1'],
  ...[
    'TCP',
    'tcp',
    'Icmpv6',
    'icmpv6',
    'UDPLite',
    'GRE',
    '17',
    '256',
    '1.5',
    '1.65536',
    '65536.1',
    '4294967295',
    '4294967296',
  ],
  ...[
    'EF',
    'ef',
    'AF11',
    'AF44',
    'CS7',
    '63',
    '64',
    '65001:100',
    '65536:1',
    '1:2:3',
    '1:2:4294967296',
    '01:2',
    '10/second',
    '0/second',
  ],
  ...[
    '66:cf:5c:51:16:a4',
    '66-cf-5c-51-16-a4',
    '66cf.5c51.16a4',
    '^(eth|en).*',
    '(',
    '[a-',
    '/re/',
    '2026-11-23T11:18:07Z',
    '2026-11-23',
  ],
  ...[6, 17, 63, 64, 179, 255, 256, 65535, 65536, 2147483647, 4294967295, 4294967296],
];

function bounds({ minimum, maximum }: { readonly [name: string]: Plain }): readonly Plain[] {
  const at = (value: Plain | undefined, by: number) => (typeof value === 'number' ? [value, value + by] : []);
  return [...at(minimum, -1), ...at(maximum, 1)];
}

function words({ enum: known }: { readonly [name: string]: Plain }): readonly Plain[] {
  if (!Array.isArray(known)) return [];
  const last: Plain = known.at(-1) ?? null;
  return [...known, ...(typeof last === 'string' ? [last.toLowerCase(), `${last}x`] : [])];
}

/** Whether a scalar's rule is more than a type, a list of words or bounds. */
function tells({ json }: ScalarShape): boolean {
  return json.enum === undefined && json.type !== 'boolean' && json.type !== 'integer';
}

function valuesForScalar(shape: ScalarShape, seen: Set<unknown>): readonly Plain[] {
  const rule = JSON.stringify([shape.wanted, shape.json]);
  const known = seen.has(rule);
  seen.add(rule);
  const own = [...words(shape.json), ...bounds(shape.json)];
  if (known) return [...ANYWHERE, ...own];
  return [...ANYWHERE, ...own, ...ONCE, ...(tells(shape) ? TELLING : [])];
}

function distinct(values: readonly Plain[]): readonly Plain[] {
  return [...new Map(values.map((value) => [JSON.stringify(value), value])).values()];
}

/** With the value at the path; objects and lists on the way are made. */
function withValue(document: Plain, [first, ...rest]: Path, value: Plain): Plain {
  if (first === undefined) return value;
  if (typeof first === 'number') {
    const items = Array.isArray(document) ? [...document] : [];
    items[first] = withValue(items[first] ?? null, rest, value);
    return items;
  }
  const members = (membersOf(document) ?? {}) as { readonly [name: string]: Plain };
  return { ...members, [first]: withValue(members[first] ?? null, rest, value) };
}

function valueAt(document: Plain, path: Path): Plain | undefined {
  let value: Plain | undefined = document;
  for (const part of path) {
    if (typeof part === 'number') value = Array.isArray(value) ? (value as readonly Plain[])[part] : undefined;
    else value = membersOf(value)?.[part] as Plain | undefined;
  }
  return value;
}

/** What a place is tried with; `seen` holds the rules that have met all their values. */
function valuesFor(shape: Shape, standing: Plain | undefined, seen: Set<unknown>): readonly Plain[] {
  switch (shape.shape) {
    case 'scalar':
      return valuesForScalar(shape, seen);
    case 'list': {
      const [first = null] = Array.isArray(standing) ? standing : [];
      const { maxItems } = shape;
      const most =
        Number.isFinite(maxItems) && maxItems <= 50
          ? [Array(maxItems).fill(first), Array(maxItems + 1).fill(first)]
          : [];
      return [null, '', [], {}, [null], [first, first], ...most];
    }
    case 'map':
      return [
        null,
        '',
        [],
        {},
        { a: 'b' },
        { 'a b': 'b' },
        { 'A.b/c': 'd' },
        { a: 'b c' },
        { a: 5 },
        { a: 1.5 },
        { a: null },
      ];
    case 'object':
      return [null, '', [], {}, { ...(membersOf(standing) ?? {}), unheardOf: 1 } as Plain];
  }
}

/** Every place in a document that a shape describes; an object with fields that were seen elsewhere is not entered again. */
function* places(shape: Shape, path: Path, seen: Set<unknown>): Generator<readonly [Path, Shape]> {
  yield [path, shape];
  if (shape.shape === 'list') yield* places(shape.item, [...path, 0], seen);
  if (shape.shape !== 'object' || seen.has(shape.fields)) return;
  seen.add(shape.fields);
  for (const [name, field] of Object.entries(shape.fields)) yield* places(field.schema, [...path, name], seen);
}

/** Values that a field must meet, although its rule has met them elsewhere: what holds between fields, and exceptions. */
const BY_HAND: readonly (readonly [base: string, path: Path, values: readonly Plain[]])[] = [
  ['BGPConfiguration/default', ['spec', 'asNumber'], [0, 4294967295, '1.5']],
  ['BGPConfiguration/default', ['spec', 'ignoredInterfaces', 0], ['e*h', '**', '*', 'eth+', 'x'.repeat(16)]],
  ['BGPConfiguration/default', ['spec', 'nodeMeshMaxRestartTime'], ['0s', '4095s', '4096s', '-1s']],
  ['BGPPeer/router', ['spec', 'keepaliveTime'], ['0s', '500ms', '1s', '21845s', '21846s']],
  ['BGPPeer/router', ['spec', 'maxRestartTime'], ['0s', '4095s', '4096s', '-1s']],
  ['BGPPeer/router', ['spec', 'localASNumber'], [0]],
  ['BGPPeer/router', ['spec', 'peerIP'], ['0.0.0.0', '127.0.0.1', '224.0.0.1', '169.254.1.1']],
  ['Node/host1', ['spec', 'bgp', 'ipv6Address'], ['fe80::1/64', '::1', 'ff02::1']],
  ['FelixConfiguration/default', ['spec', 'netlinkTimeout'], ['1.5s', '1m30s', '100us', '-1s']],
  ['FelixConfiguration/default', ['spec', 'externalNodesList', 0], ['10.0.0.0/8', '::/0']],
  [
    'IPPool/pool-v4',
    ['spec', 'cidr'],
    ['10.0.0.0/8', '10.0.0.1/8', '10.0.0.0/26', '10.0.0.0/28', '169.254.0.0/20', 'fd00::/64', '10.0.0.0'],
  ],
  ['IPPool/pool-v4', ['spec', 'blockSize'], [19, 20, 32, 33]],
  ['IPPool/pool-v6', ['spec', 'cidr'], ['fd00::/64', 'FD00::/64', 'fd00::/122', 'fd00::/123', 'fe80::/64', '::/0']],
  ['IPPool/pool-v6', ['spec', 'blockSize'], [115, 116, 128, 129]],
  ['HostEndpoint/host1-eth0', ['spec', 'expectedIPs', 0], ['10.0.0.1', '10.0.0.1/32', 'FD00::1', 'x']],
  ['GlobalNetworkPolicy/security.web', ['spec', 'ingress', 0, 'source', 'notSelector'], ['global()']],
  ['GlobalNetworkPolicy/security.web', ['spec', 'ingress', 0, 'source', 'namespaceSelector'], ['(global())']],
  ['GlobalNetworkPolicy/security.web', ['spec', 'ingress', 0, 'source', 'serviceAccounts', 'names', 0], ['A']],
  ['GlobalNetworkPolicy/security.web', ['spec', 'ingress', 0, 'http', 'paths', 0, 'exact'], ['/a\tb', '/a b']],
  ['GlobalNetworkPolicy/early', ['metadata', 'name'], ['knp.default.a', 'ossg.default.a', 'a.b', 'x'.repeat(64)]],
  ['NetworkPolicy/db', ['metadata', 'name'], ['knp.default.a', 'ossg.default.a.b', 'a.b.c', 'knp.default.']],
  ['StagedGlobalNetworkPolicy/staged', ['metadata', 'name'], ['knp.default.a', 'ossg.default.a']],
  ['NetworkSet/vpn', ['metadata', 'namespace'], ['a.b']],
  ['Node/host1', ['spec', 'interfaces', 0, 'addresses', 0], ['10.99.0.1/24', 'x']],
  ['Node/host1', ['spec', 'interfaces', 0, 'name'], ['a b']],
  ['Node/host1', ['status', 'podCIDRs', 0], ['x']],
  [
    'Tier/app',
    ['metadata', 'creationTimestamp'],
    ['2026-13-45T99:99:99Z', '2023-02-29T00:00:00Z', '2026-11-23T1:18:07Z'],
  ],
  ['Tier/app', ['metadata', 'finalizers'], [['x']]],
  ['Tier/app', ['metadata', 'generation'], [1]],
  ['NetworkSet/vpn', ['spec', 'nets', 0], ['10.0.0.0/8', '10.0.0.1/8', '10.0.0.1', 'fd00::/64', '10.0.0.0/33']],
];

/** The documents of BY_HAND for one document. */
function* handCases(base: Case): Generator<Case> {
  for (const [id, path, values] of BY_HAND) {
    if (id === base.id) for (const value of values) yield caseWith(base, path, value);
  }
}

function caseWith(base: Case, path: Path, value: Plain): Case {
  const id = `${base.id} ${formatPath(path)}=${JSON.stringify(value).slice(0, 80)}`;
  return { id, kind: base.kind, document: withValue(base.document, path, value) };
}

/** One document for every field and value. */
export function* deriveCases(base: Case, seen: Set<unknown>): Generator<Case> {
  const kind = findKind(base.kind);
  if (kind === undefined) throw new Error(`${base.id}: no such kind`);
  for (const [path, shape] of places(kind.schema, [], seen)) {
    if (path.length === 0 || path[0] === 'kind' || path[0] === 'apiVersion') continue;
    const standing = valueAt(base.document, path);
    for (const value of distinct(valuesFor(shape, standing, seen))) yield caseWith(base, path, value);
  }
  yield* handCases(base);
}
