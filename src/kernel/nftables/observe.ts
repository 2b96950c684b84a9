// Reads our tables back from the kernel, as of one generation of its rulesets.
import { OcicatError } from '../../base/errors.ts';
import { encodeFamily } from '../../nftables/encode.ts';
import type { BatchWriter } from '../../nftables/encode-objects.ts';
import { LAYOUT, STAND_IN_TABLE, TABLE, TABLE_FAMILIES, type TableFamily } from '../../nftables/nft.ts';
import type { ObservedChain, ObservedSet, ObservedTable } from '../../nftables/repair.ts';
import { familyNumbers, message, TABLE_OWNED, TABLE_PERSISTENT } from '../../nftables/wire.ts';
import { ENOENT } from '../../sys/libc.ts';
import { type MessageWriter, type Netlink, NLM_F_ACK, NLM_F_DUMP } from '../../sys/netlink.ts';
import {
  commentIn,
  decodeBase,
  decodeSet,
  isAnonymousSet,
  numberOf,
  readObject,
  type SetShape,
  textOf,
} from './decode.ts';
import { areElements, valuesOfRaw } from './raw-elements.ts';
import { isRule, keyOfRaw, type RawRule } from './raw-rule.ts';

/** How often somebody else may change rulesets while ours is being read. */
const MAX_ATTEMPTS = 20;

type Attributes = ReadonlyMap<number, Uint8Array>;
const NOTHING = new Uint8Array(0);

/** Where a table is read from, and its name. */
export interface Source {
  readonly netlink: Netlink;
  readonly writer: MessageWriter;
  readonly family: TableFamily;
  readonly table: string;
}

function ask(
  writer: MessageWriter,
  family: TableFamily,
  type: number,
  flags: number,
  strings: readonly (readonly [number, string])[],
): void {
  const batch: BatchWriter = writer.reset();
  batch.begin(type, flags);
  encodeFamily(batch, familyNumbers[family]);
  for (const [attribute, text] of strings) batch.attrString(attribute, text);
  batch.end();
}

/** The number that grows by one with every change to any ruleset of the network namespace. */
export function observeGeneration(netlink: Netlink, writer: MessageWriter): number {
  let generation = 0;
  ask(writer, 'inet', message.getGen, NLM_F_ACK, []);
  netlink.request(writer, 1, (_type, payload) => {
    generation = numberOf(readObject(payload), 1);
  });
  return generation;
}

/** Who may change a table: the one whose socket has this port; nobody yet, for whoever takes it over has it; everybody. */
type TableOwner =
  | { readonly kind: 'socket'; readonly portId: number }
  | { readonly kind: 'orphan' }
  | { readonly kind: 'none' };

export interface ObservedHead {
  /** The table's comment. */
  readonly layout: string | undefined;
  readonly owner: TableOwner;
}

function decodeOwner(attributes: Attributes): TableOwner {
  const flags = attributes.has(2) ? numberOf(attributes, 2) : 0;
  if ((flags & TABLE_OWNED) !== 0) return { kind: 'socket', portId: numberOf(attributes, 7) };
  return { kind: (flags & TABLE_PERSISTENT) === 0 ? 'none' : 'orphan' };
}

/** Undefined when there is no such table. */
export function observeHead({ netlink, writer, family, table: name }: Source): ObservedHead | undefined {
  let head: ObservedHead | undefined;
  ask(writer, family, message.getTable, NLM_F_ACK, [[1, name]]);
  const [refusal] = netlink.tryRequest(writer, 1, (_type, payload) => {
    const attributes = readObject(payload);
    head = { layout: commentIn(attributes.get(6)), owner: decodeOwner(attributes) };
  });
  if (refusal === undefined) return head;
  if (refusal.errno === ENOENT) return undefined;
  throw new OcicatError('kernel', `read table "${name}": ${refusal.extack}`, { errno: refusal.errno });
}

function dumpRaw(
  { netlink, writer, family }: Source,
  type: number,
  strings: readonly (readonly [number, string])[],
  take: (payload: Uint8Array) => void,
): void {
  ask(writer, family, type, NLM_F_DUMP, strings);
  netlink.dump(writer, (_type, payload) => take(payload));
}

/** Hands over every object of the table; the kernel may send those of others too. */
export function dump(
  source: Source,
  type: number,
  strings: readonly (readonly [number, string])[],
  take: (attributes: Attributes) => void,
): void {
  dumpRaw(source, type, strings, (payload) => {
    const attributes = readObject(payload);
    if (textOf(attributes, 1) === source.table) take(attributes);
  });
}

function observedChain(base: ObservedChain['base'], raw: readonly RawRule[]): ObservedChain {
  return {
    base,
    holds: (rules) => raw.length === rules.length && rules.every((rule, index) => isRule(raw[index] ?? NOTHING, rule)),
    get rules() {
      return raw.map(keyOfRaw);
    },
  };
}

/** Of one chain: a dump of all begins at the first rule again for each 32 KiB, which takes long where there are many. */
function observeRules(source: Source, chain: string): readonly RawRule[] {
  const rules: RawRule[] = [];
  const place = [
    [1, source.table],
    [2, chain],
  ] as const;
  dumpRaw(source, message.getRule, place, (payload) => rules.push(payload));
  return rules;
}

function observeChains(source: Source): ReadonlyMap<string, ObservedChain> {
  const bases = new Map<string, ObservedChain['base']>();
  dump(source, message.getChain, [], (attributes) => {
    bases.set(textOf(attributes, 3), decodeBase(attributes, source.family));
  });
  return new Map([...bases].map(([name, base]) => [name, observedChain(base, observeRules(source, name))]));
}

function observeSet(source: Source, shape: SetShape): ObservedSet {
  const raw: Uint8Array[] = [];
  const name = [
    [1, source.table],
    [2, shape.name],
  ] as const;
  dumpRaw(source, message.getSetElem, name, (payload) => raw.push(payload));
  const { keyType, interval, valueType } = shape;
  return {
    keyType,
    interval,
    valueType,
    holds: (elements) => areElements(shape, raw, elements),
    get elements() {
      return valuesOfRaw(shape, raw);
    },
  };
}

function observeSets(source: Source): ReadonlyMap<string, ObservedSet> {
  const shapes: SetShape[] = [];
  dump(source, message.getSet, [[1, source.table]], (attributes) => {
    if (!isAnonymousSet(attributes)) shapes.push(decodeSet(attributes));
  });
  return new Map(shapes.map((shape) => [shape.name, observeSet(source, shape)]));
}

export interface KernelTable extends ObservedTable {
  readonly owner: TableOwner;
}

function tryObserveOne(source: Source): KernelTable | undefined {
  const head = observeHead(source);
  return head === undefined ? undefined : { ...head, chains: observeChains(source), sets: observeSets(source) };
}

/** The tables of both families as one; only when both are there and of our layout is that the layout of the whole. */
function tryObserve(netlink: Netlink, writer: MessageWriter, table: string): KernelTable | undefined {
  const parts = TABLE_FAMILIES.flatMap((family) => tryObserveOne({ netlink, writer, family, table }) ?? []);
  const [first] = parts;
  if (first === undefined) return undefined;
  const isWhole = parts.length === TABLE_FAMILIES.length && parts.every(({ layout }) => layout === LAYOUT);
  return {
    layout: isWhole ? LAYOUT : parts.find(({ layout }) => layout !== LAYOUT)?.layout,
    owner: (parts.find(({ owner }) => owner.kind !== 'socket') ?? first).owner,
    chains: new Map(parts.flatMap(({ chains }) => [...chains])),
    sets: new Map(parts.flatMap(({ sets }) => [...sets])),
  };
}

export interface Observation {
  /** Undefined when there is no table of ours. */
  readonly table: KernelTable | undefined;
  /** Left by an exchange that was cut off. */
  readonly standIn: KernelTable | undefined;
  /** Nobody changed anything while this was read. */
  readonly generation: number;
}

/** Throws `kernel` when the rulesets do not come to rest, or when the kernel refuses. */
export function observeFirewall(netlink: Netlink, writer: MessageWriter): Observation {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const generation = observeGeneration(netlink, writer);
    try {
      const table = tryObserve(netlink, writer, TABLE);
      const standIn = tryObserve(netlink, writer, STAND_IN_TABLE);
      if (observeGeneration(netlink, writer) === generation) return { table, standIn, generation };
    } catch (error) {
      if (observeGeneration(netlink, writer) === generation) throw error;
    }
  }
  throw new OcicatError('kernel', `read table "${TABLE}": it changed ${MAX_ATTEMPTS} times while being read`);
}
