import { describe, expect, test } from 'bun:test';
import { formatCidr, parseCidr } from '../net/cidr.ts';
import { formatIp, parseIp } from '../net/ip.ts';
import { parseMac } from '../net/mac.ts';
import type { BlockHolders, NodeEnd, RouteSettings } from './cluster-input.ts';
import type { FamilyRoutes, Way } from './cluster-routes.ts';
import type { RoutingPool } from './input.ts';
import { createRouteCalculation, type RouteCalculation } from './route-calculation.ts';

const SETTINGS: RouteSettings = {
  makes: { none: false, ipip: true, vxlan: undefined },
  vni: 4096,
  port: 4789,
  vxlanMtuBytes: { 4: undefined, 6: undefined },
  ipipMtuBytes: undefined,
};

function end(underlay: string, tunnel?: string): NodeEnd {
  const vxlan = tunnel === undefined ? undefined : { address: parseIp(tunnel), mac: parseMac('66:00:00:00:00:01') };
  return { underlay: parseCidr(underlay), vxlan, ipip: undefined };
}

function pool(cidr: string, encapsulation: RoutingPool['encapsulation'], isCrossSubnet = false): RoutingPool {
  return { cidr: parseCidr(cidr), encapsulation, isCrossSubnet, exported: true };
}

function block(cidr: string, node: string | undefined, borrowed: Readonly<Record<string, string>> = {}): BlockHolders {
  const others = Object.entries(borrowed).map(([ip, holder]) => ({ ip: parseIp(ip), node: holder }));
  return { cidr: parseCidr(cidr), node, borrowed: others };
}

/** A cluster of three hosts, two of them in one subnet, seen from the first. */
function cluster(pools: readonly RoutingPool[], settings = SETTINGS): RouteCalculation {
  const calculation = createRouteCalculation('one');
  calculation.setSettings(settings);
  calculation.setPools(pools);
  calculation.setNode('one', { 4: end('10.0.0.1/24', '192.168.0.1'), 6: end('fd00::1/64', 'fd99::1') });
  calculation.setNode('two', { 4: end('10.0.0.2/24', '192.168.2.1'), 6: end('fd00::2/64', 'fd99::201') });
  calculation.setNode('far', { 4: end('10.0.9.3/24', '192.168.3.1'), 6: end('fd00:9::3/64', 'fd99::301') });
  calculation.setBlock('192.168.0.0/26', block('192.168.0.0/26', 'one'));
  calculation.setBlock('192.168.2.0/26', block('192.168.2.0/26', 'two'));
  calculation.setBlock('192.168.3.0/26', block('192.168.3.0/26', 'far'));
  calculation.setBlock('fd99::200/122', block('fd99::200/122', 'two'));
  calculation.setBlock('fd99::300/122', block('fd99::300/122', 'far'));
  calculation.setOwnBlocks([parseCidr('192.168.0.0/26')]);
  calculation.settle();
  return calculation;
}

function printWay({ kind, gateway }: Way): string {
  return `${kind} ${formatIp(gateway)}`;
}

function print({ routes }: FamilyRoutes): Record<string, string> {
  return Object.fromEntries([...routes.values()].map((route) => [formatCidr(route.destination), printWay(route.way)]));
}

describe('the ways to other hosts', () => {
  test('lead through the tunnel into a pool with vxlanMode Always, in both families', () => {
    const { routes } = cluster([pool('192.168.0.0/16', 'vxlan'), pool('fd99::/64', 'vxlan')]);
    expect(print(routes[4])).toEqual({
      '192.168.2.0/26': 'vxlan 192.168.2.1',
      '192.168.3.0/26': 'vxlan 192.168.3.1',
    });
    expect(print(routes[6])).toEqual({ 'fd99::200/122': 'vxlan fd99::201', 'fd99::300/122': 'vxlan fd99::301' });
    expect([...routes[4].peers.keys()].sort()).toEqual(['far', 'two']);
    expect([...routes[4].blackholes.keys()]).toEqual(['192.168.0.0/26']);
    expect(routes[4].vxlan).toMatchObject({ vni: 4096, port: 4789, underlay: parseIp('10.0.0.1') });
  });

  test('are direct within a subnet into a pool with CrossSubnet, in both families', () => {
    const { routes } = cluster([pool('192.168.0.0/16', 'vxlan', true), pool('fd99::/64', 'vxlan', true)]);
    expect(print(routes[4])).toEqual({ '192.168.2.0/26': 'direct 10.0.0.2', '192.168.3.0/26': 'vxlan 192.168.3.1' });
    expect(print(routes[6])).toEqual({ 'fd99::200/122': 'direct fd00::2', 'fd99::300/122': 'vxlan fd99::301' });
  });

  test.each([
    ['10.0.0.1/32', '10.0.0.2/24'],
    ['10.0.0.1/24', '10.0.0.2/32'],
    ['10.0.0.1/24', '10.0.0.130/25'],
  ])('are tunnels where a subnet is not known to both: %s and %s', (own, other) => {
    const calculation = cluster([pool('192.168.0.0/16', 'vxlan', true)]);
    calculation.setNode('one', { 4: end(own, '192.168.0.1'), 6: undefined });
    calculation.setNode('two', { 4: end(other, '192.168.2.1'), 6: undefined });
    calculation.settle();
    expect(print(calculation.routes[4])['192.168.2.0/26']).toBe('vxlan 192.168.2.1');
  });

  test('of a pool without a tunnel are BIRD’s, unless the settings give them to the agent', () => {
    const pools = [pool('192.168.0.0/16', 'none')];
    expect(print(cluster(pools).routes[4])).toEqual({});
    expect([...cluster(pools).routes[4].blackholes.keys()]).toEqual([]);
    const makes = { ...SETTINGS.makes, none: true };
    const { routes } = cluster(pools, { ...SETTINGS, makes });
    expect(print(routes[4])).toEqual({ '192.168.2.0/26': 'direct 10.0.0.2', '192.168.3.0/26': 'direct 10.0.9.3' });
    expect(routes[4].vxlan).toBeUndefined();
  });

  test('of a pool with ipipMode go by the node’s own address', () => {
    const { routes } = cluster([pool('192.168.0.0/16', 'ipip', true)]);
    expect(print(routes[4])).toEqual({ '192.168.2.0/26': 'direct 10.0.0.2', '192.168.3.0/26': 'ipip 10.0.9.3' });
    expect(routes[4].ipip).toMatchObject({ underlay: parseIp('10.0.0.1') });
  });

  test('are none with vxlanEnabled false, and a tunnel is there without a pool when it is true', () => {
    const off = { ...SETTINGS, makes: { ...SETTINGS.makes, vxlan: false } };
    const { routes } = cluster([pool('192.168.0.0/16', 'vxlan', true)], off);
    expect([print(routes[4]), routes[4].vxlan, routes[4].peers.size, routes[4].blackholes.size]).toEqual([
      {},
      undefined,
      0,
      0,
    ]);
    const on = { ...SETTINGS, makes: { ...SETTINGS.makes, vxlan: true } };
    expect(cluster([], on).routes[4].vxlan).toBeDefined();
    expect(cluster([]).routes[4].vxlan).toBeUndefined();
  });

  test('lead to who has borrowed an address, also one of an own block, and of a block that nobody has', () => {
    const calculation = cluster([pool('192.168.0.0/16', 'vxlan')]);
    calculation.setBlock('192.168.0.0/26', block('192.168.0.0/26', 'one', { '192.168.0.7': 'two' }));
    calculation.setBlock('192.168.2.0/26', block('192.168.2.0/26', 'two', { '192.168.2.9': 'one' }));
    calculation.setBlock('192.168.3.0/26', block('192.168.3.0/26', undefined, { '192.168.3.4': 'far' }));
    calculation.setBlock('192.168.5.5/32', block('192.168.5.5/32', 'two', { '192.168.5.5': 'far' }));
    calculation.settle();
    expect(print(calculation.routes[4])).toEqual({
      '192.168.0.7/32': 'vxlan 192.168.2.1',
      '192.168.2.0/26': 'vxlan 192.168.2.1',
      '192.168.3.4/32': 'vxlan 192.168.3.1',
      '192.168.5.5/32': 'vxlan 192.168.3.1',
    });
  });

  test('wait for the tunnel address of the other host, and of this one', () => {
    const calculation = cluster([pool('192.168.0.0/16', 'vxlan')]);
    calculation.setNode('two', { 4: end('10.0.0.2/24'), 6: undefined });
    calculation.settle();
    expect(print(calculation.routes[4])).toEqual({ '192.168.3.0/26': 'vxlan 192.168.3.1' });
    calculation.setNode('one', { 4: end('10.0.0.1/24'), 6: undefined });
    calculation.settle();
    expect([print(calculation.routes[4]), calculation.routes[4].peers.size]).toEqual([{}, 0]);
  });

  test('change for what a host has that joins, moves or leaves, and for nothing else', () => {
    const calculation = cluster([pool('192.168.0.0/16', 'vxlan')]);
    expect(calculation.settle()[4]).toEqual({ isOwnChanged: false, peers: [], routes: [], blackholes: [] });
    calculation.setBlock('192.168.4.0/26', block('192.168.4.0/26', 'new'));
    expect(calculation.settle()[4].routes).toEqual([]);
    calculation.setNode('new', { 4: end('10.0.0.4/24', '192.168.4.1'), 6: undefined });
    const joined = calculation.settle()[4];
    expect([joined.peers.length, joined.routes.length]).toEqual([1, 1]);
    calculation.setNode('new', { 4: end('10.0.0.5/24', '192.168.4.1'), 6: undefined });
    const moved = calculation.settle()[4];
    expect(moved.peers).toMatchObject([
      { before: { underlay: parseIp('10.0.0.4') }, after: { underlay: parseIp('10.0.0.5') } },
    ]);
    expect(moved.routes).toEqual([]);
    calculation.setNode('new', undefined);
    const left = calculation.settle()[4];
    expect([left.peers[0]?.after, left.routes[0]?.after]).toEqual([undefined, undefined]);
  });

  test('are the same in whatever order the cluster comes', () => {
    const pools = [pool('192.168.0.0/16', 'vxlan', true)];
    const wanted = print(cluster(pools).routes[4]);
    const late = createRouteCalculation('one');
    late.setBlock('192.168.3.0/26', block('192.168.3.0/26', 'far'));
    late.settle();
    late.setBlock('192.168.2.0/26', block('192.168.2.0/26', 'two'));
    late.setNode('far', { 4: end('10.0.9.3/24', '192.168.3.1'), 6: undefined });
    late.settle();
    late.setNode('two', { 4: end('10.0.0.2/24', '192.168.2.1'), 6: undefined });
    late.setPools(pools);
    late.settle();
    late.setNode('one', { 4: end('10.0.0.1/24', '192.168.0.1'), 6: undefined });
    late.settle();
    late.setSettings(SETTINGS);
    late.settle();
    expect(print(late.routes[4])).toEqual(wanted);
  });
});
