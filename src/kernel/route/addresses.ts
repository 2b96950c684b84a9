// IP addresses on links.
import { type Cidr, cidrFamily } from '../../net/cidr.ts';
import { type Ip, ipFromBytes, ipToBytes } from '../../net/ip.ts';
import * as netlink from '../../sys/netlink.ts';

export const RTM_NEWADDR = 20;
export const RTM_DELADDR = 21;
const RTM_GETADDR = 22;

const AF_INET = 2;
const AF_INET6 = 10;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_FLAGS = 8;
const IFA_PROTO = 11;
/** Of an IPv6 address: one for privacy, which is replaced every day (RFC 8981). The same bit says of IPv4 that it is not the first. */
const IFA_F_TEMPORARY = 0x01;
/** Usable at once: the address is ours alone by construction, nobody has to be asked (duplicate address detection). */
const IFA_F_NODAD = 0x02;
const IFA_F_OPTIMISTIC = 0x04;
const IFA_F_DADFAILED = 0x08;
const IFA_F_DEPRECATED = 0x20;
const IFA_F_TENTATIVE = 0x40;
const ADDRESS_HEADER_BYTES = 8;

export interface LinkAddress {
  readonly interfaceIndex: number;
  readonly address: Cidr;
}

export interface ObservedAddress extends LinkAddress {
  /** Nobody else has it, as far as is known: it may be sent from (RFC 4862, duplicate address detection). */
  readonly isUsable: boolean;
  /** It will be another one soon, or nothing new is to begin with it (RFC 8981, and deprecated in RFC 4862). */
  readonly isPassing: boolean;
  /** Who has put it there; 0 where nobody says, and before Linux 5.18. */
  readonly protocol: number;
}

function writeOne(
  writer: netlink.MessageWriter,
  type: number,
  flags: number,
  { interfaceIndex, address }: LinkAddress,
): void {
  const v4 = cidrFamily(address) === 4;
  const bytes = ipToBytes(address.address);
  writer
    .begin(type, flags)
    .u8(v4 ? AF_INET : AF_INET6)
    .u8(address.prefixLength)
    .u8(v4 ? 0 : IFA_F_NODAD)
    .u8(0)
    .u32(interfaceIndex);
  writer.attrBytes(IFA_LOCAL, bytes).attrBytes(IFA_ADDRESS, bytes).end();
}

/** Appends a message that gives the link an address. Takes one acknowledgement, if not told otherwise. */
export function writeAddress(
  writer: netlink.MessageWriter,
  address: LinkAddress,
  flags: number = netlink.NLM_F_ACK,
): void {
  writeOne(writer, RTM_NEWADDR, flags | netlink.NLM_F_CREATE | netlink.NLM_F_EXCL, address);
}

/** Appends a message that takes it away. */
export function writeAddressRemoval(writer: netlink.MessageWriter, address: LinkAddress, flags: number): void {
  writeOne(writer, RTM_DELADDR, flags, address);
}

/** From ifa_flags and IFA_FLAGS (linux/if_addr.h). */
function readStanding(family: number, flags: number): Pick<ObservedAddress, 'isUsable' | 'isPassing'> {
  const has = (flag: number): boolean => (flags & flag) !== 0;
  const isTentative = has(IFA_F_TENTATIVE) && !has(IFA_F_OPTIMISTIC);
  return {
    isUsable: !isTentative && !has(IFA_F_DADFAILED),
    isPassing: has(IFA_F_DEPRECATED) || (family === AF_INET6 && has(IFA_F_TEMPORARY)),
  };
}

/** Reads the payload of RTM_NEWADDR or RTM_DELADDR; undefined for families other than IP. */
export function tryReadAddress(payload: Uint8Array): ObservedAddress | undefined {
  const [family, prefixLength = 0, shortFlags = 0] = payload;
  const attributes = netlink.readAttributes(payload, ADDRESS_HEADER_BYTES);
  const bytes = attributes.get(IFA_LOCAL) ?? attributes.get(IFA_ADDRESS);
  if ((family !== AF_INET && family !== AF_INET6) || bytes === undefined) return undefined;
  const longFlags = attributes.get(IFA_FLAGS);
  return {
    interfaceIndex: netlink.readU32(payload, 4),
    address: { address: ipFromBytes(bytes), prefixLength },
    protocol: attributes.get(IFA_PROTO)?.[0] ?? 0,
    ...readStanding(family, longFlags === undefined ? shortFlags : netlink.readU32(longFlags)),
  };
}

/** The addresses of the socket's namespace, of one link if asked. */
export function observeAddresses(socket: netlink.Netlink, interfaceIndex = 0): readonly ObservedAddress[] {
  const writer = netlink.createMessageWriter(64);
  writer.begin(RTM_GETADDR, netlink.NLM_F_DUMP).u8(0).u8(0).u8(0).u8(0).u32(interfaceIndex).end();
  const addresses: ObservedAddress[] = [];
  socket.dump(writer, (_type, payload) => {
    const address = tryReadAddress(payload);
    if (address !== undefined) addresses.push(address);
  });
  return addresses;
}

/** Every address of the calling thread's namespace, also those on links that are down. */
export function observeOwnAddresses(): ReadonlySet<Ip> {
  const socket = netlink.openNetlink(netlink.NETLINK_ROUTE);
  try {
    return new Set(observeAddresses(socket).map(({ address }) => address.address));
  } finally {
    socket.close();
  }
}
