// The kernel's token bucket filter (tc-tbf(8)): from a bandwidth to what the kernel counts in, and its form in messages of
// rtnetlink (linux/pkt_sched.h, struct tc_tbf_qopt).
import type { Bandwidth } from '../../net/bandwidth.ts';
import * as netlink from '../../sys/netlink.ts';

/** Times are in ticks of 64 ns (PSCHED_SHIFT of net/pkt_sched.h). */
export interface TokenBucket {
  readonly bytesPerSecond: number;
  /** How long the burst takes at that rate. */
  readonly burstTicks: number;
  /** So many bytes wait at most; what comes then is dropped. */
  readonly limitBytes: number;
  /** 0: none. */
  readonly peakBytesPerSecond: number;
  readonly peakTicks: number;
}

const TICK_NS = 64;
/** So long a packet waits at most, as in Calico (v3.33, felix/dataplane/linux/qos/qos.go). */
const LATENCY_S = 0.025;
const MAX_U32 = 0xffffffff;
/** An Ethernet header, with a tag. */
const HEADER_BYTES = 18;

const TCA_TBF_PARMS = 1;
const TCA_TBF_RATE64 = 4;
const TCA_TBF_PRATE64 = 5;
const LINKLAYER_ETHERNET = 1;
const RATE_BYTES = 12;

function toU32(value: number): number {
  return Math.min(Math.max(0, Math.floor(value)), MAX_U32);
}

/** Rounded up, so that the bucket holds that much. */
function ticksFor(bytes: number, bytesPerSecond: number): number {
  return toU32(Math.ceil((bytes / bytesPerSecond) * (1e9 / TICK_NS)));
}

/** A bucket that cannot hold one packet would let none through: it holds one whatever is asked for. */
export function computeTokenBucket(bandwidth: Bandwidth, mtuBytes: number): TokenBucket {
  const packetBytes = mtuBytes + HEADER_BYTES;
  const bytesPerSecond = Math.floor(bandwidth.bitsPerSecond / 8);
  const burstBytes = Math.max(bandwidth.burstBits / 8, packetBytes);
  const limit = bytesPerSecond * LATENCY_S + burstBytes;
  const peak = Math.floor((bandwidth.peakBitsPerSecond ?? 0) / 8);
  const plain = { bytesPerSecond, burstTicks: ticksFor(burstBytes, bytesPerSecond) };
  // the kernel refuses a peak that is none
  if (peak <= bytesPerSecond) return { ...plain, limitBytes: toU32(limit), peakBytesPerSecond: 0, peakTicks: 0 };
  const minBurstBytes = Math.max(bandwidth.minBurstBytes ?? 0, packetBytes);
  const limitBytes = toU32(Math.min(limit, peak * LATENCY_S + minBurstBytes));
  return { ...plain, limitBytes, peakBytesPerSecond: peak, peakTicks: ticksFor(minBurstBytes, peak) };
}

function writeRate(bytesPerSecond: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(RATE_BYTES));
  view.setUint8(1, bytesPerSecond === 0 ? 0 : LINKLAYER_ETHERNET);
  view.setUint32(8, toU32(bytesPerSecond), true);
  return new Uint8Array(view.buffer);
}

function writeWide(writer: netlink.MessageWriter, type: number, value: number): void {
  if (value > MAX_U32) writer.attrBytes(type, new Uint8Array(BigUint64Array.of(BigInt(value)).buffer));
}

/** Appends the attributes of the filter's options. */
export function writeTokenBucket(writer: netlink.MessageWriter, bucket: TokenBucket): void {
  const { bytesPerSecond, peakBytesPerSecond, limitBytes, burstTicks, peakTicks } = bucket;
  const numbers = Uint32Array.of(limitBytes, burstTicks, peakTicks);
  const rates = [...writeRate(bytesPerSecond), ...writeRate(peakBytesPerSecond)];
  writer.attrBytes(TCA_TBF_PARMS, Uint8Array.of(...rates, ...new Uint8Array(numbers.buffer)));
  writeWide(writer, TCA_TBF_RATE64, bytesPerSecond);
  writeWide(writer, TCA_TBF_PRATE64, peakBytesPerSecond);
}

function readRate(params: Uint8Array, at: number, wide: Uint8Array | undefined): number {
  if (wide === undefined) return netlink.readU32(params, at + 8);
  return netlink.readU32(wide) + netlink.readU32(wide, 4) * 2 ** 32;
}

/** From the filter's options as the kernel tells them. */
export function readTokenBucket(options: Uint8Array): TokenBucket {
  const attributes = netlink.readAttributes(options);
  const params = attributes.get(TCA_TBF_PARMS) ?? new Uint8Array();
  return {
    bytesPerSecond: readRate(params, 0, attributes.get(TCA_TBF_RATE64)),
    burstTicks: netlink.readU32(params, 2 * RATE_BYTES + 4),
    limitBytes: netlink.readU32(params, 2 * RATE_BYTES),
    peakBytesPerSecond: readRate(params, RATE_BYTES, attributes.get(TCA_TBF_PRATE64)),
    peakTicks: netlink.readU32(params, 2 * RATE_BYTES + 8),
  };
}
