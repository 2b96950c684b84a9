// The MTU on the way from the uplinks by the tunnels to the workloads of each pool, for people.
import { formatCidr } from '../../net/cidr.ts';
import type { Encapsulation } from '../../net/encapsulation.ts';
import { type Family, familyOf } from '../../net/ip.ts';
import { IPIP_LINK, VXLAN_LINKS } from '../cluster-routes.ts';
import { computeTunnelMtu, computeWorkloadMtu, isTooNarrow, type MtuInput, type MtuPool, waysOf } from './path-mtu.ts';

/** By the names that Calico gives the devices (Calico v3.33, felix/dataplane/linux/dataplanedefs). */
const DEVICES: Readonly<Record<Encapsulation, Readonly<Record<Family, string>>>> = {
  ipip: { 4: IPIP_LINK, 6: IPIP_LINK },
  vxlan: VXLAN_LINKS,
  wireguard: { 4: 'wireguard.cali', 6: 'wg-v6.cali' },
};

export interface MtuReport {
  readonly input: MtuInput;
  /** Of the uplink that is the narrowest; undefined: there is none. */
  readonly uplink: string | undefined;
  /** Encapsulations that the kernel does not have. */
  readonly unmade: ReadonlySet<MtuPool['encapsulation']>;
}

function describePool({ input, uplink, unmade }: MtuReport, pool: MtuPool): string {
  const family = familyOf(pool.cidr.address);
  if (unmade.has(pool.encapsulation))
    return `${formatCidr(pool.cidr)}: no way to other hosts, as the kernel has no tunnels of ${pool.encapsulation}`;
  const tunnels = waysOf(input, pool, family).map(
    (encapsulation) => `${DEVICES[encapsulation][family]} ${computeTunnelMtu(input, encapsulation, family)}`,
  );
  const first = `${uplink ?? 'no uplink'} ${input.uplinkBytes}`;
  if (isTooNarrow(input, pool))
    return `${formatCidr(pool.cidr)}: no way to other hosts, as ${first} → ${tunnels[0]} is less than IPv${family} needs`;
  const steps = [
    first,
    ...(tunnels.length === 0 ? [] : [tunnels.join(' and ')]),
    `workloads ${computeWorkloadMtu(input, [pool.cidr.address])}`,
  ];
  return `${formatCidr(pool.cidr)}: ${steps.join(' → ')}`;
}

/** A line for each pool that has no way to other hosts because packets of its family would be too large. */
export function describeNarrow(report: MtuReport): readonly string[] {
  const narrow = report.input.pools.filter((pool) => isTooNarrow(report.input, pool));
  return narrow.map((pool) => describePool(report, pool));
}

/** A line for each pool. */
export function describeMtu(report: MtuReport): readonly string[] {
  return report.input.pools.map((pool) => describePool(report, pool));
}
