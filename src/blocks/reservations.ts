// Ranges that are never assigned automatically (IPReservation).
import { type Cidr, cidrContains, cidrsOverlap } from '../net/cidr.ts';
import type { Ip } from '../net/ip.ts';
import { type Block, ipAt } from './block.ts';

/** A test for addresses of one block or pool; looks only at reservations that touch it. */
export function reservedIn(range: Cidr, reservations: readonly Cidr[]): (ip: Ip) => boolean {
  const near = reservations.filter((reservation) => cidrsOverlap(reservation, range));
  return near.length === 0 ? () => false : (ip) => near.some((reservation) => cidrContains(reservation, ip));
}

/** Whether the block has an address that is free and not reserved. */
export function hasRoom(block: Block, isReserved: (ip: Ip) => boolean): boolean {
  return block.unallocated.some((ordinal) => !isReserved(ipAt(block, ordinal)));
}
