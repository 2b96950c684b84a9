// Network interfaces as the kernel tells them over rtnetlink, and the message header that changes them.
import { type Mac, macFromBytes } from '../../net/mac.ts';
import * as netlink from '../../sys/netlink.ts';

export const RTM_NEWLINK = 16;
export const RTM_DELLINK = 17;
const RTM_GETLINK = 18;

export const IFLA_ADDRESS = 1;
export const IFLA_IFNAME = 3;
export const IFLA_MTU = 4;
export const IFLA_LINK = 5;
export const IFLA_MASTER = 10;
export const IFLA_LINKINFO = 18;
export const IFLA_IFALIAS = 20;
export const IFLA_AF_SPEC = 26;
export const IFLA_GROUP = 27;
export const IFLA_NET_NS_FD = 28;
const IFLA_EXT_MASK = 29;
export const IFLA_NUM_TX_QUEUES = 31;
export const IFLA_NUM_RX_QUEUES = 32;
const IFLA_LINK_NETNSID = 37;
const IFLA_TARGET_NETNSID = 46;

export const IFF_UP = 0x1;
export const IFF_NOARP = 0x80;
const IFF_RUNNING = 0x40;
const IFF_LOWER_UP = 0x10000;
const RTEXT_FILTER_SKIP_STATS = 8;
export const LINK_HEADER_BYTES = 16;

/** The loopback interface has this index in every namespace. */
export const LOOPBACK_INDEX = 1;

export interface Link {
  readonly index: number;
  readonly name: string;
  readonly up: boolean;
  /** Up at both ends: packets can pass. */
  readonly running: boolean;
  readonly mac: Mac | undefined;
  readonly mtuBytes: number;
  readonly alias: string | undefined;
  readonly group: number;
  /** The other end of a pair, when it is in another network namespace. */
  readonly peer: LinkPeer | undefined;
}

export interface LinkPeer {
  readonly index: number;
  /** The number of its namespace, as the namespace of the link has it. */
  readonly netnsId: number;
}

/** Opens a link message; `flags` are the IFF_ flags wanted within `change`. Attributes follow, then end(). */
export function beginLink(
  writer: netlink.MessageWriter,
  type: number,
  flags: number,
  target: { readonly index?: number; readonly flags?: number; readonly change?: number } = {},
): netlink.MessageWriter {
  writer.begin(type, flags);
  return writeLinkHeader(writer, target);
}

/** The `ifinfomsg` alone, as the peer of a new veth has one inside an attribute. */
export function writeLinkHeader(
  writer: netlink.MessageWriter,
  target: { readonly index?: number; readonly flags?: number; readonly change?: number } = {},
): netlink.MessageWriter {
  const { index = 0, flags = 0, change = 0 } = target;
  return writer.u8(0).u8(0).u16(0).u32(index).u32(flags).u32(change);
}

/** Appends a message that switches the link up or down. Takes one acknowledgement. */
export function writeUp(writer: netlink.MessageWriter, index: number, up: boolean): void {
  const flags = up ? IFF_UP : 0;
  beginLink(writer, RTM_NEWLINK, netlink.NLM_F_ACK, { index, flags, change: IFF_UP }).end();
}

/**
 * Appends a message that lets the link neither ask for neighbours nor answer (IFF_NOARP); those that it has go, the kernel's own
 * ones aside. The entries of all namespaces count against one limit (net.ipv4.neigh.default.gc_thresh3, the same of IPv6), and
 * an address that is being asked for stays for seconds; whom somebody sends to on such a link is the first to go when there is
 * need of room (net/core/neighbour.c, neigh_forced_gc). Takes one acknowledgement.
 */
export function writeNoArp(writer: netlink.MessageWriter, index: number): void {
  const flags = IFF_NOARP;
  beginLink(writer, RTM_NEWLINK, netlink.NLM_F_ACK, { index, flags, change: flags }).end();
}

function readPeer(attributes: ReadonlyMap<number, Uint8Array>): LinkPeer | undefined {
  const index = attributes.get(IFLA_LINK);
  const netnsId = attributes.get(IFLA_LINK_NETNSID);
  if (index === undefined || netnsId === undefined) return undefined;
  return { index: netlink.readU32(index), netnsId: netlink.readI32(netnsId) };
}

const LINK_ATTRIBUTES: ReadonlySet<number> = new Set([
  ...[IFLA_ADDRESS, IFLA_IFNAME, IFLA_MTU, IFLA_LINK, IFLA_IFALIAS, IFLA_GROUP, IFLA_LINK_NETNSID],
]);

/** Reads the payload of RTM_NEWLINK or RTM_DELLINK. */
export function readLink(payload: Uint8Array): Link {
  const attributes = netlink.readAttributes(payload, LINK_HEADER_BYTES, LINK_ATTRIBUTES);
  const flags = netlink.readU32(payload, 8);
  const mac = attributes.get(IFLA_ADDRESS);
  const alias = attributes.get(IFLA_IFALIAS);
  return {
    index: netlink.readU32(payload, 4),
    name: netlink.readText(attributes.get(IFLA_IFNAME) ?? new Uint8Array()),
    up: (flags & IFF_UP) !== 0,
    running: (flags & IFF_LOWER_UP) !== 0,
    mac: mac?.length === 6 ? macFromBytes(mac) : undefined,
    mtuBytes: netlink.readU32(attributes.get(IFLA_MTU) ?? new Uint8Array()),
    alias: alias === undefined ? undefined : netlink.readText(alias),
    group: netlink.readU32(attributes.get(IFLA_GROUP) ?? new Uint8Array()),
    peer: readPeer(attributes),
  };
}

/** What `read` makes of all links of the socket's namespace. */
export function dumpLinks<T>(socket: netlink.Netlink, read: (payload: Uint8Array) => T): readonly T[] {
  const writer = netlink.createMessageWriter(64);
  beginLink(writer, RTM_GETLINK, netlink.NLM_F_DUMP).attrU32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS).end();
  const links: T[] = [];
  socket.dump(writer, (_type, payload) => links.push(read(payload)));
  return links;
}

/** All links of the socket's namespace. */
export function observeLinks(socket: netlink.Netlink): readonly Link[] {
  return dumpLinks(socket, readLink);
}

/** The link of that name in the socket's namespace, or undefined. */
export function observeLink(socket: netlink.Netlink, name: string): Link | undefined {
  return askLink(socket, { name }, readLink);
}

/** As observeLink, by its index. */
export function observeLinkOfIndex(socket: netlink.Netlink, index: number): Link | undefined {
  return askLink(socket, { index }, readLink);
}

/** The other end of a link, seen from the socket's namespace; undefined when it has gone. */
export function observePeer(socket: netlink.Netlink, peer: LinkPeer): Link | undefined {
  return askLink(socket, peer, readLink);
}

/** Whether the other end of a link takes what is sent through it; undefined when it has gone. */
export function observePeerReady(socket: netlink.Netlink, peer: LinkPeer): boolean | undefined {
  return askLink(socket, peer, (payload) => (netlink.readU32(payload, 8) & IFF_RUNNING) !== 0);
}

/** What `read` makes of one link; undefined when there is none. */
export function askLink<T>(
  socket: netlink.Netlink,
  { index = 0, name, netnsId }: { readonly index?: number; readonly name?: string; readonly netnsId?: number },
  read: (payload: Uint8Array) => T,
): T | undefined {
  const writer = netlink.createMessageWriter(64);
  beginLink(writer, RTM_GETLINK, netlink.NLM_F_ACK, { index });
  writer.attrU32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
  if (name !== undefined) writer.attrString(IFLA_IFNAME, name);
  if (netnsId !== undefined) writer.attrU32(IFLA_TARGET_NETNSID, netnsId);
  writer.end();
  let link: T | undefined;
  const refusals = socket.tryRequest(writer, 1, (_type, payload) => {
    link = read(payload);
  });
  return refusals.length === 0 ? link : undefined;
}
