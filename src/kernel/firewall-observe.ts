// Reads our whole table back from the kernel, as of one generation of its rulesets.
import { OcicatError } from '../base/errors.ts';
import { type BatchWriter, encodeFamily } from '../firewall/encode.ts';
import { TABLE } from '../firewall/nft.ts';
import type { ObservedChain, ObservedSet, ObservedTable } from '../firewall/repair.ts';
import { FAMILY_INET, message } from '../firewall/wire.ts';
import { ENOENT } from '../sys/libc.ts';
import { type MessageWriter, type Netlink, NLM_F_ACK, NLM_F_DUMP } from '../sys/netlink.ts';
import {
  assembleElements,
  commentIn,
  decodeBase,
  decodeElements,
  decodeRule,
  decodeSet,
  numberOf,
  type RawElement,
  readObject,
  type SetShape,
  textOf,
} from './firewall-decode.ts';

/** How often somebody else may change rulesets while ours is being read. */
const MAX_ATTEMPTS = 20;

type Attributes = ReadonlyMap<number, Uint8Array>;

function ask(
  writer: MessageWriter,
  type: number,
  flags: number,
  strings: readonly (readonly [number, string])[],
): void {
  const batch: BatchWriter = writer.reset();
  batch.begin(type, flags);
  encodeFamily(batch, FAMILY_INET);
  for (const [attribute, text] of strings) batch.attrString(attribute, text);
  batch.end();
}

/** The number that grows by one with every change to any ruleset of the network namespace. */
export function observeGeneration(netlink: Netlink, writer: MessageWriter): number {
  let generation = 0;
  ask(writer, message.getGen, NLM_F_ACK, []);
  netlink.request(writer, 1, (_type, payload) => {
    generation = numberOf(readObject(payload), 1);
  });
  return generation;
}

/** Undefined when there is no such table. */
function observeLayout(netlink: Netlink, writer: MessageWriter): { readonly layout: string | undefined } | undefined {
  let layout: string | undefined;
  ask(writer, message.getTable, NLM_F_ACK, [[1, TABLE]]);
  const [refusal] = netlink.tryRequest(writer, 1, (_type, payload) => {
    layout = commentIn(readObject(payload).get(6));
  });
  if (refusal === undefined) return { layout };
  if (refusal.errno === ENOENT) return undefined;
  throw new OcicatError('kernel', `read table "${TABLE}": ${refusal.words}`, { errno: refusal.errno });
}

/** Hands over every object of our table; the kernel may send those of others too. */
function dump(
  netlink: Netlink,
  writer: MessageWriter,
  type: number,
  strings: readonly (readonly [number, string])[],
  take: (attributes: Attributes) => void,
): void {
  ask(writer, type, NLM_F_DUMP, strings);
  netlink.dump(writer, (_type, payload) => {
    const attributes = readObject(payload);
    if (textOf(attributes, 1) === TABLE) take(attributes);
  });
}

function observeChains(netlink: Netlink, writer: MessageWriter): ReadonlyMap<string, ObservedChain> {
  const rules = new Map<string, string[]>();
  dump(netlink, writer, message.getRule, [[1, TABLE]], (attributes) => {
    const chain = textOf(attributes, 2);
    const list = rules.get(chain) ?? [];
    list.push(decodeRule(attributes));
    rules.set(chain, list);
  });
  const chains = new Map<string, ObservedChain>();
  dump(netlink, writer, message.getChain, [], (attributes) => {
    const name = textOf(attributes, 3);
    chains.set(name, { base: decodeBase(attributes), rules: rules.get(name) ?? [] });
  });
  return chains;
}

function observeElements(netlink: Netlink, writer: MessageWriter, shape: SetShape): ObservedSet {
  const raw: RawElement[] = [];
  dump(
    netlink,
    writer,
    message.getSetElem,
    [
      [1, TABLE],
      [2, shape.name],
    ],
    (attributes) => {
      raw.push(...decodeElements(attributes));
    },
  );
  const { keyType, interval, verdicts } = shape;
  return { keyType, interval, verdicts, elements: assembleElements(shape, raw) };
}

function observeSets(netlink: Netlink, writer: MessageWriter): ReadonlyMap<string, ObservedSet> {
  const shapes: SetShape[] = [];
  dump(netlink, writer, message.getSet, [[1, TABLE]], (attributes) => {
    const shape = decodeSet(attributes);
    if (shape !== undefined) shapes.push(shape);
  });
  return new Map(shapes.map((shape) => [shape.name, observeElements(netlink, writer, shape)]));
}

function tryObserve(netlink: Netlink, writer: MessageWriter): ObservedTable | undefined {
  const table = observeLayout(netlink, writer);
  if (table === undefined) return undefined;
  return { layout: table.layout, chains: observeChains(netlink, writer), sets: observeSets(netlink, writer) };
}

export interface Observation {
  /** Undefined when there is no table of ours. */
  readonly table: ObservedTable | undefined;
  /** Nobody changed anything while this was read. */
  readonly generation: number;
}

/** Throws `kernel` when the rulesets do not come to rest, or when the kernel refuses. */
export function observeFirewall(netlink: Netlink, writer: MessageWriter): Observation {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const generation = observeGeneration(netlink, writer);
    try {
      const table = tryObserve(netlink, writer);
      if (observeGeneration(netlink, writer) === generation) return { table, generation };
    } catch (error) {
      if (observeGeneration(netlink, writer) === generation) throw error;
    }
  }
  throw new OcicatError('kernel', `read table "${TABLE}": it changed ${MAX_ATTEMPTS} times while being read`);
}
