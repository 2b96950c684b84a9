// Neighbour entries: which Ethernet address answers for an IP address on a link.
import { familyOf, type Ip, ipFromBytes, ipToBytes } from '../../net/ip.ts';
import { type Mac, macFromBytes, macToBytes } from '../../net/mac.ts';
import * as netlink from '../../sys/netlink.ts';

export const RTM_NEWNEIGH = 28;
export const RTM_DELNEIGH = 29;
export const RTM_GETNEIGH = 30;
const RTM_SETNEIGHTBL = 67;

const AF_INET = 2;
const AF_INET6 = 10;
const NDA_DST = 1;
const NDA_LLADDR = 2;
const NDA_IFINDEX = 8;
const NUD_PERMANENT = 0x80;
const NEIGHBOUR_HEADER_BYTES = 12;
const NDTA_NAME = 1;
const NDTA_PARMS = 6;
const NDTPA_IFINDEX = 1;
const NDTPA_PROXY_DELAY = 13;

export interface Neighbour {
  readonly interfaceIndex: number;
  readonly address: Ip;
  /** Undefined while it is not resolved. */
  readonly mac: Mac | undefined;
  /** Set by somebody, not learned: stays until it is removed or the link goes down. */
  readonly permanent: boolean;
}

function beginNeighbour(
  writer: netlink.MessageWriter,
  type: number,
  flags: number,
  { interfaceIndex, address }: Pick<Neighbour, 'interfaceIndex' | 'address'>,
): netlink.MessageWriter {
  writer
    .begin(type, flags)
    .u8(familyOf(address) === 4 ? AF_INET : AF_INET6)
    .u8(0)
    .u16(0)
    .u32(interfaceIndex);
  return writer.u16(NUD_PERMANENT).u8(0).u8(0).attrBytes(NDA_DST, ipToBytes(address));
}

/** Appends a message that makes the entry permanent, whatever was there before. Takes one acknowledgement, if not told otherwise. */
export function writePermanentNeighbour(
  writer: netlink.MessageWriter,
  interfaceIndex: number,
  address: Ip,
  mac: Mac,
  flags: number = netlink.NLM_F_ACK,
): void {
  beginNeighbour(writer, RTM_NEWNEIGH, flags | netlink.NLM_F_CREATE | netlink.NLM_F_REPLACE, {
    interfaceIndex,
    address,
  })
    .attrBytes(NDA_LLADDR, macToBytes(mac))
    .end();
}

/** Appends a message that removes the entry. */
export function writeNeighbourRemoval(
  writer: netlink.MessageWriter,
  entry: Pick<Neighbour, 'interfaceIndex' | 'address'>,
  flags: number,
): void {
  beginNeighbour(writer, RTM_DELNEIGH, flags, entry).end();
}

/**
 * Appends a message that sets how long the kernel waits before it answers for somebody else on this link (proxy ARP or
 * NDP); the same as `/proc/sys/net/ipv4/neigh/<link>/proxy_delay`. Takes one acknowledgement.
 */
export function writeProxyDelay(writer: netlink.MessageWriter, family: 4 | 6, interfaceIndex: number, delayMs: number) {
  writer
    .begin(RTM_SETNEIGHTBL, netlink.NLM_F_ACK)
    .u8(family === 4 ? AF_INET : AF_INET6)
    .u8(0)
    .u16(0);
  writer.attrString(NDTA_NAME, family === 4 ? 'arp_cache' : 'ndisc_cache').nest(NDTA_PARMS);
  writer.attrU32(NDTPA_IFINDEX, interfaceIndex);
  const delay = new BigUint64Array([BigInt(delayMs)]);
  writer.attrBytes(NDTPA_PROXY_DELAY, new Uint8Array(delay.buffer)).endNest().end();
}

/** Reads the payload of RTM_NEWNEIGH or RTM_DELNEIGH; undefined for families other than IP (bridge tables). */
export function tryReadNeighbour(payload: Uint8Array): Neighbour | undefined {
  if (payload[0] !== AF_INET && payload[0] !== AF_INET6) return undefined;
  const attributes = netlink.readAttributes(payload, NEIGHBOUR_HEADER_BYTES);
  const address = attributes.get(NDA_DST);
  const mac = attributes.get(NDA_LLADDR);
  if (address === undefined) return undefined;
  return {
    interfaceIndex: netlink.readU32(payload, 4),
    address: ipFromBytes(address),
    mac: mac?.length === 6 ? macFromBytes(mac) : undefined,
    permanent: (netlink.readU16(payload, 8) & NUD_PERMANENT) !== 0,
  };
}

/** The entries of the socket's namespace, of one link if asked. */
export function observeNeighbours(socket: netlink.Netlink, interfaceIndex?: number): readonly Neighbour[] {
  const writer = netlink.createMessageWriter(64);
  writer.begin(RTM_GETNEIGH, netlink.NLM_F_DUMP).u8(0).u8(0).u16(0).u32(0).u16(0).u8(0).u8(0);
  if (interfaceIndex !== undefined) writer.attrU32(NDA_IFINDEX, interfaceIndex);
  writer.end();
  const neighbours: Neighbour[] = [];
  socket.dump(writer, (_type, payload) => {
    const neighbour = tryReadNeighbour(payload);
    if (neighbour !== undefined) neighbours.push(neighbour);
  });
  return neighbours;
}
