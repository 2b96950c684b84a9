import { expect, test } from 'bun:test';
import { type Ip, parseIp } from '../../net/ip.ts';
import { reportAddresses, reportNodeStatus, reportNotes } from './node-status-report.ts';

const status = { version: '2.0.12', routerId: '10.0.0.1', startedAt: 'then', configuredAt: 'now' };
const EMPTY = { numberEstablishedV4: 0, numberNotEstablishedV4: 0, numberEstablishedV6: 0, numberNotEstablishedV6: 0 };

function session(name: string, bgpState: string) {
  const bgp = { state: bgpState, neighborAddress: '10.0.0.2', neighborAs: 1, importedRoutes: 0, exportedRoutes: 0 };
  const row = { name, protocol: 'BGP', table: '---', state: bgpState === 'Established' ? 'up' : 'start', since: '1' };
  return { ...row, info: '', bgp: { ...bgp, lastError: undefined } };
}

test("BIRD's own words for a session become Calico's, and one that Calico has no word for is left out", () => {
  const states = ['Established', 'Passive', 'Down', 'OpenSent', 'Dancing'];
  const protocols = states.map((state) => session('Mesh_10_0_0_2', state));
  const { bgp } = reportNodeStatus(['BGP'], { status, protocols, routes: [] });
  expect(bgp.peersV4?.map(({ state }) => state)).toEqual(['Established', 'Active', 'Idle', 'OpenSent', undefined]);
  expect(JSON.stringify(bgp.peersV4?.[4])).toBe('{"peerIP":"10.0.0.2","type":"NodeMesh","since":"1"}');
  expect(bgp).toMatchObject({ numberEstablishedV4: 1, numberNotEstablishedV4: 4 });
});

test('a route of two paths is two, and their order is not that of BIRD', () => {
  const hops = ['10.0.0.8', '10.0.0.7'].map((gateway) => ({ gateway, interfaceName: 'eth0' }));
  const route = { destination: '10.1.0.0/16', action: 'unicast', protocol: 'x', isBest: true, nextHops: hops };
  const other = { ...route, destination: '10.0.0.0/16', action: 'prohibited', isBest: false, nextHops: [] };
  const { routes } = reportNodeStatus(['Routes'], { status, protocols: [], routes: [route, other] });
  const way = { type: 'FIB', destination: '10.1.0.0/16', interface: 'eth0', learnedFrom: {} };
  expect(routes).toEqual({
    routesV4: [
      { type: 'RIB', destination: '10.0.0.0/16', gateway: 'N/A', interface: 'prohibited', learnedFrom: {} },
      { ...way, gateway: '10.0.0.7' },
      { ...way, gateway: '10.0.0.8' },
    ],
  } as never);
});

test('a node without BIRD is not ready, and has no sessions and no routes', () => {
  expect(reportNodeStatus(['Agent', 'BGP', 'Routes'], undefined)).toEqual({
    agent: { birdV4: { state: 'NotReady' }, birdV6: { state: 'NotReady' } },
    bgp: EMPTY,
    routes: {},
  });
});

test('what is left out and what is closed is named, of very many some and how many there are', () => {
  const many = new Map(Array.from({ length: 1_000 }, (_, at) => [`BGPPeer(p${at + 1_000})`, 'no']));
  const notes = reportNotes({ leftOut: many, closed: ['BGPPeer(b): x', 'BGPPeer(a): x'] }, []);
  const lines = notes['ocicat/left-out']?.split('\n') ?? [];
  expect([lines.length, lines[0], lines.at(-1)]).toEqual([51, 'BGPPeer(p1000): no', 'and 950 more']);
  expect(notes['ocicat/closed']).toBe('BGPPeer(a): x\nBGPPeer(b): x');
  expect(reportNotes({ leftOut: new Map(), closed: [] }, [])).toEqual({});
});

test('each tunnel has a line', () => {
  const tunnel = { name: 'vxlan.calico', addresses: [parseIp('10.1.0.0')], mtuBytes: 1450, isUp: true, peers: 2 };
  const other = { ...tunnel, name: 'tunl0', addresses: [], isUp: false };
  expect(reportNotes({ leftOut: new Map(), closed: [] }, [tunnel, other])).toEqual({
    'ocicat/tunnels':
      'tunl0: without an address, MTU 1450, 2 peers, down\nvxlan.calico: 10.1.0.0, MTU 1450, 2 peers, up',
  });
});

test('of the addresses that are asked about those in use are named, and no others', () => {
  const inUse = new Set([parseIp('10.0.0.2'), parseIp('10.0.0.9')]);
  const find = (wanted: ReadonlySet<Ip>) => wanted.intersection(inUse);
  expect(reportAddresses('10.0.0.1 10.0.0.2 x', find)).toEqual({ 'ocicat/addresses': '10.0.0.2' });
  expect(reportAddresses('10.0.0.1', find)).toEqual({ 'ocicat/addresses': 'none' });
  expect(reportAddresses(undefined, find)).toEqual({});
});
