import { expect, test } from 'bun:test';
import { formatCidr, hostCidr, parseCidr } from '../../net/cidr.ts';
import { formatIp, parseIp } from '../../net/ip.ts';
import { parseMac } from '../../net/mac.ts';
import { type Route, workloadRoute } from '../route/routes.ts';
import { computeDifference, type ObservedLink, type ObservedState } from './difference.ts';
import { mergeStates } from './state.ts';
import { computeWorkloadState } from './workload-state.ts';

const mac = parseMac('02:00:00:00:00:01');
const A = parseIp('10.0.0.1');
const B = parseIp('10.0.0.2');

const desired = computeWorkloadState({
  interfaceName: 'cali1',
  addresses: [A, B],
  floating: [],
  bandwidth: {},
  mac,
  maySpoof: false,
  fromLoopback: [],
  isPartial: false,
});

const link = (changes: Partial<ObservedLink> = {}): ObservedLink => ({
  ...{ index: 7, name: 'cali1', up: true, settings: [] },
  ...changes,
});

const route = (address: string, changes: Partial<Route> = {}): Route => ({
  ...workloadRoute(parseCidr(address), 7),
  ...changes,
});

const neighbour = (address: typeof A, permanent = true) => ({ interfaceIndex: 7, address, mac, permanent });

/** As text. */
function differ(observed: Partial<ObservedState>, wanted = desired): readonly string[] {
  const { links, routes, neighbours } = computeDifference(wanted, {
    ...{ links: [link()], routes: [], neighbours: [] },
    ...observed,
  });
  return [
    ...links.map(({ hostName }) => `settings ${hostName}`),
    ...routes.added.map(({ destination }) => `+${formatCidr(destination)}`),
    ...routes.removed.map(({ destination }) => `-${formatCidr(destination)}`),
    ...neighbours.map(({ address }) => formatIp(address)),
  ];
}

const routes = [A, B].map((ip) => workloadRoute(hostCidr(ip), 7));
const neighbours = [neighbour(A), neighbour(B)];

test('nothing has to be done where all is as wanted, whatever else there is', () => {
  const others = [route('10.0.0.3/32', { metric: 0 }), route('10.0.0.4/32', { protocol: 12 }), route('10.1.0.0/24')];
  const elsewhere = workloadRoute(parseCidr('10.0.0.5/32'), 8);
  expect(differ({ routes: [...routes, ...others, elsewhere], neighbours })).toEqual([]);
});

test('a link that has just come up gets all of it', () => {
  expect(differ({})).toEqual(['+10.0.0.1/32', '+10.0.0.2/32', '10.0.0.1', '10.0.0.2']);
});

test('one that is down or not there gets nothing', () => {
  expect(differ({ links: [link({ up: false })] })).toEqual([]);
  expect(differ({ links: [] })).toEqual([]);
});

test('a route of ours to another address goes, unless some address could not be read', () => {
  const observed = { routes: [...routes, route('10.0.0.9/32')], neighbours };
  expect(differ(observed)).toEqual(['-10.0.0.9/32']);
  const partial = {
    ...desired,
    links: new Map([...desired.links].map(([name, one]) => [name, { ...one, isWhole: false }])),
  };
  expect(differ(observed, partial)).toEqual([]);
});

test('an entry that may go by itself is made to stay, one of another MAC address is left', () => {
  expect(differ({ routes, neighbours: [neighbour(A, false), neighbour(B)] })).toEqual(['10.0.0.1']);
  const other = { ...neighbour(A), mac: parseMac('02:00:00:00:00:99') };
  expect(differ({ routes, neighbours: [other, neighbour(B)] })).toEqual([]);
});

test('of two states that are merged the first has what both want', () => {
  const other = computeWorkloadState({
    interfaceName: 'cali2',
    addresses: [B],
    floating: [],
    bandwidth: {},
    mac: undefined,
    maySpoof: true,
    fromLoopback: [],
    isPartial: false,
  });
  const merged = mergeStates([desired, other]);
  expect([...merged.routes].map(([key, { interfaceName }]) => `${key} ${interfaceName}`).sort()).toEqual([
    '10.0.0.1/32 cali1',
    '10.0.0.2/32 cali1',
  ]);
  expect([...merged.links.keys()].sort()).toEqual(['cali1', 'cali2']);
});
