// Where each field of a packet is found, and what nft calls it.
import { formatIp } from '../net/ip.ts';
import { hostBytesOfU32, ipOfBytes, numberOfBytes } from './bytes.ts';
import { printInterfaceName } from './keys.ts';
import type { Bytes, Field } from './nft.ts';

/** Kernel numbers: include/uapi/linux/netfilter/nf_tables.h (nft_meta_keys, nft_ct_keys, nft_payload_bases). */
type Source =
  | { readonly kind: 'meta'; readonly key: number }
  /** `direction`: of the flow's addresses; 0 that of its first packet, 1 that of its answers. */
  | { readonly kind: 'ct'; readonly key: number; readonly direction?: 0 | 1 }
  /** A question to the routing table: NFTA_FIB_RESULT and NFTA_FIB_FLAGS. */
  | { readonly kind: 'fib'; readonly result: number; readonly flags: number }
  | { readonly kind: 'payload'; readonly base: number; readonly offset: number };

interface FieldInfo {
  readonly text: string;
  readonly source: Source;
  readonly bytes: number;
  readonly print: (value: Bytes) => string;
}

export const META_MARK = 3;

const network = (offset: number): Source => ({ kind: 'payload', base: 1, offset });
const transport = (offset: number): Source => ({ kind: 'payload', base: 2, offset });
const meta = (key: number): Source => ({ kind: 'meta', key });
const flow = (key: number, direction: 0 | 1): Source => ({ kind: 'ct', key, direction });
const number = (bytes: Bytes): string => String(numberOfBytes(bytes));
const hostNumber = (bytes: Bytes): string => number([...bytes].reverse().join(''));
const address = (bytes: Bytes): string => formatIp(ipOfBytes(bytes));

export const NFPROTO_IPV4 = 2;
export const NFPROTO_IPV6 = 10;

function printFamily(bytes: Bytes): string {
  return numberOfBytes(bytes) === NFPROTO_IPV4 ? 'ipv4' : 'ipv6';
}

function printRaw(bytes: Bytes): string {
  return `0x${numberOfBytes(bytes)
    .toString(16)
    .padStart(bytes.length * 2, '0')}`;
}

export const ADDRESS_LOCAL = 2;

function printAddressType(bytes: Bytes): string {
  return bytes === hostBytesOfU32(ADDRESS_LOCAL) ? 'local' : printRaw(bytes);
}

/** Ports are read from the transport header whatever the protocol is: a rule must have compared it before. */
export const fields: Readonly<Record<Field, FieldInfo>> = {
  iif: { text: 'iif', source: meta(4), bytes: 4, print: hostNumber },
  iifname: { text: 'iifname', source: meta(6), bytes: 16, print: printInterfaceName },
  oifname: { text: 'oifname', source: meta(7), bytes: 16, print: printInterfaceName },
  iifgroup: { text: 'iifgroup', source: meta(21), bytes: 4, print: hostNumber },
  oifgroup: { text: 'oifgroup', source: meta(22), bytes: 4, print: hostNumber },
  nfproto: { text: 'meta nfproto', source: meta(15), bytes: 1, print: printFamily },
  l4proto: { text: 'meta l4proto', source: meta(16), bytes: 1, print: number },
  'ct-state': { text: 'ct state', source: { kind: 'ct', key: 0 }, bytes: 4, print: number },
  'flow-saddr4': { text: 'ct original ip saddr', source: flow(19, 0), bytes: 4, print: address },
  'flow-saddr6': { text: 'ct original ip6 saddr', source: flow(21, 0), bytes: 16, print: address },
  'answer-saddr4': { text: 'ct reply ip saddr', source: flow(19, 1), bytes: 4, print: address },
  'answer-saddr6': { text: 'ct reply ip6 saddr', source: flow(21, 1), bytes: 16, print: address },
  saddr4: { text: 'ip saddr', source: network(12), bytes: 4, print: address },
  daddr4: { text: 'ip daddr', source: network(16), bytes: 4, print: address },
  saddr6: { text: 'ip6 saddr', source: network(8), bytes: 16, print: address },
  daddr6: { text: 'ip6 daddr', source: network(24), bytes: 16, print: address },
  'daddr-type': {
    text: 'fib daddr type',
    source: { kind: 'fib', result: 3, flags: 2 },
    bytes: 4,
    print: printAddressType,
  },
  'arp-operation': { text: 'arp operation', source: network(6), bytes: 2, print: number },
  'arp-sender': { text: 'arp saddr ip', source: network(14), bytes: 4, print: address },
  sport: { text: 'th sport', source: transport(0), bytes: 2, print: number },
  dport: { text: 'th dport', source: transport(2), bytes: 2, print: number },
  'icmp-type': { text: 'icmp type', source: transport(0), bytes: 1, print: number },
  'icmp-code': { text: 'icmp code', source: transport(1), bytes: 1, print: number },
  'icmpv6-type': { text: 'icmpv6 type', source: transport(0), bytes: 1, print: number },
  'icmpv6-code': { text: 'icmpv6 code', source: transport(1), bytes: 1, print: number },
  'icmp-type-code': { text: '@th,0,16', source: transport(0), bytes: 2, print: printRaw },
};
