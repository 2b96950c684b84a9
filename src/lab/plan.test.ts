import { expect, test } from 'bun:test';
import { cidrContains, cidrsOverlap, parseCidr } from '../net/cidr.ts';
import { formatIp, parseIp } from '../net/ip.ts';
import {
  computeLabPlan,
  etcdUrl,
  etcdUrls,
  formatShape,
  type LabFamily,
  MAX_NODES,
  parseLabName,
  parseNodeCount,
  parseSegmentCount,
  printHostsFile,
  registryUrl,
  servicesAddresses,
} from './plan.ts';

const IPV4: readonly LabFamily[] = ['ipv4'];
const IPV6: readonly LabFamily[] = ['ipv6'];
const DUAL: readonly LabFamily[] = ['ipv4', 'ipv6'];
const planOf = (nodes: number, segments = 1, families = IPV4) => computeLabPlan('x', { nodes, segments, families });

test.each(['a', '7', 'lab-1', 'a--b', 'x'.repeat(32)])('"%s" may name a lab', (name) => {
  expect(parseLabName(name)).toBe(name);
});

test.each(['', '-a', 'a-', 'A', 'a_b', 'a b', '../a', 'a/b', 'x'.repeat(33)])('"%s" may not', (name) => {
  expect(() => parseLabName(name)).toThrow(
    `lab name "${name}": 1 to 32 lower-case letters, digits and inner dashes wanted`,
  );
});

test('a lab has 1 to 99 hosts', () => {
  expect(['1', '01', '99'].map(parseNodeCount)).toEqual([1, 1, MAX_NODES]);
  for (const text of ['', '0', '00', '100', '-1', '2.5', 'two', ' 2'])
    expect(() => parseNodeCount(text)).toThrow(`number of hosts "${text}": 1 to 99 wanted`);
});

test('each segment has a host', () => {
  expect(['1', '02', '3'].map((text) => parseSegmentCount(text, 3))).toEqual([1, 2, 3]);
  for (const text of ['', '0', '4', '-1', 'two'])
    expect(() => parseSegmentCount(text, 3)).toThrow(
      `number of segments "${text}": 1 to 3 wanted, the number of hosts`,
    );
});

test('hosts are named and numbered from 1, beside the services', () => {
  expect(planOf(2)).toEqual({
    name: 'x',
    families: ['ipv4'],
    segments: [
      {
        number: 1,
        bridge: 'underlay',
        subnets: [{ family: 'ipv4', range: '10.99.0.0/24', gateway: '10.99.0.254' }],
      },
    ],
    nodes: [
      { name: 'calico-01', segment: 1, addresses: ['10.99.0.1'] },
      { name: 'calico-02', segment: 1, addresses: ['10.99.0.2'] },
    ],
  });
  expect([etcdUrl(planOf(2)), registryUrl(planOf(2))]).toEqual(['http://10.99.0.254:2379', 'http://10.99.0.254:5000']);
});

test('the families of a host have the same digits, written as the kernel writes them', () => {
  const plan = planOf(3, 2, DUAL);
  expect(plan.nodes.map(({ segment, addresses }) => [segment, ...addresses])).toEqual([
    [1, '10.99.0.1', 'fd99::1'],
    [1, '10.99.0.2', 'fd99::2'],
    [2, '10.99.1.3', 'fd99:0:0:1::3'],
  ]);
  expect(plan.segments.map(({ bridge, subnets }) => [bridge, ...subnets.map(({ range }) => range)])).toEqual([
    ['underlay', '10.99.0.0/24', 'fd99::/64'],
    ['underlay-2', '10.99.1.0/24', 'fd99:0:0:1::/64'],
  ]);
  expect([servicesAddresses(plan), etcdUrls(plan), etcdUrl(planOf(1, 1, IPV6))]).toEqual([
    ['10.99.0.254', 'fd99::254'],
    ['http://10.99.0.254:2379', 'http://[fd99::254]:2379'],
    'http://[fd99::254]:2379',
  ]);
});

test.each([
  [99, 1],
  [99, 99],
  [10, 4],
  [7, 3],
])(
  '%i hosts in %i segments: every address is one, in the subnet of its segment, which no other overlaps',
  (nodes, segments) => {
    const plan = planOf(nodes, segments, DUAL);
    const all = [
      ...plan.nodes.flatMap(({ addresses }) => addresses),
      ...plan.segments.flatMap(({ subnets }) => subnets.map(({ gateway }) => gateway)),
    ];
    expect(new Set(all).size).toBe(2 * (nodes + segments));
    expect(all.map((address) => formatIp(parseIp(address)))).toEqual(all);
    for (const node of plan.nodes)
      for (const [index, subnet] of plan.segments[node.segment - 1]?.subnets.entries() ?? [])
        for (const address of [subnet.gateway, node.addresses[index] ?? ''])
          expect(cidrContains(parseCidr(subnet.range), parseIp(address))).toBe(true);
    const ranges = plan.segments.flatMap(({ subnets }) => subnets.map(({ range }) => parseCidr(range)));
    expect(ranges.some((range, at) => ranges.slice(at + 1).some((other) => cidrsOverlap(range, other)))).toBe(false);
    const sizes = plan.segments.map(({ number }) => plan.nodes.filter(({ segment }) => segment === number).length);
    expect(Math.min(...sizes)).toBeGreaterThan(0);
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThan(2);
  },
);

test('a shape is told by one line', () => {
  expect([planOf(2), planOf(4, 2), planOf(1, 1, IPV6), planOf(4, 2, DUAL)].map(formatShape)).toEqual([
    '2 hosts',
    '4 hosts in 2 segments',
    '1 hosts, IPv6 alone',
    '4 hosts in 2 segments, IPv4 and IPv6',
  ]);
});

test('every host knows all of them by name', () => {
  expect(printHostsFile(planOf(2))).toBe(`127.0.0.1 localhost
::1 localhost ip6-localhost
10.99.0.1 calico-01
10.99.0.2 calico-02
10.99.0.254 underlay
`);
  expect(printHostsFile(planOf(2, 2, DUAL))).toEndWith(`
10.99.0.1 calico-01
fd99::1 calico-01
10.99.1.2 calico-02
fd99:0:0:1::2 calico-02
10.99.0.254 underlay
fd99::254 underlay
`);
});
