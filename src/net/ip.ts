// IP addresses as numbers: an IPv4 address is a number (0 to 2^32-1), an IPv6 address a bigint (0 to 2^128-1).
// Both work as Map keys, compare with ===, and cost no object.
import { OcicatError } from '../base/errors.ts';

declare const ipv4: unique symbol;
declare const ipv6: unique symbol;
export type Ipv4 = number & { readonly [ipv4]: true };
export type Ipv6 = bigint & { readonly [ipv6]: true };
export type Ip = Ipv4 | Ipv6;
export type Family = 4 | 6;

export function isIpv4(ip: Ip): ip is Ipv4 {
  return typeof ip === 'number';
}

export function familyOf(ip: Ip): Family {
  return isIpv4(ip) ? 4 : 6;
}

/** Bits in an address of the family: 32 or 128. */
export function bitsOf(family: Family): 32 | 128 {
  return family === 4 ? 32 : 128;
}

/** The IPv4 address of an unsigned 32-bit value. The value is masked to 32 bits. */
export function ipv4Of(value: number): Ipv4 {
  return (value >>> 0) as Ipv4;
}

/** The IPv6 address of an unsigned 128-bit value. The value is masked to 128 bits. */
export function ipv6Of(value: bigint): Ipv6 {
  return BigInt.asUintN(128, value) as Ipv6;
}

/** The address `offset` above `ip`, wrapping at the end of the family's range. */
export function addToIp(ip: Ip, offset: number | bigint): Ip {
  return isIpv4(ip) ? ipv4Of(ip + Number(offset)) : ipv6Of(ip + BigInt(offset));
}

/** Negative, zero or positive as `a` sorts before, with or after `b`; IPv4 sorts before IPv6. */
export function compareIps(a: Ip, b: Ip): number {
  if (isIpv4(a) !== isIpv4(b)) return isIpv4(a) ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}

function tryParseIpv4(text: string): Ipv4 | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (match === null) return undefined;
  let value = 0;
  for (const part of match.slice(1)) {
    if (Number(part) > 255 || (part.length > 1 && part.startsWith('0'))) return undefined;
    value = value * 256 + Number(part);
  }
  return ipv4Of(value);
}

/** `isEnd`: the last group may be an IPv4 address, which stands for two. */
function parseGroups(text: string, isEnd: boolean): readonly bigint[] | undefined {
  if (text === '') return [];
  const groups: bigint[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    const embedded = isEnd && index === parts.length - 1 ? tryParseIpv4(part) : undefined;
    if (embedded !== undefined) groups.push(BigInt(embedded >>> 16), BigInt(embedded & 0xffff));
    else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups.push(BigInt(`0x${part}`));
    else return undefined;
  }
  return groups;
}

function tryParseIpv6(text: string): Ipv6 | undefined {
  const halves = text.split('::');
  const [head = '', tail] = halves;
  if (halves.length > 2 || !text.includes(':')) return undefined;
  const left = parseGroups(head, tail === undefined);
  const right = parseGroups(tail ?? '', true);
  if (left === undefined || right === undefined) return undefined;
  const missing = 8 - left.length - right.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  const groups = [...left, ...new Array<bigint>(missing).fill(0n), ...right];
  return ipv6Of(groups.reduce((value, group) => (value << 16n) | group, 0n));
}

/** Dotted IPv4 without leading zeros, or IPv6 in any RFC 4291 text form without a zone; undefined for anything else. */
export function tryParseIp(text: string): Ip | undefined {
  return tryParseIpv4(text) ?? tryParseIpv6(text);
}

/** As tryParseIp; throws `invalid`. */
export function parseIp(text: string): Ip {
  const ip = tryParseIp(text);
  if (ip === undefined) throw new OcicatError('invalid', `parse address "${text}": not an IPv4 or IPv6 address`);
  return ip;
}

function formatIpv4(ip: Ipv4): string {
  return `${ip >>> 24}.${(ip >>> 16) & 255}.${(ip >>> 8) & 255}.${ip & 255}`;
}

/** RFC 5952: lower case, the longest run of two or more zero groups as `::`, IPv4-mapped with dots. */
function formatIpv6(ip: Ipv6): string {
  if (ip >> 32n === 0xffffn) return `::ffff:${formatIpv4(ipv4Of(Number(ip & 0xffffffffn)))}`;
  const groups = Array.from({ length: 8 }, (_, i) => Number((ip >> BigInt(112 - 16 * i)) & 0xffffn));
  let best = { start: -1, length: 1 };
  for (let start = 0; start < 8; start++) {
    let end = start;
    while (end < 8 && groups[end] === 0) end++;
    if (end - start > best.length) best = { start, length: end - start };
  }
  const hex = groups.map((group) => group.toString(16));
  if (best.start < 0) return hex.join(':');
  return `${hex.slice(0, best.start).join(':')}::${hex.slice(best.start + best.length).join(':')}`;
}

/** Canonical text: dotted IPv4, RFC 5952 IPv6. */
export function formatIp(ip: Ip): string {
  return isIpv4(ip) ? formatIpv4(ip) : formatIpv6(ip);
}

/** Network-order bytes: 4 for IPv4, 16 for IPv6. */
export function ipToBytes(ip: Ip): Uint8Array {
  if (isIpv4(ip)) return Uint8Array.of(ip >>> 24, (ip >>> 16) & 255, (ip >>> 8) & 255, ip & 255);
  return Uint8Array.from({ length: 16 }, (_, i) => Number((ip >> BigInt(120 - 8 * i)) & 0xffn));
}

/** From 4 or 16 network-order bytes; throws `invalid` for any other length. */
export function ipFromBytes(bytes: Uint8Array): Ip {
  if (bytes.length === 4) return ipv4Of(bytes.reduce((value, byte) => value * 256 + byte, 0));
  if (bytes.length === 16) return ipv6Of(bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n));
  throw new OcicatError('invalid', `read address: ${bytes.length} bytes found, 4 or 16 wanted`);
}
