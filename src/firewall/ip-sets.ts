// What holds an IP set of the policy in each address family: one nftables set of single keys, and the ranges beside it.
import { type Cidr, cidrFamily } from '../net/cidr.ts';
import { bitsOf, type Family, familyOf, type Ip } from '../net/ip.ts';
import { bytesOfIp, bytesOfU8, bytesOfU16, padToWord } from '../nftables/bytes.ts';
import type { Bytes, KeyType, SetSpec } from '../nftables/nft.ts';
import { bytesOfRange } from '../nftables/ranges.ts';
import type { IpSetContent, IpSetDelta, IpSetId, IpSetType, PortMember } from '../policy/types/types.ts';
import * as names from './names.ts';

export const FAMILIES: readonly Family[] = [4, 6];

/** The set of single keys: addresses, or triples of address, protocol and port. */
export function ipSetSpec(id: IpSetId, type: IpSetType, family: Family): SetSpec {
  const address: KeyType = family === 4 ? 'ipv4_addr' : 'ipv6_addr';
  return {
    name: names.ipSetName(id, type === 'port' ? 'port' : 'address', family),
    key: type === 'port' ? [address, 'inet_proto', 'inet_service'] : [address],
    interval: false,
    verdicts: false,
    comment: names.commentOf(id),
  };
}

export interface KeyedMember {
  readonly family: Family;
  readonly key: Bytes;
  /** More than one address: the key is its first and last. */
  readonly isRange: boolean;
}

function addressKey(address: Ip): KeyedMember {
  return { family: familyOf(address), key: bytesOfIp(address), isRange: false };
}

function rangeKey(cidr: Cidr): KeyedMember {
  const family = cidrFamily(cidr);
  if (cidr.prefixLength === bitsOf(family)) return addressKey(cidr.address);
  return { family, key: bytesOfRange(cidr), isRange: true };
}

function portKey({ address, protocol, port }: PortMember): KeyedMember {
  const key = bytesOfIp(address) + padToWord(bytesOfU8(protocol)) + padToWord(bytesOfU16(port));
  return { family: familyOf(address), key, isRange: false };
}

/** Where each member goes. */
export function keysOfMembers(content: IpSetContent): readonly KeyedMember[] {
  switch (content.type) {
    case 'address':
      return content.members.map(addressKey);
    case 'cidr':
      return content.members.map(rangeKey);
    case 'port':
      return content.members.map(portKey);
  }
}

/** One side of a delta as a content. */
export function contentOf(delta: IpSetDelta, side: 'added' | 'removed'): IpSetContent {
  switch (delta.type) {
    case 'address':
      return { type: 'address', members: delta[side] };
    case 'cidr':
      return { type: 'cidr', members: delta[side] };
    case 'port':
      return { type: 'port', members: delta[side] };
  }
}
