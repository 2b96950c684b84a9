// In which order a host looks at the blocks of a pool: all of them once, from a place that its name decides.
import { type Cidr, cidrCovers, lastOf } from '../net/cidr.ts';
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

/** The blocks of one pool, in the order in which one host tries them. */
export interface ProbeOrder {
  readonly pool: Cidr;
  readonly blockPrefixLength: number;
  /** How many there are; beyond 2^53 for a large IPv6 pool. */
  readonly count: bigint;
  /** Addresses in one. */
  readonly blockSize: bigint;
  /** Index of the block that the host looks at first. */
  readonly start: bigint;
}

/**
 * A host always starts at the same place, so that it finds its area again after losing it. Calico draws the place from
 * Go's generator seeded with the same FNV-1 hash; ours is another place of the same pool, which both accept, since what
 * counts is only which blocks exist. (Calico starts at random for blocks of one address; the host's place serves as well.)
 */
export function createProbeOrder(pool: Cidr, blockPrefixLength: number, host: string): ProbeOrder {
  const count = 1n << BigInt(blockPrefixLength - pool.prefixLength);
  const blockSize = 1n << BigInt(bitsOf(familyOf(pool.address)) - blockPrefixLength);
  return { pool, blockPrefixLength, count, blockSize, start: spread(fnv1(host)) % count };
}

/** The index in the order at which a block of the pool comes: 0 to count - 1. */
export function probeIndexOf(order: ProbeOrder, block: Cidr): bigint {
  const index = (BigInt(block.address) - BigInt(order.pool.address)) / order.blockSize;
  return (index - order.start + order.count) % order.count;
}

/** The first reservation that covers the whole block. */
function coveringReservation(block: Cidr, reservations: readonly Cidr[]): Cidr | undefined {
  return reservations.find((reservation) => cidrCovers(reservation, block));
}

/** How many blocks from this one on, itself included, the reservation covers. */
function coveredFrom(order: ProbeOrder, block: Cidr, reservation: Cidr): bigint {
  const end = BigInt(lastOf(reservation)) + 1n;
  return (end - BigInt(block.address) + order.blockSize - 1n) / order.blockSize;
}

/** Every block of the pool once, wrapping at its end, but for those that a reservation covers, which cost one step together. */
export function* blocksOf(order: ProbeOrder, reservations: readonly Cidr[]): Generator<Cidr> {
  for (let place = 0n; place < order.count; ) {
    const index = (order.start + place) % order.count;
    const address = addToIp(order.pool.address, index * order.blockSize);
    const block = { address, prefixLength: order.blockPrefixLength };
    const reserved = coveringReservation(block, reservations);
    if (reserved === undefined) yield block;
    const toPoolEnd = order.count - index;
    const covered = reserved === undefined ? 1n : coveredFrom(order, block, reserved);
    place += covered < toPoolEnd ? covered : toPoolEnd;
  }
}
