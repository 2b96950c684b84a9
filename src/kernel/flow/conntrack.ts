// Ends flows that the kernel remembers of addresses: whoever gets one of them next must not inherit what the last one was
// allowed, for policy lets packets of established flows pass.
import { type Family, type Ip, type Ipv4, ipFromBytes, ipToBytes, isIpv4 } from '../../net/ip.ts';
import { EINVAL, ENOENT } from '../../sys/libc.ts';
import * as netlink from '../../sys/netlink.ts';

/** NFNL_SUBSYS_CTNETLINK << 8 and IPCTNL_MSG_CT_… (linux/netfilter/nfnetlink_conntrack.h, as all numbers here). */
const CT_GET = 0x101;
const CT_DELETE = 0x102;
const CT_GET_STATS = 0x105;
const CTA_STATS_GLOBAL_ENTRIES = 1;
export const CTA_TUPLE_ORIG = 1;
const CTA_TUPLE_REPLY = 2;
const CTA_ID = 12;
const CTA_ZONE = 18;
const CTA_FILTER = 25;
export const CTA_TUPLE_IP = 1;
/** In CTA_FILTER_ORIG_FLAGS and CTA_FILTER_REPLY_FLAGS, which have the numbers of the tuples: only the source counts. */
const FILTER_IP_SRC = 1;
const AF_INET = 2;
const AF_INET6 = 10;
const HEADER_BYTES = 4;
/** Answers to this many messages fit into a socket's usual receive buffer. */
const MAX_BATCH = 100;

/**
 * A flow concerns an address when it was begun by it, or when its answers come from it: so an address is also found
 * behind the translation of destinations, and one whose own flows are translated.
 */
const SIDES = [CTA_TUPLE_ORIG, CTA_TUPLE_REPLY] as const;
type Side = (typeof SIDES)[number];

/** CTA_IP_V4_SRC, CTA_IP_V6_SRC. */
const SOURCE: Readonly<Record<Family, number>> = { 4: 1, 6: 3 };

function beginMessage(writer: netlink.MessageWriter, type: number, flags: number, family: Family) {
  return writer
    .begin(type, flags)
    .u8(family === 4 ? AF_INET : AF_INET6)
    .u8(0)
    .u16(0);
}

/** How many flows the kernel remembers in the socket's namespace. Throws `kernel`. */
export function countFlows(socket: netlink.Netlink): number {
  const writer = netlink.createMessageWriter(64);
  beginMessage(writer, CT_GET_STATS, netlink.NLM_F_ACK, 4).end();
  let count = 0;
  socket.request(writer, 1, (_type, payload) => {
    const entries = netlink.readAttributes(payload, HEADER_BYTES).get(CTA_STATS_GLOBAL_ENTRIES);
    if (entries !== undefined) count = netlink.readBe32(entries);
  });
  return count;
}

/** What names one flow in a request to delete it. */
interface Flow {
  readonly tuple: Uint8Array;
  readonly zone: Uint8Array | undefined;
  readonly id: Uint8Array | undefined;
}

/** Who begins packets in the direction of the flow that the attribute describes. */
function tryReadSource(attributes: ReadonlyMap<number, Uint8Array>, side: Side, family: Family): Ip | undefined {
  const tuple = attributes.get(side);
  const addresses = tuple === undefined ? undefined : netlink.readAttributes(tuple).get(CTA_TUPLE_IP);
  const source = addresses === undefined ? undefined : netlink.readAttributes(addresses).get(SOURCE[family]);
  return source === undefined ? undefined : ipFromBytes(source);
}

/** Reads all flows of a family and keeps those that are meant, by what the kernel says of each. */
export function observeFlows(
  socket: netlink.Netlink,
  family: Family,
  isMeant: (attributes: ReadonlyMap<number, Uint8Array>) => boolean,
): readonly Flow[] {
  const writer = netlink.createMessageWriter(64);
  beginMessage(writer, CT_GET, netlink.NLM_F_DUMP, family).end();
  const flows: Flow[] = [];
  socket.dump(writer, (_type, payload) => {
    const attributes = netlink.readAttributes(payload, HEADER_BYTES);
    const tuple = attributes.get(CTA_TUPLE_ORIG);
    if (tuple !== undefined && isMeant(attributes))
      flows.push({ tuple, zone: attributes.get(CTA_ZONE), id: attributes.get(CTA_ID) });
  });
  return flows;
}

function writeDeletion(writer: netlink.MessageWriter, family: Family, { tuple, zone, id }: Flow): void {
  beginMessage(writer, CT_DELETE, netlink.NLM_F_ACK, family);
  writer.nest(CTA_TUPLE_ORIG).bytes(tuple).endNest();
  if (zone !== undefined) writer.attrBytes(CTA_ZONE, zone);
  if (id !== undefined) writer.attrBytes(CTA_ID, id);
  writer.end();
}

/** One by one; one that has ended meanwhile is no failure. */
export function deleteFlows(socket: netlink.Netlink, family: Family, flows: readonly Flow[]): void {
  const writer = netlink.createMessageWriter(4096);
  for (let at = 0; at < flows.length; at += MAX_BATCH) {
    writer.reset();
    for (const flow of flows.slice(at, at + MAX_BATCH)) writeDeletion(writer, family, flow);
    const refusal = socket.tryRequest(writer, writer.count).find(({ errno }) => errno !== ENOENT);
    if (refusal !== undefined) throw netlink.refusalError('delete flow', refusal);
  }
}

/** Reads the family's flows and deletes those of the addresses. */
export function deleteFlowsOneByOne(socket: netlink.Netlink, family: Family, addresses: readonly Ip[]): void {
  const wanted = new Set(addresses);
  const flows = observeFlows(socket, family, (attributes) =>
    SIDES.some((side) => {
      const source = tryReadSource(attributes, side, family);
      return source !== undefined && wanted.has(source);
    }),
  );
  deleteFlows(socket, family, flows);
}

/**
 * Has the kernel search for the flows of one address, which takes 0.8 ms when there are few flows and 26 ms with 50,000.
 * False when it deletes by whole tuples only: it has learned this with Linux 6.12. Throws `kernel`.
 */
export function tryDeleteByFilter(socket: netlink.Netlink, ip: Ipv4): boolean {
  const writer = netlink.createMessageWriter(256);
  for (const side of SIDES) {
    beginMessage(writer, CT_DELETE, netlink.NLM_F_ACK, 4);
    writer.nest(side).nest(CTA_TUPLE_IP).attrBytes(SOURCE[4], ipToBytes(ip)).endNest().endNest();
    writer.nest(CTA_FILTER).attrU32(side, FILTER_IP_SRC).endNest().end();
  }
  const [refusal] = socket.tryRequest(writer, SIDES.length);
  if (refusal === undefined) return true;
  if (refusal.errno === EINVAL) return false;
  throw netlink.refusalError('delete flows', refusal);
}

/** More addresses than this are looked for in one reading of all flows, which costs the same however many they are. */
export const MAX_SEARCHES = 16;

/**
 * Deletes every flow that concerns one of the addresses, in the namespace of a NETLINK_NETFILTER socket. IPv6 goes one by
 * one, which takes 10 and 150 ms however many the addresses: the kernel's filter means the opposite of what it says there
 * (seen with Linux 6.18).
 * Throws `kernel`, also when the kernel has no connection tracking to speak with.
 */
export function flushConntrack(socket: netlink.Netlink, addresses: readonly Ip[]): void {
  const ipv4 = addresses.filter(isIpv4);
  const ipv6 = addresses.filter((ip) => !isIpv4(ip));
  const left = ipv4.length > MAX_SEARCHES ? ipv4 : ipv4.filter((ip) => !tryDeleteByFilter(socket, ip));
  if (left.length > 0) deleteFlowsOneByOne(socket, 4, left);
  if (ipv6.length > 0) deleteFlowsOneByOne(socket, 6, ipv6);
}
