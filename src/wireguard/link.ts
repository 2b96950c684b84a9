// The network interface of a WireGuard device: made in the kernel where that has WireGuard, else one whose packets a program takes
// (a TUN device), which stays when the program ends, and drops packets until the next one is there.
import { OcicatError } from '../base/errors.ts';
import * as links from '../kernel/link/links.ts';
import type { Family } from '../net/ip.ts';
import * as libc from '../sys/libc.ts';
import * as netlink from '../sys/netlink.ts';

type LinkKind = 'kernel' | 'program';

/** The link groups by which they are recognised as ours: they are never without. Nobody else's, as with BANDWIDTH_GROUP. */
const WIREGUARD_GROUPS: Readonly<Record<Family, number>> = { 4: 0x0c1cab, 6: 0x0c1cac };
const IFLA_INFO_KIND = 1;
const KIND_OF: Readonly<Record<string, LinkKind>> = { wireguard: 'kernel', tun: 'program' };

export interface WireguardLink {
  readonly index: number;
  readonly name: string;
  readonly kind: LinkKind;
}

interface ObservedLink extends links.Link {
  readonly kind: string;
}

function readKind(payload: Uint8Array): ObservedLink {
  const info = netlink.readAttributes(payload, links.LINK_HEADER_BYTES).get(links.IFLA_LINKINFO) ?? new Uint8Array();
  const kind = netlink.readAttributes(info).get(IFLA_INFO_KIND) ?? new Uint8Array();
  return { ...links.readLink(payload), kind: netlink.readText(kind) };
}

function tryOurs({ index, name, kind: text, group }: ObservedLink, family: Family): WireguardLink | undefined {
  const kind = KIND_OF[text];
  return kind === undefined || group !== WIREGUARD_GROUPS[family] ? undefined : { index, name, kind };
}

/** All of ours for the family, whatever they are called. */
export function observeWireguardLinks(socket: netlink.Netlink, family: Family): readonly WireguardLink[] {
  return links.dumpLinks(socket, readKind).flatMap((link) => tryOurs(link, family) ?? []);
}

/** Undefined where there is no such link. Throws `conflict` for one of somebody else. */
function tryObserve(socket: netlink.Netlink, name: string, family: Family): WireguardLink | undefined {
  const link = links.askLink(socket, { name }, readKind);
  if (link === undefined) return undefined;
  const own = tryOurs(link, family);
  if (own !== undefined) return own;
  throw new OcicatError('conflict', `make link "${name}": there is one of that name, and it is somebody else's`);
}

/** False where the kernel has no WireGuard. Throws `kernel`. */
function tryMakeInKernel(socket: netlink.Netlink, name: string, family: Family): boolean {
  const writer = netlink.createMessageWriter(128);
  writeKernelLink(writer, name, family);
  const [refusal] = socket.tryRequest(writer, 1);
  if (refusal === undefined || refusal.errno === libc.EEXIST) return true;
  if (refusal.errno === libc.EOPNOTSUPP) return false;
  throw netlink.refusalError(`make link "${name}"`, refusal);
}

/** Appends a message that makes the link in the kernel, down. Takes one acknowledgement. */
export function writeKernelLink(writer: netlink.MessageWriter, name: string, family: Family): void {
  const flags = netlink.NLM_F_ACK | netlink.NLM_F_CREATE | netlink.NLM_F_EXCL;
  links.beginLink(writer, links.RTM_NEWLINK, flags).attrString(links.IFLA_IFNAME, name);
  writer.attrU32(links.IFLA_GROUP, WIREGUARD_GROUPS[family]);
  writer.nestPlain(links.IFLA_LINKINFO).attrString(IFLA_INFO_KIND, 'wireguard').endNest().end();
}

/** linux/if_tun.h */
const TUN_DEVICE = '/dev/net/tun';
const TUNSETIFF = 0x400454ca;
const TUNSETPERSIST = 0x400454cb;
const IFF_TUN = 0x0001;
const IFF_NO_PI = 0x1000;
const IFREQ_BYTES = 40;
const NAME_BYTES = 16;

function interfaceRequest(name: string): Uint8Array {
  const request = new Uint8Array(IFREQ_BYTES);
  request.set(new TextEncoder().encode(name));
  new DataView(request.buffer).setUint16(NAME_BYTES, IFF_TUN | IFF_NO_PI, true);
  return request;
}

/** It becomes ours before it becomes one that stays: a kill at any moment leaves nothing, or all of it. Throws `unavailable`. */
function makeTun(socket: netlink.Netlink, name: string, family: Family): void {
  let fd: number;
  try {
    fd = libc.open(TUN_DEVICE, libc.O_RDWR | libc.O_CLOEXEC);
  } catch (cause) {
    const text = `make link "${name}": the kernel has no WireGuard, and "${TUN_DEVICE}" cannot be opened`;
    throw new OcicatError('unavailable', text, { cause });
  }
  try {
    libc.ioctl(fd, TUNSETIFF, interfaceRequest(name));
    const { index = 0 } = links.observeLink(socket, name) ?? {};
    const writer = netlink.createMessageWriter(64);
    links.beginLink(writer, links.RTM_NEWLINK, netlink.NLM_F_ACK, { index });
    writer.attrU32(links.IFLA_GROUP, WIREGUARD_GROUPS[family]).end();
    socket.request(writer, 1);
    libc.ioctl(fd, TUNSETPERSIST, 1);
  } finally {
    libc.close(fd);
  }
}

/** The link of that name, made, and down, where there was none. Throws `conflict`, `kernel`, and `unavailable` where nothing can be one. */
export function ensureWireguardLink(socket: netlink.Netlink, name: string, family: Family): WireguardLink {
  const standing = tryObserve(socket, name, family);
  if (standing !== undefined) return standing;
  if (!tryMakeInKernel(socket, name, family)) makeTun(socket, name, family);
  const made = tryObserve(socket, name, family);
  if (made !== undefined) return made;
  throw new OcicatError('kernel', `make link "${name}": it is not there`);
}

/** The program of a TUN device ends with it. */
export function removeWireguardLink(socket: netlink.Netlink, { index }: WireguardLink): void {
  const writer = netlink.createMessageWriter(64);
  links.beginLink(writer, links.RTM_DELLINK, netlink.NLM_F_ACK, { index }).end();
  const [refusal] = socket.tryRequest(writer, 1);
  if (refusal !== undefined && refusal.errno !== libc.ENODEV) throw netlink.refusalError('remove link', refusal);
}

/** All of ours, of both families, with the programs that they have; returns their names. */
export function removeWireguardLinks(socket: netlink.Netlink): readonly string[] {
  const own = ([4, 6] as const).flatMap((family) => observeWireguardLinks(socket, family));
  for (const link of own) removeWireguardLink(socket, link);
  return own.map(({ name }) => name);
}
