import { expect, test } from 'bun:test';
import { parseCidr } from '../../net/cidr.ts';
import { parseIp } from '../../net/ip.ts';
import { describeMtu, describeNarrow } from './describe-mtu.ts';
import { computeCommonMtu, computeWorkloadMtu, type MtuInput, type MtuPool, type MtuSettings } from './path-mtu.ts';

const AUTOMATIC = { 4: undefined, 6: undefined };
const PLAIN: MtuSettings = {
  ...{ ipip: AUTOMATIC, vxlan: AUTOMATIC, wireguard: AUTOMATIC },
  encrypts: { 4: false, 6: false },
};
const pool = (cidr: string, encapsulation: MtuPool['encapsulation']): MtuPool => ({
  cidr: parseCidr(cidr),
  encapsulation,
});
const pools = [
  ...[pool('10.1.0.0/16', 'none'), pool('10.2.0.0/16', 'vxlan'), pool('10.3.0.0/16', 'ipip')],
  ...[pool('fd01::/64', 'none'), pool('fd02::/64', 'vxlan')],
];

function mtuOf(settings: Partial<MtuSettings>, uplinkBytes: number, ...addresses: readonly string[]): number {
  const input: MtuInput = { uplinkBytes, pools, settings: { ...PLAIN, ...settings } };
  return computeWorkloadMtu(input, addresses.map(parseIp));
}

const V4 = { encrypts: { 4: true, 6: false } };

test.each<readonly [Partial<MtuSettings>, number, readonly string[], number]>([
  [{}, 1500, ['10.1.0.1'], 1500],
  [{}, 9000, ['10.2.0.1'], 8950],
  [{}, 1500, ['10.3.0.1'], 1480],
  [{}, 1500, ['fd01::1'], 1500],
  [{}, 1500, ['fd02::1'], 1430],
  [{}, 1500, ['10.1.0.1', 'fd02::1'], 1430],
  [{}, 1500, ['192.0.2.1'], 1500], // of no pool
  [{ vxlan: { 4: 1400, 6: undefined } }, 1500, ['10.2.0.1'], 1400],
  [{ vxlan: { 4: 1400, 6: undefined } }, 1500, ['10.1.0.1'], 1500],
  [{ ipip: { 4: 8000, 6: undefined } }, 1500, ['10.3.0.1'], 8000], // as it was set
  [V4, 1500, ['10.1.0.1'], 1440],
  [V4, 1500, ['10.2.0.1'], 1440],
  [V4, 1500, ['fd01::1'], 1500],
  [{ encrypts: { 4: true, 6: true }, wireguard: { 4: undefined, 6: 1300 } }, 1500, ['10.1.0.1', 'fd01::1'], 1300],
  [{ vxlan: { 4: 10, 6: 10 } }, 1500, ['10.2.0.1'], 68],
  [{}, 1300, ['fd02::1'], 1280],
  [{ encrypts: { 4: true, 6: true } }, 1300, ['fd01::1'], 1280],
])('%j, uplink %d, workload with %j: %d', (settings, uplinkBytes, addresses, wanted) => {
  expect(mtuOf(settings, uplinkBytes, ...addresses)).toBe(wanted);
});

test('what is right for workloads of any pool', () => {
  const common = (settings: Partial<MtuSettings>, ...some: readonly MtuPool[]) =>
    computeCommonMtu({ uplinkBytes: 1500, pools: some, settings: { ...PLAIN, ...settings } });
  expect([
    common({}),
    common({}, ...pools.slice(0, 1)),
    common({}, ...pools.slice(0, 3)),
    common({}, ...pools),
  ]).toEqual([1500, 1500, 1450, 1430]);
  expect(common({ encrypts: { 4: false, 6: true } }, ...pools.slice(0, 1))).toBe(1420);
});

test('the way into each pool, for people', () => {
  const settings = { ...PLAIN, encrypts: { 4: false, 6: true } };
  const input = { uplinkBytes: 1500, pools, settings };
  expect(describeMtu({ input, uplink: 'eth0', unmade: new Set(['ipip']) })).toEqual([
    '10.1.0.0/16: eth0 1500 → workloads 1500',
    '10.2.0.0/16: eth0 1500 → vxlan.calico 1450 → workloads 1450',
    '10.3.0.0/16: no way to other hosts, as the kernel has no tunnels of ipip',
    'fd01::/64: eth0 1500 → wg-v6.cali 1420 → workloads 1420',
    'fd02::/64: eth0 1500 → vxlan-v6.calico 1430 and wg-v6.cali 1420 → workloads 1420',
  ]);
  expect(describeMtu({ input: { ...input, pools: pools.slice(2, 3) }, uplink: undefined, unmade: new Set() })).toEqual([
    '10.3.0.0/16: no uplink 1500 → tunl0 1480 → workloads 1480',
  ]);
});

test('IPv6 has no way through a tunnel that takes less than 1280 bytes, which is said; what encrypts takes as much', () => {
  const settings = { ...PLAIN, encrypts: { 4: false, 6: true } };
  const reportOf = (uplinkBytes: number) => ({
    ...{ uplink: 'eth0', unmade: new Set<MtuPool['encapsulation']>() },
    input: { uplinkBytes, settings, pools: pools.slice(3) },
  });
  const line = 'fd02::/64: no way to other hosts, as eth0 1349 → vxlan-v6.calico 1279 is less than IPv6 needs';
  expect(describeMtu(reportOf(1349))).toEqual(['fd01::/64: eth0 1349 → wg-v6.cali 1280 → workloads 1280', line]);
  expect([describeNarrow(reportOf(1349)), describeNarrow(reportOf(1350))]).toEqual([[line], []]);
});
