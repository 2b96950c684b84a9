// Reads tables, chains, rules, sets and elements out of the kernel's nf_tables messages.

import { previousBytes } from '../../nftables/bytes.ts';
import {
  type AttributeValue,
  type Expression,
  printElementLimit,
  printRuleKey,
  schemas,
  verdictOfCode,
} from '../../nftables/expression.ts';
import type { BaseHook, Bytes, Elements, ElementValue, TableFamily, Verdict } from '../../nftables/nft.ts';
import { ELEMENT_INTERVAL_END, hookOfNumber, SET_INTERVAL, SET_MAP } from '../../nftables/wire.ts';
import { readAttributeList, readAttributes, readBe16, readBe32, readText } from '../../sys/netlink.ts';

/** Family, version and resource behind the netlink header. */
const FAMILY_HEADER_BYTES = 4;
const SET_ANONYMOUS = 1;
const SET_CONCATENATED = 0x80;

type Attributes = ReadonlyMap<number, Uint8Array>;
const nothing = new Uint8Array(0);

function latin1(bytes: Uint8Array): Bytes {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

export function readObject(payload: Uint8Array): Attributes {
  return readAttributes(payload, FAMILY_HEADER_BYTES);
}

export function textOf(attributes: Attributes, type: number): string {
  return readText(attributes.get(type) ?? nothing);
}

export function numberOf(attributes: Attributes, type: number): number {
  return readBe32(attributes.get(type) ?? nothing);
}

/** The comment among type-length-value triples of one byte each for type and length; its type is given. */
export function commentIn(userdata: Uint8Array | undefined, commentType = 0): string | undefined {
  for (let at = 0; userdata !== undefined && at + 2 <= userdata.length; ) {
    const length = userdata[at + 1] ?? 0;
    if (userdata[at] === commentType) return readText(userdata.subarray(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return undefined;
}

function decodeVerdict(data: Uint8Array | undefined): Verdict | undefined {
  const verdict = readAttributes(data ?? nothing).get(2);
  if (verdict === undefined) return undefined;
  const attributes = readAttributes(verdict);
  return verdictOfCode(numberOf(attributes, 1) | 0, textOf(attributes, 2));
}

function tryDecodeData(data: Uint8Array): Bytes | undefined {
  const value = readAttributes(data).get(1);
  return value === undefined ? undefined : latin1(value);
}

function decodeData(data: Uint8Array): Bytes {
  return tryDecodeData(data) ?? '';
}

/** Undefined for expressions that we never put into elements. */
function decodeElementLimit(value: Uint8Array): AttributeValue | undefined {
  const inside = readAttributes(value);
  const name = textOf(inside, 1);
  const limit = readAttributes(inside.get(2) ?? nothing).get(1) ?? nothing;
  if (name === 'connlimit') return printElementLimit(name, readBe32(limit));
  return name === 'limit' ? printElementLimit(name, readBe64(limit)) : undefined;
}

function readBe64(value: Uint8Array): number {
  return Number(BigInt(`0x0${Buffer.from(value).toString('hex')}`));
}

/** The value of an attribute of that kind. */
export function decodeValue(kind: string, value: Uint8Array): AttributeValue | undefined {
  switch (kind) {
    case 'u8':
      return value[0] ?? 0;
    case 'be16':
      return readBe16(value);
    case 'be32':
      return readBe32(value);
    case 'be64':
      return readBe64(value);
    case 'text':
      return readText(value);
    case 'bytes':
      return latin1(value);
    case 'verdict':
      return decodeVerdict(value) ?? tryDecodeData(value); // what is loaded into a register may be either
    case 'element-limit':
      return decodeElementLimit(value);
    default:
      return tryDecodeData(value);
  }
}

/** An expression that we never write comes back with its name alone, or with fewer values: it equals none of ours. */
function decodeExpression(element: Uint8Array): Expression {
  const attributes = readAttributes(element);
  const name = textOf(attributes, 1);
  const data = readAttributes(attributes.get(2) ?? nothing);
  const values: Record<string, AttributeValue> = {};
  for (const { name: key, type, kind } of schemas.get(name) ?? []) {
    const bytes = data.get(type);
    const value = bytes === undefined ? undefined : decodeValue(kind, bytes);
    if (value !== undefined) values[key] = value;
  }
  return { name, values };
}

/** The expressions of a rule. */
export function decodeExpressions(attributes: Attributes): readonly Expression[] {
  return readAttributeList(attributes.get(4) ?? nothing).map(({ value }) => decodeExpression(value));
}

/** What printRuleKey makes of a rule. */
export function decodeRule(attributes: Attributes): string {
  return printRuleKey(decodeExpressions(attributes), commentIn(attributes.get(7)));
}

/** A base chain with a policy other than accept, or of a kind that we never use, gets the priority NaN. */
export function decodeBase(attributes: Attributes, family: TableFamily): BaseHook | undefined {
  const hookBytes = attributes.get(4);
  if (hookBytes === undefined) return undefined;
  const values = readAttributes(hookBytes);
  const type = textOf(attributes, 7);
  const hook = hookOfNumber(family, numberOf(values, 1));
  const isOurs = (type === 'filter' || type === 'nat') && hook !== undefined && numberOf(attributes, 5) === 1;
  if (!isOurs) return { type: 'filter', hook: 'prerouting', priority: Number.NaN };
  return { type, hook, priority: numberOf(values, 2) | 0 };
}

export interface SetShape {
  readonly name: string;
  readonly keyType: number;
  readonly interval: boolean;
  /** See valueTypeNumber. */
  readonly valueType: number;
}

/** Whether a set belongs to one rule. */
export function isAnonymousSet(attributes: Attributes): boolean {
  return (numberOf(attributes, 3) & SET_ANONYMOUS) !== 0;
}

export function decodeSet(attributes: Attributes): SetShape {
  const flags = numberOf(attributes, 3);
  return {
    name: textOf(attributes, 2),
    keyType: numberOf(attributes, 4),
    interval: (flags & (SET_INTERVAL | SET_CONCATENATED)) !== 0,
    valueType: (flags & SET_MAP) === 0 ? 0 : numberOf(attributes, 6),
  };
}

/** One element as the kernel has it: an interval without concatenation is two of these. */
export interface RawElement {
  readonly key: Bytes;
  readonly keyEnd: Bytes | undefined;
  readonly isEnd: boolean;
  readonly value: ElementValue | undefined;
}

function commentValue(text: string | undefined): ElementValue | undefined {
  return text === undefined ? undefined : { kind: 'comment', text };
}

/** What a map has for a key. */
export function decodeElementValue(data: Uint8Array): ElementValue | undefined {
  const bytes = tryDecodeData(data);
  return bytes === undefined ? decodeVerdict(data) : { kind: 'value', bytes };
}

export function decodeElements(attributes: Attributes): readonly RawElement[] {
  return readAttributeList(attributes.get(3) ?? nothing).map(({ value: one }) => {
    const element = readAttributes(one);
    const [keyEnd, value] = [element.get(10), element.get(2)];
    return {
      key: decodeData(element.get(1) ?? nothing),
      keyEnd: keyEnd === undefined ? undefined : decodeData(keyEnd),
      isEnd: (numberOf(element, 3) & ELEMENT_INTERVAL_END) !== 0,
      value: value === undefined ? commentValue(commentIn(element.get(6))) : decodeElementValue(value),
    };
  });
}

/** Starts and ends paired up; an end without a start (nft writes one at zero) says nothing, a start without an end goes on to the last key. */
export function joinIntervals(raw: readonly RawElement[]): Elements {
  const elements = new Map<Bytes, ElementValue | undefined>();
  const sorted = raw.toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : Number(b.isEnd) - Number(a.isEnd)));
  let open: RawElement | undefined;
  for (const element of sorted) {
    if (open !== undefined) elements.set(open.key + previousBytes(element.key), open.value);
    open = element.isEnd ? undefined : element;
  }
  if (open !== undefined) elements.set(open.key + '\xff'.repeat(open.key.length), open.value);
  return elements;
}

/** The elements as the pure part has them. */
export function assembleElements(shape: SetShape, raw: readonly RawElement[]): Elements {
  const isConcatenated = raw.some(({ keyEnd }) => keyEnd !== undefined);
  if (shape.interval && !isConcatenated) return joinIntervals(raw);
  return new Map(raw.map((one) => [shape.interval ? one.key + (one.keyEnd ?? one.key) : one.key, one.value]));
}
