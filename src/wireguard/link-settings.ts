// What is set on the network interface of a WireGuard device: that it is up, its MTU, its addresses.
import * as links from '../kernel/link/links.ts';
import { observeAddresses, writeAddress, writeAddressRemoval } from '../kernel/route/addresses.ts';
import { type Cidr, formatCidr, hostCidr } from '../net/cidr.ts';
import type { Ip } from '../net/ip.ts';
import * as netlink from '../sys/netlink.ts';

export interface LinkSettings {
  readonly mtuBytes: number;
  /** Of both families there is none but this one; undefined: none. */
  readonly address: Ip | undefined;
}

/** The kernel gives each link that speaks IPv6 one of these (RFC 4291). */
const LINK_LOCAL = 0xfe80;

function isLinkLocal({ address }: Cidr): boolean {
  return typeof address === 'bigint' && Number(address >> 112n) === LINK_LOCAL;
}

function writeAddresses(
  socket: netlink.Netlink,
  writer: netlink.MessageWriter,
  interfaceIndex: number,
  wanted: Ip | undefined,
): void {
  const standing = observeAddresses(socket, interfaceIndex).filter(({ address }) => !isLinkLocal(address));
  const name = wanted === undefined ? undefined : formatCidr(hostCidr(wanted));
  // first the new one: with its last address a link loses its routes
  if (wanted !== undefined && !standing.some(({ address }) => formatCidr(address) === name))
    writeAddress(writer, { interfaceIndex, address: hostCidr(wanted) });
  for (const one of standing) {
    if (formatCidr(one.address) !== name) writeAddressRemoval(writer, one, netlink.NLM_F_ACK);
  }
}

/** What is so already is left alone. Throws `kernel`. */
export function applyLinkSettings(socket: netlink.Netlink, index: number, { mtuBytes, address }: LinkSettings): void {
  const link = links.observeLinkOfIndex(socket, index);
  const writer = netlink.createMessageWriter(256);
  if (link?.mtuBytes !== mtuBytes)
    links.beginLink(writer, links.RTM_NEWLINK, netlink.NLM_F_ACK, { index }).attrU32(links.IFLA_MTU, mtuBytes).end();
  writeAddresses(socket, writer, index, address);
  if (link?.up !== true) links.writeUp(writer, index, true);
  if (writer.count > 0) socket.request(writer, writer.count);
}
