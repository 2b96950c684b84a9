// The names of our chains and sets. All have a hyphen, so that none is a keyword of nft, and 31 characters at most.
import { shortHash } from '../base/hash.ts';
import type { Family } from '../net/ip.ts';
import type { Direction, IpSetId, RuleListId } from '../policy/types/types.ts';

/** 96 bits: no two names of a node will meet. */
const HASH_LENGTH = 16;

/** Verdict maps, interface name to group chain: what comes from a workload, what goes to one. */
export const EGRESS_MAP = 'workload-egress';
export const INGRESS_MAP = 'workload-ingress';
/** Names of the interfaces in both maps. */
export const WORKLOADS_SET = 'workload-names';
export const RELATED_CHAIN = 'related';
export const GUARDS_MAP = 'workload-guards';
export const DISCOVERY_SET = 'discovery-types';
/** Protocols with ports where policy looks for them. */
export const PORT_PROTOCOLS_SET = 'port-protocols';
/** Where a deny that answers goes. */
export const REJECT_CHAIN = 'deny-reject';

/** (interface, address) pairs that neighbour discovery may come with. */
export const DISCOVERY_SOURCES_SET = 'discovery-sources';

/** (interface, address) pairs that ARP may come with, and interfaces that may answer with others: in the arp table. */
export const ARP_SENDERS_SET = 'arp-senders';
export const ARP_ANSWERERS_SET = 'arp-answerers';

/** Addresses that no workload has or reaches. */
export function closedSet(family: Family): string {
  return `closed-addresses${family}`;
}

/** (interface, address) pairs that a packet may come with. */
export function sourcesSet(family: Family): string {
  return `workload-sources${family}`;
}

/** The same with ranges of addresses. */
export function sourceRangesSet(family: Family): string {
  return `workload-ranges${family}`;
}

/** (interface, address, port) of the host's that a workload speaks BGP to. */
export function peeringsSet(family: Family): string {
  return `workload-peerings${family}`;
}

/** The addresses of the host among them, which are for nobody else. */
export function peeringAddressesSet(family: Family): string {
  return `peering-addresses${family}`;
}

/** Of the set that holds an IP set's single addresses, or its ports. */
export function ipSetName(id: IpSetId, type: 'address' | 'port', family: Family): string {
  return `${type}${family}-${shortHash(id, HASH_LENGTH)}`;
}

/** The id that the addresses of a selector have when ranges come to them, or the last one goes; undefined for ports. */
export function twinOf(id: IpSetId): IpSetId | undefined {
  const [, kind, selector] = /^([sr]):(.*)$/s.exec(id) ?? [];
  return kind === undefined ? undefined : `${kind === 's' ? 'r' : 's'}:${selector}`;
}

/** The set of the same IP set in the family. */
export function inFamily(name: string, family: Family): string {
  return name.replace(/^(address|port)[46]-/, `$1${family}-`);
}

/** The family of a set that ipSetName has named; undefined for every other set. */
export function familyOfIpSet(name: string): Family | undefined {
  const [, family] = /^(?:address|port)([46])-/.exec(name) ?? [];
  return family === undefined ? undefined : family === '4' ? 4 : 6;
}

/** Named after their content, which never changes. */
export function constantName(kind: 'nets4' | 'nets6' | 'ports', content: string): string {
  return `${kind}-${shortHash(content, HASH_LENGTH)}`;
}

/** Of boxes that a tier's policies do the same with. */
export function mergedSet(action: 'allow' | 'deny' | 'pass', content: string): string {
  return `${action}-${shortHash(content, HASH_LENGTH)}`;
}

export function rulesChain(direction: Direction, id: RuleListId): string {
  return `rules-${direction}-${shortHash(id, HASH_LENGTH)}`;
}

export function tierChain(direction: Direction, content: string): string {
  return `tier-${direction}-${shortHash(content, HASH_LENGTH)}`;
}

export function groupChain(direction: Direction, content: string): string {
  return `group-${direction}-${shortHash(content, HASH_LENGTH)}`;
}

/** What nft can hold as a comment: printable ASCII without quotes and backslashes, cut to 120 characters. */
export function commentOf(text: string): string {
  return text.replace(/[^ -~]|["\\]/g, '?').slice(0, 120);
}
