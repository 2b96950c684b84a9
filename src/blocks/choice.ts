// In which order a host looks at the blocks of a pool: all of them once, from a place that its name decides.
import type { Cidr } from '../net/cidr.ts';
import { addToIp, bitsOf, familyOf } from '../net/ip.ts';

/** FNV-1, 32 bits (offset basis and prime from the FNV reference), over UTF-8. */
function fnv1(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = (Math.imul(hash, 0x01000193) ^ byte) >>> 0;
  return hash;
}

/** SplitMix64's finaliser: spreads neighbouring hashes, and so hosts with neighbouring names, over the whole pool. */
function spread(value: number): bigint {
  let z = BigInt.asUintN(64, BigInt(value) + 0x9e3779b97f4a7c15n);
  z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
  z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn);
  return z ^ (z >> 31n);
}

/** How many blocks a pool has; beyond 2^53 for a large IPv6 pool. */
export function blockCount(pool: Cidr, blockPrefixLength: number): bigint {
  return 1n << BigInt(blockPrefixLength - pool.prefixLength);
}

/**
 * Every block of the pool once, wrapping at its end. A host always starts at the same place, so that it finds its area
 * again after losing it. Calico draws the place from Go's generator seeded with the same FNV-1 hash; ours is another
 * place of the same pool, which both accept, since what counts is only which blocks exist.
 */
export function* blocksFrom(pool: Cidr, blockPrefixLength: number, host: string): Generator<Cidr> {
  const count = blockCount(pool, blockPrefixLength);
  const size = 1n << BigInt(bitsOf(familyOf(pool.address)) - blockPrefixLength);
  const start = spread(fnv1(host)) % count;
  for (let step = 0n; step < count; step++) {
    yield { address: addToIp(pool.address, ((start + step) % count) * size), prefixLength: blockPrefixLength };
  }
}
