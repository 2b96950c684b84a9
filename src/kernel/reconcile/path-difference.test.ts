import { expect, test } from 'bun:test';
import { formatCidr, parseCidr } from '../../net/cidr.ts';
import { parseIp } from '../../net/ip.ts';
import { parseMac } from '../../net/mac.ts';
import type { MarkRule } from '../route/mark-rules.ts';
import { formatRoute } from '../route/routes.ts';
import { type KernelPaths, resolvePaths } from './kernel-paths.ts';
import { computePathDifference } from './path-difference.ts';
import { type DesiredPath, type DesiredTunnel, type PathState, pathKey } from './path-state.ts';

const TUNNEL = 'vxlan.calico';
const NUMBERS = new Map([
  [TUNNEL, 9],
  ['eth0', 2],
]);

const peers = [1, 2].map((host) => ({
  address: parseIp(`192.168.${host}.1`),
  mac: parseMac(`66:00:00:00:00:0${host}`),
  underlay: parseIp(`10.99.0.${host}`),
}));

const vxlan: DesiredTunnel = {
  ...{ kind: 'vxlan', vni: 4096, port: 4789, local: parseIp('10.99.0.9'), mac: parseMac('66:00:00:00:00:09') },
  ...{ mtuBytes: 1450, addresses: [parseIp('192.168.9.1')], peers },
};

const through = (name: string, gateway: string) =>
  ({ kind: 'gateway', link: { kind: 'name', name }, gateway: parseIp(gateway) }) as const;

const path = (destination: string, way: DesiredPath['way'], table = 254): DesiredPath => ({
  ...{ destination: parseCidr(destination), table, way },
});

function stateOf(paths: readonly DesiredPath[], tunnel = vxlan, rules: readonly MarkRule[] = []): PathState {
  return { tunnels: new Map([[TUNNEL, tunnel]]), routes: new Map(paths.map((one) => [pathKey(one), one])), rules };
}

const PATHS = [
  path('192.168.9.0/26', { kind: 'blackhole' }),
  path('192.168.1.0/26', through(TUNNEL, '192.168.1.1')),
  path('192.168.2.0/26', through(TUNNEL, '192.168.2.1')),
];

const resolve = (state: PathState, numbers = NUMBERS): KernelPaths =>
  resolvePaths(state, (link) => (link.kind === 'name' ? numbers.get(link.name) : numbers.get('eth0')));

/** As text. */
function differ(after: KernelPaths, before: KernelPaths): readonly string[] {
  const { routes, addresses, neighbours, forwarding, rules } = computePathDifference(after, before);
  return [
    ...routes.set.map((route) => `+${formatRoute(route)}`),
    ...routes.replaced.map((route) => `~${formatRoute(route)}`),
    ...routes.removed.map((route) => `-${formatRoute(route)}`),
    ...addresses.set.map(({ address }) => `+${formatCidr(address)}`),
    ...addresses.removed.map(({ address }) => `-${formatCidr(address)}`),
    ...neighbours.set.map(({ mac }) => `+neighbour ${mac}`),
    ...neighbours.removed.map(({ mac }) => `-neighbour ${mac}`),
    ...forwarding.set.map(({ mac }) => `+fdb ${mac}`),
    ...forwarding.removed.map(({ mac }) => `-fdb ${mac}`),
    ...rules.set.map(({ table }) => `+rule ${table}`),
    ...rules.removed.map(({ table }) => `-rule ${table}`),
  ];
}

test('of what is as wanted nothing has to change', () => {
  expect(differ(resolve(stateOf(PATHS)), resolve(stateOf(PATHS)))).toEqual([]);
});

test('a host that comes or goes is its routes, its neighbour and its entry, and nothing of any other', () => {
  const [whole, without] = [stateOf(PATHS), stateOf(PATHS.slice(0, 2), { ...vxlan, peers: peers.slice(0, 1) })];
  const told = [
    '192.168.2.0/26 via 192.168.2.1 interface 9 metric 1024',
    'neighbour 66:00:00:00:00:02',
    'fdb 66:00:00:00:00:02',
  ];
  expect(differ(resolve(whole), resolve(without))).toEqual(told.map((line) => `+${line}`));
  expect(differ(resolve(without), resolve(whole))).toEqual(told.map((line) => `-${line}`));
});

test('a route that leads another way takes the place of ours; one of another table or metric stands beside it', () => {
  const direct = [...PATHS.slice(0, 2), path('192.168.2.0/26', through('eth0', '10.99.0.2'))];
  expect(differ(resolve(stateOf(direct)), resolve(stateOf(PATHS)))).toEqual([
    '~192.168.2.0/26 via 10.99.0.2 interface 2 metric 1024',
  ]);
  const nowhere = [...PATHS.slice(0, 2), path('192.168.2.0/26', { kind: 'blackhole' })];
  expect(differ(resolve(stateOf(nowhere)), resolve(stateOf(PATHS)))).toEqual(['~blackhole 192.168.2.0/26 metric 1024']);
  const elsewhere = [...PATHS, path('192.168.2.0/26', { kind: 'throw' }, 7)];
  expect(differ(resolve(stateOf(elsewhere)), resolve(stateOf(PATHS)))).toEqual(['+throw 192.168.2.0/26 metric 1024']);
  const before = resolve(stateOf(PATHS));
  const dear = { ...before, routes: before.routes.map((route) => ({ ...route, metric: 7 })) };
  expect(differ(before, dear).map((line) => line[0])).toEqual(['+', '+', '+', '-', '-', '-']);
});

test('what leads by a link that is not there waits, and what led there before goes', () => {
  const down = new Map([['eth0', 2]]);
  expect(differ(resolve(stateOf(PATHS), down), resolve(stateOf(PATHS)))).toContainEqual(
    '-192.168.2.0/26 via 192.168.2.1 interface 9 metric 1024',
  );
  expect(resolve(stateOf(PATHS), down).forwarding).toEqual([]);
});

test('neighbours and entries of a MAC address or underlay that was another one are set, those that come and go are left', () => {
  const [whole] = [resolve(stateOf(PATHS))];
  const [first, second] = whole.neighbours;
  const learned = { interfaceIndex: 9, address: parseIp('192.168.7.7'), mac: undefined, permanent: false };
  const there = {
    ...whole,
    neighbours: [{ ...first, mac: parseMac('66:00:00:00:00:77') }, { ...second, permanent: false }, learned],
    forwarding: whole.forwarding.map((entry) => ({ ...entry, underlay: parseIp('10.99.0.77') })),
  } as KernelPaths;
  expect(differ(whole, there)).toEqual([
    ...['+neighbour 66:00:00:00:00:01', '+neighbour 66:00:00:00:00:02'],
    ...['+fdb 66:00:00:00:00:01', '+fdb 66:00:00:00:00:02', '-fdb 66:00:00:00:00:01', '-fdb 66:00:00:00:00:02'],
  ]);
});

test('of several peers with one MAC address, or one address inside, the first counts', () => {
  const [one, two] = peers;
  if (one === undefined || two === undefined) throw new Error('no peers');
  const state = stateOf([], { ...vxlan, peers: [one, { ...two, mac: one.mac }, { ...two, address: one.address }] });
  const { neighbours, forwarding } = resolve(state);
  expect(neighbours.map(({ address, mac }) => [address, mac])).toEqual([
    [one.address, one.mac],
    [two.address, one.mac],
  ]);
  expect(forwarding.map(({ mac, underlay }) => [mac, underlay])).toEqual([
    [one.mac, one.underlay],
    [two.mac, two.underlay],
  ]);
});

test('a rule that differs in anything is another one', () => {
  const rule: MarkRule = { family: 4, mark: 1, mask: 1, isInverted: true, table: 5, priority: 99 };
  const changes: readonly Partial<MarkRule>[] = [{ family: 6 }, { mark: 2 }, { isInverted: false }, { priority: 98 }];
  for (const change of changes) {
    const [before, after] = [stateOf([], vxlan, [rule]), stateOf([], vxlan, [{ ...rule, ...change }])];
    expect(differ(resolve(after), resolve(before))).toEqual(['+rule 5', '-rule 5']);
  }
});
