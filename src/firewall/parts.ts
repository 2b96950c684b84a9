// What a rendered chain depends on and must be there before it: sets and chains named after their content, and rule lists.
import type { Family } from '../net/ip.ts';
import type { Bytes, Chain, KeyType, Rule, SetSpec } from '../nftables/nft.ts';
import type { Direction, RuleListId } from '../policy/types/types.ts';
import * as names from './names.ts';

/** A set whose elements never change: others have another name. */
export interface SetPart {
  readonly kind: 'set';
  readonly spec: SetSpec;
  readonly elements: readonly Bytes[];
}

export type Part =
  | SetPart
  | { readonly kind: 'chain'; readonly chain: Chain; readonly parts: readonly Part[] }
  /** The chain of a policy or profile, whatever its rules are at the moment. */
  | { readonly kind: 'rules'; readonly direction: Direction; readonly id: RuleListId };

export interface Rendered {
  readonly rules: readonly Rule[];
  readonly parts: readonly Part[];
}

function constant(kind: 'nets4' | 'nets6' | 'ports', key: KeyType, elements: readonly Bytes[]): SetPart {
  const name = names.constantName(kind, elements.join(''));
  return { kind: 'set', spec: { name, key: [key], interval: true, verdicts: false }, elements };
}

/** Ranges of addresses that do not overlap, in order. */
export function constantNets(family: Family, elements: readonly Bytes[]): SetPart {
  return family === 4 ? constant('nets4', 'ipv4_addr', elements) : constant('nets6', 'ipv6_addr', elements);
}

/** Ranges of ports that do not overlap, in order. */
export function constantPorts(elements: readonly Bytes[]): SetPart {
  return constant('ports', 'inet_service', elements);
}
