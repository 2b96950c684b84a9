// How packets between hosts are wrapped, and how many bytes of each that takes: outer IP header, and what stands between the two.
import type { Family } from './ip.ts';

/** IP-in-IP (RFC 2003), VXLAN (RFC 7348), WireGuard (its whitepaper, section 5.4.6). */
export type Encapsulation = 'ipip' | 'vxlan' | 'wireguard';

/**
 * By the family of the outer header, which is that of the inner one: 20 bytes or 40 of IP; for VXLAN 8 of UDP, 8 of its own and 14 of
 * Ethernet; for WireGuard 8 of UDP and 32 of its own.
 */
const BYTES: Readonly<Record<Encapsulation, Readonly<Record<Family, number>>>> = {
  ipip: { 4: 20, 6: 40 },
  vxlan: { 4: 50, 6: 70 },
  wireguard: { 4: 60, 6: 80 },
};

/** What it takes of an MTU. */
export function encapsulationBytes(encapsulation: Encapsulation, family: Family): number {
  return BYTES[encapsulation][family];
}
