// nftables objects as data: what our tables hold, and the ordered operations that change it.
import type { Family } from '../net/ip.ts';
import type { PortRange } from '../net/port.ts';

/** The name of our two tables, one of each family. Everything of ours is in them, nothing else is. */
export const TABLE = 'ocicat';

export const TABLE_FAMILIES = ['arp', 'inet'] as const;
export type TableFamily = (typeof TABLE_FAMILIES)[number];

/** Chains and sets whose names begin with `arp-` are in the table that sees ARP, all others in the one that sees IP. */
export function familyOfObject(name: string): TableFamily {
  return name.startsWith('arp-') ? 'arp' : 'inet';
}

/** Has the same content for the moment in which ours is made anew. */
export const STAND_IN_TABLE = 'ocicat-stand-in';

/** Grows when objects of an older agent's table would be misread; kept in the table's comment. */
export const LAYOUT = 'layout 1';

/** A string of one character (0 to 255) per byte, network order unless stated: compares with === and works as a map's key. */
export type Bytes = string;

/** nft's names of the data types that our sets and maps are keyed by. */
export type KeyType = 'ipv4_addr' | 'ipv6_addr' | 'ifname' | 'inet_proto' | 'inet_service' | 'icmpv6_type' | 'ct_state';

export type Verdict =
  | { readonly kind: 'accept' | 'drop' | 'return' }
  | { readonly kind: 'jump' | 'goto'; readonly chain: string };

/** What a rule can look at; fields.ts says where it is and how nft calls it. */
export type Field =
  /** By its number; 0 where the packet has none. */
  | 'iif'
  | 'iifname'
  | 'oifname'
  | 'iifgroup'
  | 'oifgroup'
  | 'nfproto'
  | 'l4proto'
  | 'ct-state'
  | 'flow-saddr4'
  | 'flow-saddr6'
  | 'answer-saddr4'
  | 'answer-saddr6'
  | 'saddr4'
  | 'daddr4'
  | 'saddr6'
  | 'daddr6'
  /** What the destination is to this host (an address of its own, one of everybody's): RTN_ of linux/rtnetlink.h. */
  | 'daddr-type'
  | 'arp-operation'
  | 'arp-sender'
  | 'sport'
  | 'dport'
  | 'icmp-type'
  | 'icmp-code'
  | 'icmpv6-type'
  | 'icmpv6-code'
  | 'icmp-type-code';

export type Statement =
  | { readonly kind: 'compare'; readonly field: Field; readonly negated: boolean; readonly value: Bytes }
  /** Addresses whose first `prefixLength` bits are those of `value`. */
  | {
      readonly kind: 'prefix';
      readonly field: Field;
      readonly negated: boolean;
      readonly value: Bytes;
      readonly prefixLength: number;
    }
  /** Interface names that start with `value`. */
  | { readonly kind: 'name-prefix'; readonly field: 'iifname' | 'oifname'; readonly value: string }
  /** Both ends included. */
  | {
      readonly kind: 'range';
      readonly field: Field;
      readonly negated: boolean;
      readonly first: Bytes;
      readonly last: Bytes;
    }
  /** The concatenated fields are in the named set; of some only the first bits count, and the others are zero in the set. */
  | {
      readonly kind: 'lookup';
      readonly fields: readonly Field[];
      /** How many bits of each field count; undefined: all of every field. */
      readonly prefixLengths?: readonly number[];
      readonly negated: boolean;
      readonly set: string;
    }
  /** The verdict that the named map has for the fields; goes on when it has none. */
  | { readonly kind: 'verdict-map'; readonly fields: readonly Field[]; readonly map: string }
  /** The packet's flow is in one of these states: bits of NF_CT_STATE_BIT (linux/netfilter/nf_conntrack_common.h). */
  | { readonly kind: 'ct-states'; readonly bits: number }
  /** The packet's flow is beyond this number among those that the set counts under the same interface. */
  | {
      readonly kind: 'beyond-flows';
      readonly field: 'iifname' | 'oifname';
      readonly set: string;
      readonly limit: number;
    }
  /** More packets than this have come by the packet's interface in a second, which the set counts for each; a tenth of it at once. */
  | { readonly kind: 'beyond-rate-each'; readonly field: 'iifname'; readonly set: string; readonly perSecond: number }
  /** More packets than this have come to the rule in a time. */
  | { readonly kind: 'beyond-rate'; readonly limit: RateLimit }
  /** The packet's connection is beyond this number among those that have come to the rule. */
  | { readonly kind: 'beyond-connections'; readonly limit: number }
  /** The packet's differentiated services code point becomes this (RFC 2474), for a packet of that family. */
  | { readonly kind: 'set-dscp'; readonly family: Family; readonly value: number }
  /** All these bits of the packet's mark are set. */
  | { readonly kind: 'mark-is'; readonly bits: number }
  | { readonly kind: 'mark-set'; readonly bits: number }
  | { readonly kind: 'mark-clear'; readonly bits: number }
  | { readonly kind: 'counter' }
  /** At most so many packets get on to the next statement in a time, and some more at once at first. */
  | { readonly kind: 'limit'; readonly limit: RateLimit }
  /** To the kernel's log at level info, or to who listens to the group. */
  | { readonly kind: 'log'; readonly prefix: string; readonly group?: number }
  | { readonly kind: 'reject'; readonly how: 'tcp-reset' | 'admin-prohibited' }
  /** No connection is made of the packet, nor is it looked for among them. */
  | { readonly kind: 'notrack' }
  /** The destination of the packet's flow is not the one that it was sent to. */
  | { readonly kind: 'destination-translated' }
  /** The source becomes the outgoing interface's address, from random ports, of a range where one is given. */
  | { readonly kind: 'masquerade'; readonly ports?: PortRange }
  /** The same with an address that is given. */
  | { readonly kind: 'source-nat'; readonly address: Bytes; readonly ports?: PortRange }
  | { readonly kind: 'destination-nat'; readonly address: Bytes }
  /** The destination becomes what the named map has for the fields, an address or one with a port; goes on when it has nothing. */
  | {
      readonly kind: 'destination-nat-map';
      readonly family: Family;
      readonly fields: readonly Field[];
      readonly map: string;
      readonly hasPort: boolean;
    }
  | { readonly kind: 'verdict'; readonly verdict: Verdict };

export type RateUnit = 'second' | 'minute' | 'hour' | 'day';

/** `rate` and `burst` are at least 1: the kernel puts a number of its own in the place of 0. */
export interface RateLimit {
  readonly rate: number;
  readonly unit: RateUnit;
  readonly burst: number;
}

/** What a counter has met. */
export interface Count {
  readonly packets: number;
  readonly bytes: number;
}

export interface RemovedSet {
  readonly name: string;
  readonly isMap: boolean;
  /** What it held. The kernel need not be told; whoever asks which members have moved does. */
  readonly elements: Elements;
}

/** All statements hold, from left to right, or the next rule is tried. Comments: printable ASCII, at most 120 characters. */
export interface Rule {
  readonly statements: readonly Statement[];
  readonly comment?: string;
}

export interface BaseHook {
  readonly type: 'filter' | 'nat';
  readonly hook: 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting';
  readonly priority: number;
}

/** A chain without its rules. With `base` it is called by the kernel (policy accept), without by other chains. */
export interface ChainSpec {
  readonly name: string;
  readonly base?: BaseHook;
  readonly comment?: string;
}

export interface Chain extends ChainSpec {
  readonly rules: readonly Rule[];
}

/** A named set; with `verdicts` a verdict map, with `values` a map of these types. More than one type: a concatenation. */
export interface SetSpec {
  readonly name: string;
  readonly key: readonly KeyType[];
  readonly interval: boolean;
  readonly verdicts: boolean;
  readonly values?: readonly KeyType[];
  /** Its elements come and go with packets: nobody compares them. */
  readonly dynamic?: true;
  /** Of a dynamic set: after which its elements go. */
  readonly timeoutSeconds?: number;
  /** What the rules that ask for it do with a packet that it has, whatever chain they are in. Its elements count packets. */
  readonly decides?: 'accept' | 'drop' | 'return';
  /** Of a verdict map: the rule behind each that asks for it, which a packet meets that comes back from a chain. */
  readonly behind?: 'drop';
  readonly comment?: string;
}

/**
 * Key bytes to verdict (undefined in a plain set). Each part of a concatenation is padded to four bytes. The key of an
 * interval set is its first address followed by its last, both included.
 */
export type Elements = ReadonlyMap<Bytes, ElementValue | undefined>;

/** Of a verdict map the verdict, of another the value's bytes, padded as keys are; an element of a set may say whose it is. */
export type ElementValue =
  | Verdict
  | { readonly kind: 'comment'; readonly text: string }
  | { readonly kind: 'value'; readonly bytes: Bytes };

export function verdictIn(value: ElementValue | undefined): Verdict | undefined {
  return value?.kind === 'comment' || value?.kind === 'value' ? undefined : value;
}

export function isMap({ verdicts, values }: Pick<SetSpec, 'verdicts' | 'values'>): boolean {
  return verdicts || values !== undefined;
}

export interface NftSet {
  readonly spec: SetSpec;
  readonly elements: Elements;
}

/** Everything in our table. */
export interface Ruleset {
  readonly chains: ReadonlyMap<string, Chain>;
  readonly sets: ReadonlyMap<string, NftSet>;
}

export type Element = readonly [key: Bytes, value: ElementValue | undefined];

export type Operation =
  | { readonly kind: 'add-table' }
  | { readonly kind: 'delete-table' }
  | { readonly kind: 'add-set'; readonly set: SetSpec }
  | ({ readonly kind: 'delete-set' } & RemovedSet)
  | { readonly kind: 'add-chain'; readonly chain: ChainSpec }
  /** Removes the chain's rules. */
  | { readonly kind: 'flush-chain'; readonly chain: string }
  | { readonly kind: 'delete-chain'; readonly chain: string }
  /** After the chain's other rules; `counted`: what its counter begins with. */
  | { readonly kind: 'add-rule'; readonly chain: string; readonly rule: Rule; readonly counted?: Count }
  | { readonly kind: 'add-elements'; readonly set: SetSpec; readonly elements: readonly Element[] }
  | { readonly kind: 'delete-elements'; readonly set: SetSpec; readonly elements: readonly Element[] };

/** Takes effect as a whole or not at all. Empty: nothing to do. */
export type Batch = readonly Operation[];

/** One batch after the other, each of them not empty. Between two of them the kernel judges packets as before. */
export type Steps = readonly Batch[];
