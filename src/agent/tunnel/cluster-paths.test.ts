import { expect, test } from 'bun:test';
import type { PathState } from '../../kernel/reconcile/path-state.ts';
import { parseCidr } from '../../net/cidr.ts';
import { formatIp, parseIp } from '../../net/ip.ts';
import { createRouteCalculation } from '../../routing/route-calculation.ts';
import { computeClusterPaths } from './cluster-paths.ts';

/** A host in a subnet with another, and a third one beyond, with a pool of IP-in-IP; each has a block of it. */
function cluster(isCrossSubnet: boolean) {
  const calculation = createRouteCalculation('own');
  calculation.setSettings({
    ...{ makes: { none: false, ipip: true, vxlan: undefined }, vni: 1, port: 1 },
    ...{ vxlanMtuBytes: { 4: undefined, 6: undefined }, ipipMtuBytes: 1400 },
  });
  calculation.setPools([{ cidr: parseCidr('10.1.0.0/16'), encapsulation: 'ipip', isCrossSubnet, exported: true }]);
  for (const [index, underlay] of ['10.0.0.1/24', '10.0.0.2/24', '10.0.9.3/24'].entries()) {
    const node = ['own', 'near', 'far'][index] ?? '';
    const ipip = parseIp(`10.1.${index}.0`);
    calculation.setNode(node, { 4: { underlay: parseCidr(underlay), vxlan: undefined, ipip }, 6: undefined });
    const range = `10.1.${index}.0/26`;
    calculation.setBlock(range, { cidr: parseCidr(range), node, borrowed: [] });
  }
  calculation.setOwnBlocks([parseCidr('10.1.0.0/26')]);
  calculation.settle();
  return calculation.routes;
}

function print({ routes, tunnels }: PathState): readonly string[] {
  const paths = [...routes].map(([key, { way }]) => {
    if (way.kind !== 'gateway') return `${key} ${way.kind}`;
    const link = way.link.kind === 'name' ? way.link.name : `the link of ${formatIp(way.link.address)}`;
    return `${key} via ${formatIp(way.gateway)} dev ${link}`;
  });
  const devices = [...tunnels].map(
    ([name, { kind, local, mtuBytes, addresses }]) =>
      `${name}: ${kind} from ${formatIp(local)}, mtu ${mtuBytes}, ${addresses.map(formatIp).join()}`,
  );
  return [...devices, ...paths.sort()];
}

const NONE = new Set<string>();
const DEVICE = 'tunl0: ipip from 10.0.0.1, mtu 1400, 10.1.0.0';

test('IP-in-IP: a route for each block by the other host’s own address and the one device', () => {
  expect(print(computeClusterPaths(cluster(false), NONE))).toEqual([
    DEVICE,
    '10.1.0.0/26 blackhole',
    '10.1.1.0/26 via 10.0.0.2 dev tunl0',
    '10.1.2.0/26 via 10.0.9.3 dev tunl0',
  ]);
});

test('across subnets alone: within its own subnet as it is', () => {
  expect(print(computeClusterPaths(cluster(true), NONE))).toEqual([
    DEVICE,
    '10.1.0.0/26 blackhole',
    '10.1.1.0/26 via 10.0.0.2 dev the link of 10.0.0.1',
    '10.1.2.0/26 via 10.0.9.3 dev tunl0',
  ]);
});

test('what would go by a tunnel that the kernel has not goes nowhere, and not as it is', () => {
  expect(print(computeClusterPaths(cluster(true), new Set(['ipip'])))).toEqual([
    '10.1.0.0/26 blackhole',
    '10.1.1.0/26 via 10.0.0.2 dev the link of 10.0.0.1',
    '10.1.2.0/26 blackhole',
  ]);
});
