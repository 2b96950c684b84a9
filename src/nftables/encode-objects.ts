// What a message for nfnetlink says of one object: its expressions, a rule, a chain, a set, an element; attribute for attribute as
// libnftnl would.
import { bytesToArray } from './bytes.ts';
import {
  type AttributeKind,
  type AttributeValue,
  burstOf,
  type Expression,
  schemas,
  verdictCode,
} from './expression.ts';
import { intervalEnd, keyTypes, partLengths, splitInterval } from './keys.ts';
import { lowerRule } from './lower.ts';
import {
  type Bytes,
  type ChainSpec,
  type Count,
  type Element,
  familyOfObject,
  isMap,
  type KeyType,
  type Rule,
  type SetSpec,
  type Verdict,
} from './nft.ts';
import {
  ELEMENT_INTERVAL_END,
  hookNumberOf,
  keyTypeNumber,
  SET_CONCATENATED,
  SET_DYNAMIC,
  SET_INTERVAL,
  SET_MAP,
  SET_TIMEOUT,
  valueTypeNumber,
} from './wire.ts';

/** What encoding needs of a netlink message writer; the one of sys/ has it. */
export interface BatchWriter {
  begin(type: number, flags: number): unknown;
  end(): unknown;
  u8(value: number): unknown;
  be16(value: number): unknown;
  attrU8(type: number, value: number): unknown;
  attrBe16(type: number, value: number): unknown;
  attrBe32(type: number, value: number): unknown;
  attrBe64(type: number, value: number): unknown;
  attrString(type: number, value: string): unknown;
  attrBytes(type: number, value: Uint8Array): unknown;
  nest(type: number): unknown;
  endNest(): unknown;
  readonly nestLength: number;
  /** Messages begun so far. */
  readonly count: number;
}

/** As many as nft gives a dynamic set. */
export const MAX_DYNAMIC_ELEMENTS = 65535;
/** NFT_CONNLIMIT_F_INV: matches above the limit. */
const CONNLIMIT_OVER = 1;
/** NFT_LIMIT_PKTS, and NFT_LIMIT_F_INV. */
const LIMIT_PACKETS = 0;
const LIMIT_OVER = 1;

function encodeUserdata(writer: BatchWriter, attribute: number, entries: readonly (readonly [number, Bytes])[]): void {
  const bytes = entries.map(([type, value]) => String.fromCharCode(type, value.length) + value).join('');
  writer.attrBytes(attribute, bytesToArray(bytes));
}

export function encodeComment(writer: BatchWriter, attribute: number, comment: string | undefined): void {
  if (comment !== undefined) encodeUserdata(writer, attribute, [[0, `${comment}\0`]]);
}

function encodeData(writer: BatchWriter, attribute: number, value: Bytes): void {
  writer.nest(attribute);
  writer.attrBytes(1, bytesToArray(value));
  writer.endNest();
}

function encodeVerdict(writer: BatchWriter, attribute: number, verdict: Verdict): void {
  writer.nest(attribute);
  writer.nest(2);
  writer.attrBe32(1, verdictCode(verdict));
  if (verdict.kind === 'jump' || verdict.kind === 'goto') writer.attrString(2, verdict.chain);
  writer.endNest();
  writer.endNest();
}

/** What printElementLimit says, as an expression of its own inside an attribute: of flows, or of packets of a second. */
function encodeElementLimit(writer: BatchWriter, attribute: number, value: Bytes): void {
  const [name = '', limit] = value.split(' ');
  writer.nest(attribute);
  writer.attrString(1, name);
  writer.nest(2);
  if (name === 'limit') encodeRate(writer, Number(limit));
  else encodeFlows(writer, Number(limit));
  writer.endNest();
  writer.endNest();
}

function encodeFlows(writer: BatchWriter, limit: number): void {
  writer.attrBe32(1, limit);
  writer.attrBe32(2, CONNLIMIT_OVER);
}

/** NFTA_LIMIT_RATE, _UNIT, _BURST, _TYPE and _FLAGS. */
function encodeRate(writer: BatchWriter, perSecond: number): void {
  writer.attrBe64(1, perSecond);
  writer.attrBe64(2, 1);
  writer.attrBe32(3, burstOf(perSecond));
  writer.attrBe32(4, LIMIT_PACKETS);
  writer.attrBe32(5, LIMIT_OVER);
}

function encodeNumber(writer: BatchWriter, type: number, kind: AttributeKind, value: number): void {
  if (kind === 'u8') writer.attrU8(type, value);
  else if (kind === 'be16') writer.attrBe16(type, value);
  else if (kind === 'be64') writer.attrBe64(type, value);
  else writer.attrBe32(type, value);
}

function encodeValue(writer: BatchWriter, type: number, kind: AttributeKind, value: AttributeValue): void {
  if (typeof value === 'object') encodeVerdict(writer, type, value);
  else if (typeof value === 'number') encodeNumber(writer, type, kind, value);
  else if (kind === 'element-limit') encodeElementLimit(writer, type, value);
  else if (kind === 'text') writer.attrString(type, value);
  else if (kind === 'bytes') writer.attrBytes(type, bytesToArray(value));
  else encodeData(writer, type, value);
}

/** NFTA_COUNTER_BYTES and NFTA_COUNTER_PACKETS. */
function encodeCount(writer: BatchWriter, { packets, bytes }: Count): void {
  writer.attrBe64(1, bytes);
  writer.attrBe64(2, packets);
}

/** `counted`: what it begins with, if it is a counter. */
export function encodeExpression(writer: BatchWriter, { name, values }: Expression, counted?: Count): void {
  writer.nest(1);
  writer.attrString(1, name);
  writer.nest(2);
  if (name === 'counter' && counted !== undefined) encodeCount(writer, counted);
  for (const attribute of schemas.get(name) ?? []) {
    const value = values[attribute.name];
    if (value !== undefined) encodeValue(writer, attribute.type, attribute.kind, value);
  }
  writer.endNest();
  writer.endNest();
}

export function encodeRule(writer: BatchWriter, chain: string, rule: Rule, counted: Count | undefined): void {
  writer.attrString(2, chain);
  writer.nest(4);
  for (const expression of lowerRule(rule)) encodeExpression(writer, expression, counted);
  writer.endNest();
  encodeComment(writer, 7, rule.comment);
}

export function encodeChain(writer: BatchWriter, { name, base, comment }: ChainSpec): void {
  writer.attrString(3, name);
  if (base !== undefined) {
    writer.nest(4);
    writer.attrBe32(1, hookNumberOf(familyOfObject(name), base.hook));
    writer.attrBe32(2, base.priority);
    writer.endNest();
    writer.attrBe32(5, 1); // policy accept
    writer.attrString(7, base.type);
  }
  encodeComment(writer, 12, comment);
}

/** libnftnl's number of the byte order; of a concatenation, which has several, 0. */
function orderOf(types: readonly KeyType[]): number {
  const [only, ...others] = types;
  return others.length > 0 || only === undefined ? 0 : keyTypes[only].order === 'host' ? 1 : 2;
}

function sum(lengths: readonly number[]): number {
  return lengths.reduce((total, length) => total + length, 0);
}

/** How nft is to write the keys, and the comment: the tags of libnftnl's NFTNL_UDATA_SET_*. */
function setUserdata(set: SetSpec): readonly (readonly [number, Bytes])[] {
  const number = (value: number): Bytes => String.fromCharCode(value, 0, 0, 0);
  const entries: (readonly [number, Bytes])[] = [[0, number(orderOf(set.key))]];
  if (isMap(set)) entries.push([1, number(orderOf(set.values ?? []))], [6, number(0)]);
  if (set.comment !== undefined) entries.push([7, `${set.comment}\0`]);
  return entries;
}

export function encodeSet(writer: BatchWriter, set: SetSpec): void {
  const lengths = partLengths(set);
  const ranges = set.interval && lengths.length > 1;
  writer.attrString(2, set.name);
  writer.attrBe32(
    3,
    (set.interval ? SET_INTERVAL : 0) |
      (isMap(set) ? SET_MAP : 0) |
      (set.dynamic ? SET_DYNAMIC : 0) |
      (set.timeoutSeconds === undefined ? 0 : SET_TIMEOUT) |
      (ranges ? SET_CONCATENATED : 0),
  );
  writer.attrBe32(4, keyTypeNumber(set));
  writer.attrBe32(5, sum(lengths));
  if (isMap(set)) {
    writer.attrBe32(6, valueTypeNumber(set));
    writer.attrBe32(7, sum(partLengths({ key: set.values ?? [] })));
  }
  if (set.timeoutSeconds !== undefined) writer.attrBe64(11, set.timeoutSeconds * 1000);
  writer.attrBe32(10, 1); // an id for references within the batch; ours go by name
  if (ranges) encodePartLengths(writer, lengths);
  if (set.dynamic) encodeSize(writer, MAX_DYNAMIC_ELEMENTS);
  encodeUserdata(writer, 13, setUserdata(set));
  if (set.decides !== undefined) encodeCounter(writer);
}

/** What each element gets (NFTA_SET_EXPR, NFTA_EXPR_NAME and NFTA_EXPR_DATA). */
function encodeCounter(writer: BatchWriter): void {
  writer.nest(17);
  writer.attrString(1, 'counter');
  writer.nest(2);
  writer.endNest();
  writer.endNest();
}

function encodePartLengths(writer: BatchWriter, lengths: readonly number[]): void {
  writer.nest(9);
  writer.nest(2);
  for (const length of lengths) {
    writer.nest(1);
    writer.attrBe32(1, length);
    writer.endNest();
  }
  writer.endNest();
  writer.endNest();
}

/** How many elements the set may have (NFTA_SET_DESC_SIZE). */
function encodeSize(writer: BatchWriter, size: number): void {
  writer.nest(9);
  writer.attrBe32(1, size);
  writer.endNest();
}

/** A single interval is two elements, its start and the first key behind it; a concatenated one has two keys. */
export function encodeElement(writer: BatchWriter, set: SetSpec, [key, value]: Element): void {
  const [first, last] = set.interval ? splitInterval(set, key) : [key, key];
  writer.nest(1);
  encodeData(writer, 1, first);
  if (set.interval && set.key.length > 1) encodeData(writer, 10, last);
  if (value?.kind === 'comment') encodeUserdata(writer, 6, [[0, `${value.text}\0`]]);
  else if (value?.kind === 'value') encodeData(writer, 2, value.bytes);
  else if (value !== undefined) encodeVerdict(writer, 2, value);
  writer.endNest();
  const end = set.interval && set.key.length === 1 ? intervalEnd(set, key) : undefined;
  if (end === undefined) return;
  writer.nest(1);
  writer.attrBe32(3, ELEMENT_INTERVAL_END);
  encodeData(writer, 1, end);
  writer.endNest();
}
