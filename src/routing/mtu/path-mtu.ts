// How large a packet may be: from the uplinks by the tunnels to the links of workloads. A workload's link has the MTU of the ways
// into the pools of its own addresses; ways into other pools that take less say so by an error, from its own host (RFC 1191, RFC 8201).
import { cidrContains } from '../../net/cidr.ts';
import { type Encapsulation, encapsulationBytes } from '../../net/encapsulation.ts';
import { type Family, familyOf, type Ip } from '../../net/ip.ts';
import type { RoutingPool } from '../input.ts';

/** A tunnel's own MTU; undefined: what the uplinks leave. */
type TunnelMtus = Readonly<Record<Family, number | undefined>>;

export interface MtuSettings {
  readonly ipip: TunnelMtus;
  readonly vxlan: TunnelMtus;
  readonly wireguard: TunnelMtus;
  /** Whether packets between hosts are encrypted, whatever pool they are from. */
  readonly encrypts: Readonly<Record<Family, boolean>>;
}

export type MtuPool = Pick<RoutingPool, 'cidr' | 'encapsulation'>;

export interface MtuInput {
  /** The smallest of the uplinks that are up. */
  readonly uplinkBytes: number;
  readonly settings: MtuSettings;
  readonly pools: readonly MtuPool[];
}

/** Less is no link of the family (RFC 791, RFC 8200). */
const LEAST_BYTES: Readonly<Record<Family, number>> = { 4: 68, 6: 1280 };

/**
 * Of the device. One that encrypts sends what is larger than the uplink in parts, so that it takes what its family needs at least;
 * the kernel gives other tunnels no more than the uplink leaves.
 */
export function computeTunnelMtu(
  { uplinkBytes, settings }: MtuInput,
  encapsulation: Encapsulation,
  family: Family,
): number {
  const bytes = settings[encapsulation][family] ?? uplinkBytes - encapsulationBytes(encapsulation, family);
  return encapsulation === 'wireguard' ? Math.max(bytes, LEAST_BYTES[family]) : bytes;
}

/** Whether the way into the pool takes less than every link of its family must, so that there is none. */
export function isTooNarrow(input: MtuInput, pool: MtuPool): boolean {
  const family = familyOf(pool.cidr.address);
  return pool.encapsulation !== 'none' && computeTunnelMtu(input, pool.encapsulation, family) < LEAST_BYTES[family];
}

/** What is between hosts for packets of a family: the encapsulation of the pool, and encryption while some peers have it. */
export function waysOf({ settings }: MtuInput, pool: MtuPool | undefined, family: Family): readonly Encapsulation[] {
  const encapsulation = pool?.encapsulation ?? 'none';
  return [
    ...(encapsulation === 'none' ? [] : [encapsulation]),
    ...(settings.encrypts[family] ? (['wireguard'] as const) : []),
  ];
}

function smallestOf(input: MtuInput, ways: readonly (readonly [Encapsulation, Family])[]): number {
  const sizes = ways.map(([encapsulation, family]) => computeTunnelMtu(input, encapsulation, family));
  return sizes.length === 0 ? input.uplinkBytes : Math.min(...sizes);
}

/** Of both ends of the link of a workload with these addresses. */
export function computeWorkloadMtu(input: MtuInput, addresses: readonly Ip[]): number {
  const ways = addresses.flatMap((ip) => {
    const pool = input.pools.find(({ cidr }) => cidrContains(cidr, ip));
    return waysOf(input, pool, familyOf(ip)).map((encapsulation) => [encapsulation, familyOf(ip)] as const);
  });
  const least = addresses.map((ip) => LEAST_BYTES[familyOf(ip)]);
  return Math.max(smallestOf(input, ways), LEAST_BYTES[4], ...least);
}

/** What is right for a workload of any pool (Calico v3.33, felix/dataplane/linux/int_dataplane.go, determinePodMTU). */
export function computeCommonMtu(input: MtuInput): number {
  const ways = input.pools.flatMap((pool) => {
    const family = familyOf(pool.cidr.address);
    return waysOf(input, pool, family).map((encapsulation) => [encapsulation, family] as const);
  });
  const encrypted = ([4, 6] as const).filter((family) => input.settings.encrypts[family]);
  return smallestOf(input, [...ways, ...encrypted.map((family) => ['wireguard', family] as const)]);
}
