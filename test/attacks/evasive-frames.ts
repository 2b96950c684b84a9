// Packets that say what they are in an unusual way: behind extension headers of IPv6, in odd fragments, with odd flags, inside
// others. Built byte by byte on those of frames.ts.
import { ipToBytes, isIpv4 } from '../../src/net/ip.ts';
import type * as frames from './frames.ts';

const [HOP_BY_HOP, ROUTING, FRAGMENT, NO_NEXT, DESTINATION_OPTIONS] = [0, 43, 44, 59, 60] as const;
const zeros = (length: number): frames.Octets => new Array<number>(length).fill(0);
const u16 = (value: number): frames.Octets => [(value >>> 8) & 255, value & 255];

/** Puts a header before what the packet carries; its first octet says what comes next (RFC 8200, section 4). */
function behind(header: number, rest: frames.Octets, packet: frames.Packet): frames.Packet {
  return { ...packet, protocol: header, payload: [packet.protocol, ...rest, ...packet.payload] };
}

/** Six octets of padding, as one option. */
const PADDING: frames.Octets = [0, 1, 4, 0, 0, 0, 0];

export const hopByHop = (packet: frames.Packet) => behind(HOP_BY_HOP, PADDING, packet);
export const destinationOptions = (packet: frames.Packet) => behind(DESTINATION_OPTIONS, PADDING, packet);

/** With no segments left, so that nobody routes by it. */
export function routing(packet: frames.Packet, type: number): frames.Packet {
  return behind(ROUTING, [2, type, 0, ...zeros(4), ...ipToBytes(packet.destination)], packet);
}

/** A fragment that is all of the packet (RFC 6946). */
export const atomicFragment = (packet: frames.Packet) => behind(FRAGMENT, [0, 0, 0, 0, 0, 0, 7], packet);

export const nothingNext = (packet: frames.Packet) => behind(NO_NEXT, PADDING, packet);

/** In two: the first has so many octets, a multiple of eight, of what the packet carries. */
export function fragments6(packet: frames.Packet, at: number): readonly frames.Packet[] {
  const part = (payload: frames.Octets, offset: number, more: number): frames.Packet => ({
    ...packet,
    protocol: FRAGMENT,
    payload: [packet.protocol, 0, ...u16(offset | more), 0, 0, 0, 9, ...payload],
  });
  return [part(packet.payload.slice(0, at), 0, 1), part(packet.payload.slice(at), at, 0)];
}

/** Fragments of which the second writes over what the first says (RFC 1858, RFC 5722). */
export function overlapping(harmless: frames.Packet, meant: frames.Packet): readonly frames.Packet[] {
  if (!isIpv4(meant.destination)) {
    const [first] = fragments6(harmless, 16);
    const [, last] = fragments6(meant, 8);
    return [first, last].filter((one) => one !== undefined);
  }
  return [
    { ...harmless, payload: harmless.payload.slice(0, 16), fragment: 0x2000 },
    { ...meant, payload: meant.payload.slice(0, 8), fragment: 0x2000 },
    { ...meant, payload: meant.payload.slice(8), fragment: 1 },
  ];
}

/** Another protocol whose header begins with ports as well. */
export function as(protocol: number, packet: frames.Packet): frames.Packet {
  return { ...packet, protocol };
}

/** A frame with tags of virtual networks before its type (IEEE 802.1Q, 802.1ad). */
export function tagged(frame: frames.Octets, ...tags: readonly (readonly [type: number, id: number])[]): frames.Octets {
  return [...frame.slice(0, 12), ...tags.flatMap(([type, id]) => [...u16(type), ...u16(id)]), ...frame.slice(12)];
}

/** As IEEE 802.3 with LLC and SNAP, which say the type in another place (RFC 1042). */
export function snap(frame: frames.Octets): frames.Octets {
  const payload = [0xaa, 0xaa, 3, 0, 0, 0, ...frame.slice(12)];
  return [...frame.slice(0, 12), ...u16(payload.length), ...payload];
}
