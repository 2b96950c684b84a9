// Address ranges in CIDR form.
import { OcicatError } from '../base/errors.ts';
import { addToIp, bitsOf, type Family, familyOf, formatIp, type Ip, ipv4Of, ipv6Of, isIpv4, tryParseIp } from './ip.ts';

/** `address` may carry host bits (an interface address); maskCidr clears them. */
export interface Cidr {
  readonly address: Ip;
  readonly prefixLength: number;
}

export function cidrFamily(cidr: Cidr): Family {
  return familyOf(cidr.address);
}

/** The one-address range of an address: /32 or /128. */
export function hostCidr(ip: Ip): Cidr {
  return { address: ip, prefixLength: bitsOf(familyOf(ip)) };
}

/** Whether the range is one address. */
export function isHostCidr(cidr: Cidr): boolean {
  return cidr.prefixLength === bitsOf(cidrFamily(cidr));
}

/** The first `prefixLength` bits of the address, host bits zero. */
export function networkOf(ip: Ip, prefixLength: number): Ip {
  if (isIpv4(ip)) return ipv4Of(prefixLength === 0 ? 0 : ip & (0xffffffff << (32 - prefixLength)));
  const hostBits = BigInt(128 - prefixLength);
  return ipv6Of((ip >> hostBits) << hostBits);
}

export function maskCidr(cidr: Cidr): Cidr {
  return { address: networkOf(cidr.address, cidr.prefixLength), prefixLength: cidr.prefixLength };
}

/** Whether the host bits are zero. */
export function isMasked(cidr: Cidr): boolean {
  return networkOf(cidr.address, cidr.prefixLength) === cidr.address;
}

/** Number of addresses; exact up to 2^53 for IPv6. */
export function cidrSize(cidr: Cidr): number {
  return 2 ** (bitsOf(cidrFamily(cidr)) - cidr.prefixLength);
}

export function cidrContains(cidr: Cidr, ip: Ip): boolean {
  return (
    isIpv4(cidr.address) === isIpv4(ip) &&
    networkOf(ip, cidr.prefixLength) === networkOf(cidr.address, cidr.prefixLength)
  );
}

/** Whether every address of `inner` is in `outer`. */
export function cidrCovers(outer: Cidr, inner: Cidr): boolean {
  return outer.prefixLength <= inner.prefixLength && cidrContains(outer, inner.address);
}

export function cidrsOverlap(a: Cidr, b: Cidr): boolean {
  return cidrCovers(a, b) || cidrCovers(b, a);
}

export function sameCidr(a: Cidr, b: Cidr): boolean {
  return a.address === b.address && a.prefixLength === b.prefixLength;
}

/** The last address of the range. */
export function lastOf(cidr: Cidr): Ip {
  const bits = bitsOf(cidrFamily(cidr));
  const first = networkOf(cidr.address, cidr.prefixLength);
  return isIpv4(first)
    ? addToIp(first, 2 ** (bits - cidr.prefixLength) - 1)
    : ipv6Of(first + (1n << BigInt(bits - cidr.prefixLength)) - 1n);
}

/** `address/length` with 0 ≤ length ≤ 32 or 128 and no leading zeros; host bits are kept. Undefined for anything else. */
export function tryParseCidr(text: string): Cidr | undefined {
  const match = /^([^/]+)\/(0|[1-9]\d{0,2})$/.exec(text);
  const address = match?.[1] === undefined ? undefined : tryParseIp(match[1]);
  if (match === null || address === undefined) return undefined;
  const prefixLength = Number(match[2]);
  return prefixLength <= bitsOf(familyOf(address)) ? { address, prefixLength } : undefined;
}

/** As tryParseCidr; throws `invalid`. */
export function parseCidr(text: string): Cidr {
  const cidr = tryParseCidr(text);
  if (cidr === undefined) throw new OcicatError('invalid', `parse range "${text}": not an address and a prefix length`);
  return cidr;
}

/** A range, or a bare address as its /32 or /128; undefined for anything else. */
export function tryParseCidrOrIp(text: string): Cidr | undefined {
  const ip = tryParseIp(text);
  return ip === undefined ? tryParseCidr(text) : hostCidr(ip);
}

export function formatCidr(cidr: Cidr): string {
  return `${formatIp(cidr.address)}/${cidr.prefixLength}`;
}
