// Text that attacks a terminal or a log, put into every place that a store or a disk has for text.
import { expect } from 'bun:test';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { storedKinds } from '../../src/datastore/keys.ts';

/** Sets a title, colours, clears the screen with C1, turns text round, hides some, and begins lines of its own. */
export const HOSTILE = 'a\x1b]0;owned\x07\x1b[31m\x9b2J\x7f\u202eback\u200b\u00ad\r\nforged line\tafter\u2028z';

/** What must not reach a person: controls but line breaks and tabs, and whatever reorders or hides. */
const HARMFUL = /[\0-\x08\x0b-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/;

/** Fails if the text holds something harmful. */
export function expectNoControls(what: string, text: string): void {
  const at = text.search(HARMFUL);
  const found = at < 0 ? 'nothing' : JSON.stringify(text.slice(Math.max(0, at - 60), at + 20));
  expect([what, found]).toEqual([what, 'nothing']);
}

/** Fails also if a line begins that only the hostile text could have begun: for what others have written, not the caller. */
export function expectHarmless(what: string, text: string): void {
  expectNoControls(what, text);
  expect([what, /^[ -]*forged line.*/m.exec(text)?.[0]]).toEqual([what, undefined]);
}

interface Schema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
}

/** A value with the hostile text wherever a text, or a word of a list, is wanted; numbers too become it. */
function fill(schema: Schema): unknown {
  if (schema.properties !== undefined)
    return Object.fromEntries(Object.entries(schema.properties).map(([name, below]) => [name, fill(below)]));
  if (typeof schema.additionalProperties === 'object') return { [HOSTILE]: HOSTILE };
  if (schema.items !== undefined) return [fill(schema.items), HOSTILE];
  return HOSTILE;
}

/** Of kinds that have no such part: a stored one is read whatever fields it has, as long as it is an object. */
const anyFields: Schema = { additionalProperties: {} };

const schemas = join(import.meta.dir, '../../schema');

function schemaOf(plural: string): Schema {
  const file = `${plural}.json`;
  return readdirSync(schemas).includes(file) ? JSON.parse(readFileSync(join(schemas, file), 'utf8')) : {};
}

/** Keys and values of a kind: one with a hostile name, one with a good name and hostile content, and ones that are broken. */
function hostileResources({
  name: kind,
  plural,
  namespaced,
}: (typeof storedKinds)[number]): readonly (readonly [key: string, value: string])[] {
  const prefix = `/calico/resources/v3/projectcalico.org/${plural}/`;
  const place = (namespace: string, name: string) => `${prefix}${namespaced ? `${namespace}/` : ''}${name}`;
  const { spec = {}, status = anyFields } = schemaOf(plural).properties ?? {};
  const document = (namespace: string, name: string, content: unknown) => ({
    kind,
    apiVersion: 'projectcalico.org/v3',
    metadata: {
      name,
      ...(namespaced ? { namespace } : {}),
      uid: HOSTILE,
      creationTimestamp: HOSTILE,
      labels: { [HOSTILE]: HOSTILE, a: HOSTILE },
      annotations: { a: HOSTILE },
    },
    spec: content,
    status: fill(status),
  });
  return [
    [place('default', HOSTILE), JSON.stringify(document('default', HOSTILE, {}))],
    [place(HOSTILE, 'a'), JSON.stringify(document(HOSTILE, 'a', {}))],
    [place('default', 'full'), JSON.stringify(document('default', 'full', fill(spec)))],
    [place('default', `${HOSTILE}1`), `{"kind": "${HOSTILE}`],
    [place('default', `${HOSTILE}2`), JSON.stringify({ kind: HOSTILE })],
  ];
}

const BLOCK = {
  cidr: '10.1.0.0/30',
  affinity: `host:${HOSTILE}`,
  allocations: [0, null, null, 1],
  unallocated: [1, 2],
  attributes: [
    { handle_id: HOSTILE, secondary: { node: HOSTILE, namespace: HOSTILE, pod: HOSTILE, [HOSTILE]: HOSTILE } },
    { handle_id: `${HOSTILE}2`, secondary: { node: 'n', type: HOSTILE } },
  ],
  sequenceNumber: 1,
  sequenceNumberForAllocation: {},
  deleted: false,
};

/** Everything that an etcd client could plant. */
export function hostileStore(): readonly (readonly [key: string, value: string])[] {
  const pool = { kind: 'IPPool', apiVersion: 'projectcalico.org/v3' };
  const ipam = '/calico/ipam/v2';
  return [
    ...storedKinds.flatMap(hostileResources),
    [
      '/calico/resources/v3/projectcalico.org/ippools/good',
      JSON.stringify({ ...pool, metadata: { name: 'good' }, spec: { cidr: '10.1.0.0/24', nodeSelector: 'all()' } }),
    ],
    [`${ipam}/assignment/ipv4/block/10.1.0.0-30`, JSON.stringify(BLOCK)],
    [`${ipam}/assignment/ipv4/block/10.1.0.4-30`, `{"cidr": "${HOSTILE}`],
    [`${ipam}/handle/${HOSTILE}3`, JSON.stringify({ handleID: `${HOSTILE}3`, block: { '10.1.0.0/30': 1 } })],
    [`${ipam}/handle/broken`, JSON.stringify({ handleID: HOSTILE, block: { [HOSTILE]: 1 } })],
    [`${ipam}/host/${HOSTILE}/ipv4/block/10.1.0.0-30`, JSON.stringify({ state: HOSTILE })],
    [`${ipam}/host/n/ipv4/block/10.1.0.8-30`, JSON.stringify({ state: HOSTILE })],
    [`/calico/felix/v2/no-region/host/${HOSTILE}/status`, JSON.stringify({ uptime: HOSTILE })],
  ];
}
