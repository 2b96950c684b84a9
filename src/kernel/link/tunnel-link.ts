// Tunnel links: their messages, and what there is of them. VXLAN (RFC 7348, linux/if_link.h, IFLA_VXLAN_…) and IP in IP (RFC 2003).
import { familyOf, type Ip, ipFromBytes, ipToBytes } from '../../net/ip.ts';
import { type Mac, macToBytes } from '../../net/mac.ts';
import * as netlink from '../../sys/netlink.ts';
import * as links from './links.ts';

/** By which they are recognised as ours: a link is never without it. Nobody else's, as with REMOVAL_GROUP. */
export const TUNNEL_GROUP = 0x0c1caa;

const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
const VXLAN_ID = 1;
const VXLAN_LINK = 3;
const VXLAN_LOCAL = 4;
const VXLAN_LEARNING = 7;
const VXLAN_PORT = 15;
const VXLAN_LOCAL6 = 17;
/** What no tunnel of ours has: multicast groups, extensions of the protocol (GBP, GPE). */
const VXLAN_FOREIGN = [2, 16, 23, 27];
/** What is 0 in ours: TTL and TOS of its own, learning, answering for others, telling of misses, remote checksums, metadata, DF, VNI filters. */
const VXLAN_ZERO = [5, 6, VXLAN_LEARNING, 11, 12, 13, 14, 21, 22, 25, 26, 28, 29, 30];
/** Linux/if_tunnel.h, IFLA_IPTUN_… */
const IPTUN_LINK = 1;
const IPTUN_LOCAL = 2;
const IPTUN_REMOTE = 3;
/** Up, with neighbours as of any link. */
const UP = { flags: links.IFF_UP, change: links.IFF_UP | links.IFF_NOARP };

/** What a tunnel cannot change while it stands. */
export type TunnelIdentity =
  | {
      readonly kind: 'vxlan';
      readonly vni: number;
      readonly port: number;
      /** The index of the link that encapsulated packets leave by; 0: as routes say. */
      readonly parentIndex: number;
      readonly local: Ip;
      readonly mac: Mac;
    }
  | { readonly kind: 'ipip' };

type TunnelKind = TunnelIdentity['kind'];
const KINDS: ReadonlySet<string> = new Set<TunnelKind>(['vxlan', 'ipip']);

export interface TunnelLink extends links.Link {
  /** Undefined: no tunnel, or one of another kind. */
  readonly tunnelKind: TunnelKind | undefined;
  /** Undefined: one such as nobody here makes. */
  readonly identity: TunnelIdentity | undefined;
  /** It is a part of another link, a bridge for example, or has no neighbours: what `writeTunnelCorrection` ends. */
  readonly isBent: boolean;
}

function writeVxlan(writer: netlink.MessageWriter, own: Extract<TunnelIdentity, { kind: 'vxlan' }>): void {
  writer.attrU32(VXLAN_ID, own.vni).attrBe16(VXLAN_PORT, own.port).attrU8(VXLAN_LEARNING, 0);
  writer.attrBytes(familyOf(own.local) === 4 ? VXLAN_LOCAL : VXLAN_LOCAL6, ipToBytes(own.local));
  if (own.parentIndex !== 0) writer.attrU32(VXLAN_LINK, own.parentIndex);
}

/** Appends a message that makes the link, marked as ours and up. Takes one acknowledgement. */
export function writeTunnel(
  writer: netlink.MessageWriter,
  { name, identity, mtuBytes }: { readonly name: string; readonly identity: TunnelIdentity; readonly mtuBytes: number },
): void {
  const flags = netlink.NLM_F_ACK | netlink.NLM_F_CREATE | netlink.NLM_F_EXCL;
  links.beginLink(writer, links.RTM_NEWLINK, flags, UP).attrString(links.IFLA_IFNAME, name);
  writer.attrU32(links.IFLA_MTU, mtuBytes).attrU32(links.IFLA_GROUP, TUNNEL_GROUP);
  if (identity.kind === 'vxlan') writer.attrBytes(links.IFLA_ADDRESS, macToBytes(identity.mac));
  writer.nestPlain(links.IFLA_LINKINFO).attrString(IFLA_INFO_KIND, identity.kind);
  if (identity.kind === 'vxlan') {
    writer.nestPlain(IFLA_INFO_DATA);
    writeVxlan(writer, identity);
    writer.endNest();
  }
  writer.endNest().end();
}

/** Appends a message that gives a tunnel that stands what it can change: it is up, its own, and marked as ours. Takes one acknowledgement. */
export function writeTunnelCorrection(writer: netlink.MessageWriter, index: number, mtuBytes: number): void {
  links.beginLink(writer, links.RTM_NEWLINK, netlink.NLM_F_ACK, { index, ...UP });
  writer.attrU32(links.IFLA_MTU, mtuBytes).attrU32(links.IFLA_GROUP, TUNNEL_GROUP).attrU32(links.IFLA_MASTER, 0).end();
}

/**
 * Appends messages that remove the link. The one that the kernel makes by itself for IP in IP cannot be removed: it is nobody's, and
 * down, afterwards. Takes two acknowledgements.
 */
export function writeTunnelRemoval(writer: netlink.MessageWriter, index: number): void {
  links.beginLink(writer, links.RTM_NEWLINK, netlink.NLM_F_ACK, { index, flags: 0, change: links.IFF_UP });
  writer.attrU32(links.IFLA_GROUP, 0).end();
  links.beginLink(writer, links.RTM_DELLINK, netlink.NLM_F_ACK, { index }).end();
}

function readVxlan(data: Uint8Array, mac: Mac | undefined): TunnelIdentity | undefined {
  const attributes = netlink.readAttributes(data);
  const local = attributes.get(VXLAN_LOCAL) ?? attributes.get(VXLAN_LOCAL6);
  const bytes = (type: number) => attributes.get(type) ?? new Uint8Array();
  if (VXLAN_FOREIGN.some((type) => attributes.has(type))) return undefined;
  if (VXLAN_ZERO.some((type) => bytes(type).some((byte) => byte !== 0))) return undefined;
  if (local === undefined || mac === undefined) return undefined;
  return {
    kind: 'vxlan',
    vni: netlink.readU32(bytes(VXLAN_ID)),
    port: netlink.readBe16(bytes(VXLAN_PORT)),
    parentIndex: netlink.readU32(bytes(VXLAN_LINK)),
    local: ipFromBytes(local),
    mac,
  };
}

function readIpip(data: Uint8Array): TunnelIdentity | undefined {
  const attributes = netlink.readAttributes(data);
  const isAny = [IPTUN_LINK, IPTUN_LOCAL, IPTUN_REMOTE].every(
    (type) => netlink.readU32(attributes.get(type) ?? new Uint8Array()) === 0,
  );
  return isAny ? { kind: 'ipip' } : undefined;
}

const INFO: ReadonlySet<number> = new Set([links.IFLA_LINKINFO, links.IFLA_MASTER]);

function readTunnelLink(payload: Uint8Array): TunnelLink {
  const link = links.readLink(payload);
  const own = netlink.readAttributes(payload, links.LINK_HEADER_BYTES, INFO);
  const isBent = own.has(links.IFLA_MASTER) || (netlink.readU32(payload, 8) & links.IFF_NOARP) !== 0;
  const attributes = netlink.readAttributes(own.get(links.IFLA_LINKINFO) ?? new Uint8Array());
  const kind = netlink.readText(attributes.get(IFLA_INFO_KIND) ?? new Uint8Array());
  const data = attributes.get(IFLA_INFO_DATA) ?? new Uint8Array();
  const tunnelKind = KINDS.has(kind) ? (kind as TunnelKind) : undefined;
  const identity = kind === 'vxlan' ? readVxlan(data, link.mac) : kind === 'ipip' ? readIpip(data) : undefined;
  return { ...link, tunnelKind, identity, isBent };
}

/** All links of the socket's namespace. */
export function observeTunnelLinks(socket: netlink.Netlink): readonly TunnelLink[] {
  return links.dumpLinks(socket, readTunnelLink);
}
