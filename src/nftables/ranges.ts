// Elements of interval sets: ranges of addresses and ports that do not overlap, as the kernel wants them.
import { type Cidr, cidrCovers, cidrFamily, lastOf, maskCidr } from '../net/cidr.ts';
import { compareIps, type Family } from '../net/ip.ts';
import type { PortRange } from '../net/port.ts';
import { bytesOfIp, bytesOfU16 } from './bytes.ts';
import type { Bytes } from './nft.ts';

/** First and last address, as the key of an interval element. */
export function bytesOfRange(cidr: Cidr): Bytes {
  return bytesOfIp(maskCidr(cidr).address) + bytesOfIp(lastOf(cidr));
}

export function bytesOfPorts(range: PortRange): Bytes {
  return bytesOfU16(range.min) + bytesOfU16(range.max);
}

export function ofFamily(cidrs: readonly Cidr[], family: Family): readonly Cidr[] {
  return cidrs.filter((cidr) => cidrFamily(cidr) === family);
}

/** The ranges that no other one covers, host bits cleared, in order. */
export function withoutCovered(cidrs: readonly Cidr[]): readonly Cidr[] {
  const sorted = cidrs
    .map(maskCidr)
    .sort((a, b) => compareIps(a.address, b.address) || a.prefixLength - b.prefixLength);
  const kept: Cidr[] = [];
  for (const cidr of sorted) {
    const last = kept.at(-1);
    if (last === undefined || !cidrCovers(last, cidr)) kept.push(cidr);
  }
  return kept;
}

/** The same ports in ranges that neither overlap nor touch, in order. */
export function mergePorts(ranges: readonly PortRange[]): readonly PortRange[] {
  const merged: PortRange[] = [];
  for (const range of ranges.toSorted((a, b) => a.min - b.min)) {
    const last = merged.at(-1);
    if (last !== undefined && range.min <= last.max + 1) {
      merged[merged.length - 1] = { min: last.min, max: Math.max(last.max, range.max) };
    } else merged.push(range);
  }
  return merged;
}
