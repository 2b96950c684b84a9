// Queueing disciplines of links, those that shaping uses: a token bucket for what leaves through a link, and the place where
// what comes in by it can be redirected (linux/rtnetlink.h, linux/pkt_sched.h).
import * as netlink from '../../sys/netlink.ts';
import { readTokenBucket, type TokenBucket, writeTokenBucket } from './token-bucket.ts';

const RTM_NEWQDISC = 36;
const RTM_DELQDISC = 37;
const RTM_GETQDISC = 38;
const TCA_KIND = 1;
export const TCA_OPTIONS = 2;
const ROOT = 0xffffffff;
const INGRESS = 0xfffffff1;
export const INGRESS_HANDLE = 0xffff0000;
/** Ours: a bucket of another handle is somebody else's. Calico's plugins and CNI's `bandwidth` have 1:. */
const BUCKET_HANDLE = 0x0c1c_0000;
const CHANGE = netlink.NLM_F_ACK | netlink.NLM_F_CREATE;
export const TC_HEADER_BYTES = 20;

export interface LinkQdiscs {
  /** Of what leaves through the link; of ours alone. */
  readonly bucket: TokenBucket | undefined;
  readonly hasIngress: boolean;
}

export const NO_QDISCS: LinkQdiscs = { bucket: undefined, hasIngress: false };

/** The `tcmsg` that messages about queueing begin with. */
export function writeTcHeader(
  writer: netlink.MessageWriter,
  target: { readonly index: number; readonly handle?: number; readonly parent?: number; readonly info?: number },
): netlink.MessageWriter {
  const { index, handle = 0, parent = 0, info = 0 } = target;
  return writer.u8(0).u8(0).u16(0).u32(index).u32(handle).u32(parent).u32(info);
}

function readInto(found: Map<number, LinkQdiscs>, payload: Uint8Array): void {
  const index = netlink.readU32(payload, 4);
  const isOurs = netlink.readU32(payload, 8) === BUCKET_HANDLE && netlink.readU32(payload, 12) === ROOT;
  const attributes = netlink.readAttributes(payload, TC_HEADER_BYTES);
  const kind = netlink.readText(attributes.get(TCA_KIND) ?? new Uint8Array());
  const known = found.get(index) ?? NO_QDISCS;
  if (kind === 'ingress' || kind === 'clsact') found.set(index, { ...known, hasIngress: true });
  const options = attributes.get(TCA_OPTIONS);
  if (kind !== 'tbf' || !isOurs || options === undefined) return;
  found.set(index, { ...known, bucket: readTokenBucket(options) });
}

/** Those of all links of the socket's namespace that have some, by the link's index. */
export function observeQdiscs(socket: netlink.Netlink): ReadonlyMap<number, LinkQdiscs> {
  const writer = netlink.createMessageWriter(64);
  writer.begin(RTM_GETQDISC, netlink.NLM_F_DUMP);
  writeTcHeader(writer, { index: 0 }).end();
  const found = new Map<number, LinkQdiscs>();
  socket.dump(writer, (_type, payload) => readInto(found, payload));
  return found;
}

/** Appends a message that makes the bucket the link's, in the place of whatever it has. Takes one acknowledgement. */
export function writeBucket(writer: netlink.MessageWriter, index: number, bucket: TokenBucket): void {
  writer.begin(RTM_NEWQDISC, CHANGE | netlink.NLM_F_REPLACE);
  writeTcHeader(writer, { index, handle: BUCKET_HANDLE, parent: ROOT }).attrString(TCA_KIND, 'tbf');
  writer.nestPlain(TCA_OPTIONS);
  writeTokenBucket(writer, bucket);
  writer.endNest().end();
}

/** Appends a message that takes the link's bucket away. Takes one acknowledgement. */
export function writeBucketRemoval(writer: netlink.MessageWriter, index: number): void {
  writer.begin(RTM_DELQDISC, netlink.NLM_F_ACK);
  writeTcHeader(writer, { index, handle: BUCKET_HANDLE, parent: ROOT }).end();
}

/** Appends a message that makes the place for redirections. Takes one acknowledgement. */
export function writeIngress(writer: netlink.MessageWriter, index: number): void {
  writer.begin(RTM_NEWQDISC, CHANGE);
  writeTcHeader(writer, { index, handle: INGRESS_HANDLE, parent: INGRESS }).attrString(TCA_KIND, 'ingress').end();
}

/** Appends a message that takes it away, with what is in it. Takes one acknowledgement. */
export function writeIngressRemoval(writer: netlink.MessageWriter, index: number): void {
  writer.begin(RTM_DELQDISC, netlink.NLM_F_ACK);
  writeTcHeader(writer, { index, handle: INGRESS_HANDLE, parent: INGRESS }).end();
}
