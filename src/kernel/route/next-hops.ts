// The next hops of a route that has several (rtnetlink(7), RTA_MULTIPATH).
import { type Ip, ipFromBytes } from '../../net/ip.ts';
import * as netlink from '../../sys/netlink.ts';

export interface NextHop {
  readonly interfaceIndex: number;
  readonly gateway: Ip | undefined;
  /** 1–256. */
  readonly weight: number;
}

const RTA_GATEWAY = 5;
/** struct rtnexthop: length, flags, weight less one, interface. */
const HEADER_BYTES = 8;

/** Reads the value of the attribute; a hop that is cut off ends the list. */
export function readNextHops(bytes: Uint8Array): readonly NextHop[] {
  const hops: NextHop[] = [];
  for (let at = 0; at + HEADER_BYTES <= bytes.length; ) {
    const length = netlink.readU16(bytes, at);
    if (length < HEADER_BYTES || at + length > bytes.length) break;
    const gateway = netlink.readAttributes(bytes.subarray(at, at + length), HEADER_BYTES).get(RTA_GATEWAY);
    hops.push({
      interfaceIndex: netlink.readU32(bytes, at + 4),
      gateway: gateway === undefined ? undefined : ipFromBytes(gateway),
      weight: netlink.readU8(bytes, at + 3) + 1,
    });
    at += (length + 3) & ~3;
  }
  return hops;
}
