// The bytes of one packet behind its IP header, with a number by which it and its answer are known again.
import { readAddress } from './addresses.ts';
import type { ReferencePacket } from './rule-match.ts';

export const [ICMP, TCP, UDP, ICMPV6, SCTP] = [1, 6, 17, 58, 132] as const;
/** The upper half of every packet's last word; the lower one is its number. */
const MARK = 0x0c1c;
const ANSWERS = { [ICMP]: new Set([0, 3, 14]), [ICMPV6]: new Set([1, 129]) };

/** RFC 1071. */
function checksum(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += view.getUint16(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** RFC 9260, appendix A: the polynomial of Castagnoli, reflected. */
function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return ~crc >>> 0;
}

function octets(address: string): readonly number[] {
  const { family, value } = readAddress(address);
  const length = family === 4 ? 4 : 16;
  return Array.from({ length }, (_, index) => Number((value >> BigInt(8 * (length - 1 - index))) & 255n));
}

/** What TCP, UDP and ICMPv6 put before themselves for the checksum; its lengths are below 65536. */
function pseudoHeader({ source, destination, protocol }: ReferencePacket, length: number): readonly number[] {
  return [...octets(source), ...octets(destination), 0, protocol, 0, length];
}

function filled(length: number, number: number, fill: (view: DataView) => void): Uint8Array {
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  fill(view);
  view.setUint32(length - 4, ((MARK << 16) | number) >>> 0);
  return bytes;
}

function withChecksum(bytes: Uint8Array, at: number, packet: ReferencePacket): Uint8Array {
  const pseudo = packet.protocol === ICMP ? [] : pseudoHeader(packet, bytes.length);
  new DataView(bytes.buffer).setUint16(at, checksum(Uint8Array.from([...pseudo, ...bytes])));
  return bytes;
}

/** A SYN: of a header of five words, and the mark. */
function tcpBytes(packet: ReferencePacket, number: number): Uint8Array {
  const bytes = filled(24, number, (view) => {
    view.setUint16(0, packet.sourcePort ?? 0);
    view.setUint16(2, packet.destinationPort ?? 0);
    view.setUint32(4, ((MARK << 16) | number) >>> 0);
    view.setUint16(12, 0x5002);
  });
  return withChecksum(bytes, 16, packet);
}

function udpBytes(packet: ReferencePacket, number: number): Uint8Array {
  const bytes = filled(12, number, (view) => {
    view.setUint16(0, packet.sourcePort ?? 0);
    view.setUint16(2, packet.destinationPort ?? 0);
    view.setUint16(4, 12);
  });
  return withChecksum(bytes, 6, packet);
}

function icmpBytes(packet: ReferencePacket, number: number): Uint8Array {
  const bytes = filled(24, number, (view) => {
    view.setUint8(0, packet.icmpType ?? 0);
    view.setUint8(1, packet.icmpCode ?? 0);
    view.setUint16(4, number);
  });
  return withChecksum(bytes, 2, packet);
}

/** INIT, which begins an association; its last word, the first sequence number, is the mark. */
function sctpBytes(packet: ReferencePacket, number: number): Uint8Array {
  const bytes = filled(32, number, (view) => {
    view.setUint16(0, packet.sourcePort ?? 0);
    view.setUint16(2, packet.destinationPort ?? 0);
    view.setUint16(12, 0x0100);
    view.setUint16(14, 20);
    view.setUint32(16, 1);
    view.setUint32(20, 65536);
    view.setUint32(24, 0x00010001);
  });
  new DataView(bytes.buffer).setUint32(8, crc32c(bytes), true);
  return bytes;
}

export function bytesOf(packet: ReferencePacket, number: number): Uint8Array {
  switch (packet.protocol) {
    case TCP:
      return tcpBytes(packet, number);
    case UDP:
      return udpBytes(packet, number);
    case ICMP:
    case ICMPV6:
      return icmpBytes(packet, number);
    case SCTP:
      return sctpBytes(packet, number);
    default:
      return filled(8, number, () => undefined);
  }
}

/** What was received: the packet with a number, or an answer to it. */
export interface Received {
  readonly number: number;
  readonly isAnswer: boolean;
}

function numberAt(view: DataView, at: number): number | undefined {
  return at >= 0 && view.getUint16(at) === MARK ? view.getUint16(at + 2) : undefined;
}

/** `segment`: from behind the IP header. A refused connection tells its number by what it acknowledges. */
export function recognise(segment: Uint8Array, protocol: number): Received | undefined {
  const view = new DataView(segment.buffer, segment.byteOffset, segment.byteLength);
  if (protocol === TCP && segment.length >= 20 && (view.getUint8(13) & 4) !== 0) {
    const acknowledged = (view.getUint32(8) - 5) >>> 0;
    return acknowledged >>> 16 === MARK ? { number: acknowledged & 0xffff, isAnswer: true } : undefined;
  }
  const number = numberAt(view, segment.length - 4);
  if (number === undefined) return undefined;
  const isIcmp = protocol === ICMP || protocol === ICMPV6;
  return { number, isAnswer: isIcmp && ANSWERS[protocol].has(view.getUint8(0)) };
}
