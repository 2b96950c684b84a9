// Ranges and port triples as single numbers, so that they can be keys of maps.
import type { Cidr } from '../../net/cidr.ts';
import { type Ip, ipv4Of, ipv6Of, isIpv4 } from '../../net/ip.ts';
import type { PortMember } from '../types/types.ts';

/** A number for IPv4, a bigint for IPv6; equal ranges have equal keys. */
export type RangeKey = number | bigint;

export function rangeKey(address: Ip, prefixLength: number): RangeKey {
  return isIpv4(address) ? address * 64 + prefixLength : (address << 8n) | BigInt(prefixLength);
}

export function rangeOf(key: RangeKey): Cidr {
  return typeof key === 'number'
    ? { address: ipv4Of(Math.floor(key / 64)), prefixLength: key % 64 }
    : { address: ipv6Of(key >> 8n), prefixLength: Number(key & 0xffn) };
}

/** Address, family, protocol and port in one bigint. */
export function portKey(member: PortMember): bigint {
  const family = isIpv4(member.address) ? 0n : 1n;
  return (BigInt(member.address) << 25n) | (family << 24n) | (BigInt(member.protocol) << 16n) | BigInt(member.port);
}

export function portMemberOf(key: bigint): PortMember {
  const address = key >> 25n;
  return {
    address: (key >> 24n) & 1n ? ipv6Of(address) : ipv4Of(Number(address)),
    protocol: Number((key >> 16n) & 0xffn),
    port: Number(key & 0xffffn),
  };
}
