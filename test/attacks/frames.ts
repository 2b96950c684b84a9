// Builds Ethernet frames byte by byte, so that a pod can send what its kernel would not.
import { type Ip, ipToBytes, isIpv4, parseIp } from '../../src/net/ip.ts';
import { macToBytes, parseMac } from '../../src/net/mac.ts';

export type Octets = readonly number[];

const IPV4 = 0x0800;
const ARP = 0x0806;
const IPV6 = 0x86dd;
const UDP = 17;
const ICMPV6 = 58;

const u16 = (value: number): Octets => [(value >>> 8) & 255, value & 255];
const u32 = (value: number): Octets => [...u16(value >>> 16), ...u16(value)];
const zeros = (length: number): Octets => new Array<number>(length).fill(0);
const mac = (text: string): Octets => [...macToBytes(parseMac(text))];
const ip = (address: Ip): Octets => [...ipToBytes(address)];
const ascii = (text: string): Octets => [...Buffer.from(text)];

/** RFC 1071. */
function checksum(octets: Octets): number {
  let sum = 0;
  for (let at = 0; at < octets.length; at += 2) sum += ((octets[at] ?? 0) << 8) | (octets[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** The octets with their checksum at a place that holds zeros. */
function withChecksum(octets: Octets, at: number, pseudo: Octets = []): Octets {
  return [...octets.slice(0, at), ...u16(checksum([...pseudo, ...octets])), ...octets.slice(at + 2)];
}

export interface Link {
  readonly from: string;
  readonly to: string;
}

function ethernet({ from, to }: Link, type: number, payload: Octets): Octets {
  return [...mac(to), ...mac(from), ...u16(type), ...payload];
}

/** `is` 1 asks, 2 answers (RFC 826). */
export interface ArpWords {
  readonly is: 1 | 2;
  readonly senderMac: string;
  readonly sender: Ip;
  readonly target: Ip;
}

export function arp(link: Link, { is, senderMac, sender, target }: ArpWords): Octets {
  const words = [...u16(1), ...u16(IPV4), 6, 4, ...u16(is)];
  return ethernet(link, ARP, [...words, ...mac(senderMac), ...ip(sender), ...zeros(6), ...ip(target)]);
}

export interface Packet {
  readonly source: Ip;
  readonly destination: Ip;
  readonly protocol: number;
  readonly payload: Octets;
  /** IPv4 options, a multiple of four. */
  readonly options?: Octets;
  /** IPv4 flags and fragment offset. */
  readonly fragment?: number;
  readonly hops?: number;
}

function ipv4(packet: Packet): Octets {
  const { options = [], fragment = 0, hops = 64, payload } = packet;
  const length = 20 + options.length;
  const start = [0x40 | (length / 4), 0, ...u16(length + payload.length), ...u16(0x4242), ...u16(fragment)];
  const header = [...start, hops, packet.protocol, 0, 0, ...ip(packet.source), ...ip(packet.destination), ...options];
  return [...withChecksum(header, 10), ...payload];
}

function ipv6({ source, destination, protocol, payload, hops = 64 }: Packet): Octets {
  return [0x60, 0, 0, 0, ...u16(payload.length), protocol, hops, ...ip(source), ...ip(destination), ...payload];
}

/** The packet alone, as a tunnel carries it. */
export function bare(packet: Packet): Octets {
  return isIpv4(packet.destination) ? ipv4(packet) : ipv6(packet);
}

export function frame(link: Link, packet: Packet): Octets {
  return ethernet(link, isIpv4(packet.destination) ? IPV4 : IPV6, bare(packet));
}

function pseudoHeader({ source, destination, protocol }: Omit<Packet, 'payload'>, length: number): Octets {
  return [...ip(source), ...ip(destination), ...u32(length), 0, 0, 0, protocol];
}

/** UDP with a text; over IPv4 without a checksum, which is allowed there. */
export function udp(source: Ip, destination: Ip, port: number, text: string | Octets, sport = 5000): Packet {
  const words = typeof text === 'string' ? ascii(text) : text;
  const plain = [...u16(sport), ...u16(port), ...u16(8 + words.length), 0, 0, ...words];
  const packet = { source, destination, protocol: UDP };
  const payload = isIpv4(destination) ? plain : withChecksum(plain, 6, pseudoHeader(packet, plain.length));
  return { ...packet, payload };
}

/** A TCP packet with these flags and a text. */
export function tcp(source: Ip, destination: Ip, port: number, sport: number, flags: number, text = ''): Packet {
  const head = [...u16(sport), ...u16(port), ...u32(1), ...u32(0), 0x50, flags, ...u16(1024), 0, 0, 0, 0];
  const plain = [...head, ...ascii(text)];
  const packet = { source, destination, protocol: 6 };
  const pseudo = [...ip(source), ...ip(destination), 0, 6, ...u16(plain.length)];
  return { ...packet, payload: withChecksum(plain, 16, pseudo) };
}

/** One that asks for a connection. */
export function syn(source: Ip, destination: Ip, port: number, sport: number): Packet {
  return tcp(source, destination, port, sport, 2);
}

function icmp(source: Ip, destination: Ip, type: number, code: number, rest: Octets): Packet {
  return { source, destination, protocol: 1, payload: withChecksum([type, code, 0, 0, ...rest], 2) };
}

/** With the hop limit that neighbour discovery wants (RFC 4861). */
function icmpv6(source: Ip, destination: Ip, type: number, rest: Octets, code = 0): Packet {
  const packet = { source, destination, protocol: ICMPV6, hops: 255 };
  const plain = [type, code, 0, 0, ...rest];
  return { ...packet, payload: withChecksum(plain, 2, pseudoHeader(packet, plain.length)) };
}

/** Neighbour solicitation (135) or advertisement (136) of a target, with the sender's or the target's Ethernet address. */
export function discovery(source: Ip, destination: Ip, type: 135 | 136, target: Ip, owner: string): Packet {
  const flags = type === 136 ? u32(0x60000000) : u32(0);
  return icmpv6(source, destination, type, [...flags, ...ip(target), type === 135 ? 1 : 2, 1, ...mac(owner)]);
}

export function routerSolicitation(source: Ip, owner: string): Packet {
  return icmpv6(source, parseIp('ff02::2'), 133, [...u32(0), 1, 1, ...mac(owner)]);
}

/** For half an hour, with a prefix to make addresses of. */
export function routerAdvertisement(source: Ip, prefix: Ip): Packet {
  const prefixOption = [3, 4, 64, 0xc0, ...u32(1800), ...u32(1800), ...u32(0), ...ip(prefix)];
  return icmpv6(source, parseIp('ff02::1'), 134, [64, 0, ...u16(1800), ...u32(0), ...u32(0), ...prefixOption]);
}

/** That the way to `about`'s destination is by `gateway` from now on (RFC 792, RFC 4861). */
export function redirect(source: Ip, destination: Ip, gateway: Ip, about: Packet): Packet {
  const original = bare(about);
  if (isIpv4(destination)) return icmp(source, destination, 5, 1, [...ip(gateway), ...original]);
  const padded = [...original, ...zeros(-original.length & 7)];
  const option = [4, 1 + padded.length / 8, ...zeros(6), ...padded];
  return icmpv6(source, destination, 137, [...u32(0), ...ip(gateway), ...ip(about.destination), ...option]);
}

/** That something is wrong with `about`, which is quoted; an MTU of 1280 where one is told (RFC 792, RFC 4443). */
export function error(source: Ip, destination: Ip, type: number, code: number, about: Packet): Packet {
  const rest = [...u32(1280), ...bare(about)];
  return isIpv4(destination)
    ? icmp(source, destination, type, code, rest)
    : icmpv6(source, destination, type, rest, code);
}

/** IPv4 options that name the machines that the packet is to go by (RFC 791), filled up to four octets. */
export function looseSourceRoute(by: Ip): Octets {
  return [131, 7, 4, ...ip(by), 0];
}

/** A UDP packet in two fragments, the ports in the first. */
export function fragments(packet: Packet): readonly Packet[] {
  const [head, rest] = [packet.payload.slice(0, 8), packet.payload.slice(8)];
  return [
    { ...packet, payload: head, fragment: 0x2000 },
    { ...packet, payload: rest, fragment: 1 },
  ];
}

/** What a program that feeds frames into an interface reads: one a line, in hexadecimal. */
export function printFrames(frames: readonly Octets[]): string {
  return frames.map((octets) => Buffer.from(octets).toString('hex')).join('\n');
}
