// A set of addresses and ranges without overlaps: what another range covers is left out, as interval sets want it.

import { networkOf } from '../../net/cidr.ts';
import { bitsOf, familyOf, type Ip } from '../../net/ip.ts';
import { type RangeKey, rangeKey, rangeOf } from './member-key.ts';

/** Prefix lengths that occur, per family, ascending. */
interface Lengths {
  readonly 4: readonly number[];
  readonly 6: readonly number[];
}

export interface Ranges {
  readonly keys: ReadonlySet<RangeKey>;
  readonly lengths: Lengths;
}

/** Cost is linear in the ranges. */
export function indexRanges(keys: ReadonlySet<RangeKey>): Ranges {
  const lengths = { 4: new Set<number>(), 6: new Set<number>() };
  for (const key of keys) {
    const range = rangeOf(key);
    lengths[familyOf(range.address)].add(range.prefixLength);
  }
  const ascending = (a: number, b: number) => a - b;
  return { keys, lengths: { 4: [...lengths[4]].sort(ascending), 6: [...lengths[6]].sort(ascending) } };
}

/** Whether a range shorter than `prefixLength` bits contains the address; at most one lookup for each length. */
export function isCovered(ranges: Ranges, address: Ip, prefixLength: number): boolean {
  for (const length of ranges.lengths[familyOf(address)]) {
    if (length >= prefixLength) return false;
    if (ranges.keys.has(rangeKey(networkOf(address, length), length))) return true;
  }
  return false;
}

/** The keys of everything that nothing else covers; addresses as ranges of full length. */
export function computeDisjoint(ranges: Ranges, addresses: Iterable<Ip>): Set<RangeKey> {
  const visible = new Set<RangeKey>();
  for (const key of ranges.keys) {
    const range = rangeOf(key);
    if (!isCovered(ranges, range.address, range.prefixLength)) visible.add(key);
  }
  for (const address of addresses) {
    const bits = bitsOf(familyOf(address));
    if (!isCovered(ranges, address, bits)) visible.add(rangeKey(address, bits));
  }
  return visible;
}
