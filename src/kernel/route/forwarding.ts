// Entries of the forwarding table of a VXLAN link: which host's tunnel end has an Ethernet address (bridge(8), `fdb`).
import { type Ip, ipFromBytes, ipToBytes } from '../../net/ip.ts';
import { type Mac, macFromBytes, macToBytes } from '../../net/mac.ts';
import * as netlink from '../../sys/netlink.ts';
import { RTM_DELNEIGH, RTM_GETNEIGH, RTM_NEWNEIGH } from './neighbours.ts';

const AF_BRIDGE = 7;
const NDA_DST = 1;
const NDA_LLADDR = 2;
/** The table is the link's own, and not that of a bridge that it may be a port of. */
const NTF_SELF = 0x02;
const NUD_PERMANENT = 0x80;
const HEADER_BYTES = 12;

export interface ForwardingEntry {
  readonly interfaceIndex: number;
  readonly mac: Mac;
  /** Where encapsulated packets for it go. */
  readonly underlay: Ip;
  /** Not learned: stays until it is removed. */
  readonly permanent: boolean;
}

function writeEntry(writer: netlink.MessageWriter, type: number, flags: number, entry: ForwardingEntry): void {
  writer.begin(type, flags).u8(AF_BRIDGE).u8(0).u16(0).u32(entry.interfaceIndex);
  writer.u16(NUD_PERMANENT).u8(NTF_SELF).u8(0);
  writer.attrBytes(NDA_LLADDR, macToBytes(entry.mac)).attrBytes(NDA_DST, ipToBytes(entry.underlay)).end();
}

/** Appends a message that makes the entry, permanent; another one of the same MAC address gives way. */
export function writeForwarding(writer: netlink.MessageWriter, entry: ForwardingEntry, flags: number): void {
  writeEntry(writer, RTM_NEWNEIGH, flags | netlink.NLM_F_CREATE | netlink.NLM_F_REPLACE, entry);
}

/** Appends a message that removes the entry, of this very underlay address. */
export function writeForwardingRemoval(writer: netlink.MessageWriter, entry: ForwardingEntry, flags: number): void {
  writeEntry(writer, RTM_DELNEIGH, flags, entry);
}

/** What two entries cannot both have. */
export function forwardingKey({ interfaceIndex, mac, underlay }: ForwardingEntry): string {
  return `${interfaceIndex} ${mac} ${underlay}`;
}

/** Reads the payload of RTM_NEWNEIGH or RTM_DELNEIGH; undefined for an entry that leads to no other host, and for neighbours. */
export function tryReadForwarding(payload: Uint8Array): ForwardingEntry | undefined {
  const attributes = netlink.readAttributes(payload, HEADER_BYTES);
  const [mac, underlay] = [attributes.get(NDA_LLADDR), attributes.get(NDA_DST)];
  if (payload[0] !== AF_BRIDGE || mac?.length !== 6 || underlay === undefined) return undefined;
  return {
    interfaceIndex: netlink.readU32(payload, 4),
    mac: macFromBytes(mac),
    underlay: ipFromBytes(underlay),
    permanent: (netlink.readU16(payload, 8) & NUD_PERMANENT) !== 0,
  };
}

/** The entries of one link. */
export function observeForwarding(socket: netlink.Netlink, interfaceIndex: number): readonly ForwardingEntry[] {
  const writer = netlink.createMessageWriter(64);
  writer.begin(RTM_GETNEIGH, netlink.NLM_F_DUMP).u8(AF_BRIDGE).u8(0).u16(0).u32(interfaceIndex);
  writer.u16(0).u8(0).u8(0).end();
  const entries: ForwardingEntry[] = [];
  socket.dump(writer, (_type, payload) => {
    const entry = tryReadForwarding(payload);
    if (entry?.interfaceIndex === interfaceIndex) entries.push(entry);
  });
  return entries;
}
