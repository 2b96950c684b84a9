// The key types of sets: their numbers and sizes in the kernel, and how nft writes their values.
import { formatIp } from '../net/ip.ts';
import { ipOfBytes, nextBytes, numberOfBytes } from './bytes.ts';
import type { Bytes, KeyType, SetSpec } from './nft.ts';

interface KeyTypeInfo {
  /** nftables' number of the data type (its include/datatype.h, enum datatypes). */
  readonly id: number;
  readonly bytes: number;
  readonly order: 'host' | 'network';
  readonly print: (bytes: Bytes) => string;
}

const printNumber = (bytes: Bytes): string => String(numberOfBytes(bytes));
const printAddress = (bytes: Bytes): string => formatIp(ipOfBytes(bytes));
const stateNames: ReadonlyMap<number, string> = new Map([
  [1, 'invalid'],
  [2, 'established'],
  [4, 'related'],
  [8, 'new'],
]);

/** `"cali1"` for the name and its padding. */
export function printInterfaceName(bytes: Bytes): string {
  return `"${bytes.replace(/\0+$/, '')}"`;
}

/** By the kernel's bits of connection states. */
export function printStates(bits: number): string {
  return [...stateNames].flatMap(([bit, name]) => ((bits & bit) === 0 ? [] : [name])).join(',');
}

/** By the kernel's bit of a connection state. */
function printState(bytes: Bytes): string {
  const bit = bytes.charCodeAt(0);
  return stateNames.get(bit) ?? String(bit);
}

export const keyTypes: Readonly<Record<KeyType, KeyTypeInfo>> = {
  ipv4_addr: { id: 7, bytes: 4, order: 'network', print: printAddress },
  ipv6_addr: { id: 8, bytes: 16, order: 'network', print: printAddress },
  inet_proto: { id: 12, bytes: 1, order: 'network', print: printNumber },
  inet_service: { id: 13, bytes: 2, order: 'network', print: printNumber },
  ct_state: { id: 26, bytes: 4, order: 'host', print: printState },
  icmpv6_type: { id: 29, bytes: 1, order: 'network', print: printNumber },
  ifname: { id: 41, bytes: 16, order: 'host', print: printInterfaceName },
};

/** Bytes that a part takes in the key: itself alone, padded to four in a concatenation. */
function partBytes({ key }: Pick<SetSpec, 'key'>, type: KeyType): number {
  const { bytes } = keyTypes[type];
  return key.length > 1 ? (bytes + 3) & ~3 : bytes;
}

/** Bytes of one key (for an interval set: of each of its two ends). */
function keyBytes(set: Pick<SetSpec, 'key'>): number {
  return set.key.reduce((sum, type) => sum + partBytes(set, type), 0);
}

/** Bytes of each padded part of a concatenated key. */
export function partLengths(set: Pick<SetSpec, 'key'>): readonly number[] {
  return set.key.map((type) => partBytes(set, type));
}

/** First and last key of an element of an interval set. */
export function splitInterval(set: Pick<SetSpec, 'key'>, key: Bytes): readonly [first: Bytes, last: Bytes] {
  const length = keyBytes(set);
  return [key.slice(0, length), key.slice(length)];
}

function bigOf(bytes: Bytes): bigint {
  return [...bytes].reduce((value, char) => (value << 8n) | BigInt(char.charCodeAt(0)), 0n);
}

/** The length of the prefix that spans exactly first to last, or undefined. */
function prefixLengthOf(first: Bytes, last: Bytes): number | undefined {
  const hostMask = bigOf(first) ^ bigOf(last);
  const aligned = (hostMask & (hostMask + 1n)) === 0n && (bigOf(first) & hostMask) === 0n;
  return aligned ? first.length * 8 - hostMask.toString(2).length : undefined;
}

function printSpan(type: KeyType, first: Bytes, last: Bytes): string {
  const { print } = keyTypes[type];
  if (first === last) return print(first);
  const isAddress = type === 'ipv4_addr' || type === 'ipv6_addr';
  const prefixLength = isAddress ? prefixLengthOf(first, last) : undefined;
  return prefixLength === undefined ? `${print(first)}-${print(last)}` : `${print(first)}/${prefixLength}`;
}

/** An element's key as nft writes it: `"cali1" . 10.0.0.0/8`. */
export function printKey(set: Pick<SetSpec, 'key' | 'interval'>, key: Bytes): string {
  const [first, last] = set.interval ? splitInterval(set, key) : [key, key];
  let at = 0;
  const parts = set.key.map((type) => {
    const end = at + keyTypes[type].bytes;
    const text = printSpan(type, first.slice(at, end), last.slice(at, end));
    at += partBytes(set, type);
    return text;
  });
  return parts.join(' . ');
}

/** The value of a map's element as nft writes it. */
export function printValue({ values = [] }: SetSpec, value: Bytes): string {
  return printKey({ key: values, interval: false }, value);
}

/** The key just behind an interval, where the kernel wants its end; undefined when nothing is behind it. */
export function intervalEnd(set: SetSpec, key: Bytes): Bytes | undefined {
  return nextBytes(splitInterval(set, key)[1]);
}
