// Every option of a BGP session, with a real agent and BIRD, seen by FRR as the foreign router, and by a third one behind another link.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { eventually } from '../support/host/agent-host.ts';
import { type BgpSite, openBgpSite } from '../support/host/bgp-site.ts';
import { FRR_AS, type Frr, startFrr } from '../support/host/frr.ts';
import { startThird, THIRD, THIRD_PREFIXES, type Third } from '../support/host/third-router.ts';
import { untilEqual } from '../support/host/until-equal.ts';

let site: BgpSite;
let frr: Frr;
let third: Third;

beforeAll(async () => {
  site = await openBgpSite();
  frr = startFrr(site.host);
  third = startThird(site.host);
  site.startAgent();
  site.host.addPod('pod', 'network1');
}, 60_000);
afterAll(async () => {
  await site.close();
}, 20_000);

interface Wanted {
  /** Of the BGPPeer that has FRR as its peer; without one there is none. */
  readonly peer?: object;
  /** FRR's AS number, and lines about its neighbour, which is the host. */
  readonly as?: number;
  readonly remoteAs?: number;
  readonly neighbor?: readonly string[];
  readonly more?: readonly string[];
}

const base = { node: 'node-1', peerIP: '10.98.0.2', asNumber: FRR_AS };
let hasPeer = false;

/** Both ends anew, so that none waits for what the other was before. */
async function arrange({ peer, as = FRR_AS, remoteAs = 64512, neighbor = [], more = [] }: Wanted): Promise<void> {
  if (hasPeer) site.remove('bgppeer', 'frr');
  await site.untilNoSession('Node_10_98_0_2');
  frr.replaceBgp(
    as,
    ...['10.98.0.1', '10.98.0.11'].flatMap((address) =>
      [`remote-as ${remoteAs}`, 'timers connect 1', ...neighbor].map((line) => `neighbor ${address} ${line}`),
    ),
    ...more,
    ...['address-family ipv4 unicast', 'network 203.0.113.0/24'],
  );
  hasPeer = peer !== undefined;
  if (peer !== undefined) site.apply('BGPPeer', 'frr', { ...base, ...peer });
}

async function connect(wanted: Wanted): Promise<void> {
  await arrange({ ...wanted, peer: wanted.peer ?? {} });
  await frr.untilEstablished('10.98.0.1');
}

const learned = () =>
  site.host.must('ip route show proto bird | awk \'$2 == "via" { print $1, $3 }\'').split('\n').sort();
const FROM_FRR = '203.0.113.0/24 10.98.0.2';

/** What FRR knows of a prefix that the host sends: its best path. */
function seenByFrr(prefix: string): Record<string, unknown> {
  const { paths = [] } = frr.show(`bgp ipv4 unicast ${prefix}`) as { paths?: readonly Record<string, unknown>[] };
  return paths[0] ?? {};
}

test('numbers of AS with four bytes', async () => {
  site.calicoctl(`patch node node-1 -p '{"spec":{"bgp":{"asNumber":4200000001}}}'`);
  await connect({ as: 4200000002, remoteAs: 4200000001, peer: { asNumber: 4200000002 } });
  site.calicoctl(`patch node node-1 -p '{"spec":{"bgp":{"asNumber":null}}}'`);
}, 30_000);

test('localASNumber is what the peer sees', async () => {
  await connect({ peer: { localASNumber: 65100 }, remoteAs: 65100 });
}, 30_000);

test('sourceAddress: from the node’s address, or from the one of the route', async () => {
  site.host.must('ip address add 10.98.0.11/24 dev eth0; ip route add 10.98.0.2/32 dev eth0 src 10.98.0.11');
  const passive = ['passive'];
  await connect({ peer: { sourceAddress: 'UseNodeIP' }, neighbor: passive });
  await arrange({ peer: { sourceAddress: 'None' }, neighbor: passive });
  await frr.untilEstablished('10.98.0.11');
  site.host.must('ip route del 10.98.0.2/32 dev eth0; ip address del 10.98.0.11/24 dev eth0');
}, 40_000);

test('maxRestartTime is the time that BIRD asks for', async () => {
  await connect({ peer: { maxRestartTime: '77s' } });
  expect(frr.neighbor('10.98.0.1').gracefulRestartInfo).toMatchObject({ timers: { receivedRestartTimer: 77 } });
}, 30_000);

test('keepaliveTime is how often BIRD says that it is there', async () => {
  const received = () => (frr.neighbor('10.98.0.1').messageStats as { keepalivesRecv: number }).keepalivesRecv;
  await connect({ peer: { keepaliveTime: '1s' } });
  const before = received();
  await eventually('three more', 5_000, () => (received() >= before + 3 ? true : undefined));
}, 30_000);

test('ttlSecurity: packets that a neighbour at one hop takes', async () => {
  await connect({ peer: { ttlSecurity: 1 }, neighbor: ['ttl-security hops 1'] });
  await arrange({ peer: {}, neighbor: ['ttl-security hops 1'] });
  await Bun.sleep(4_000);
  expect(frr.neighbor('10.98.0.1').bgpState).not.toBe('Established');
}, 40_000);

test('numAllowedLocalASNumbers lets in paths with the own number', async () => {
  const loops = ['address-family ipv4 unicast', 'neighbor 10.98.0.1 route-map looped out', 'exit-address-family'];
  frr.configure('route-map looped permit 10', 'set as-path prepend 64512');
  await connect({ more: loops });
  await site.untilSession('Node_10_98_0_2', 'Established');
  await Bun.sleep(1_500);
  expect(learned()).not.toContain(FROM_FRR);
  await connect({ more: loops, peer: { numAllowedLocalASNumbers: 1 } });
  await untilEqual(() => learned().includes(FROM_FRR), true);
}, 40_000);

test('reachableBy is the way to the peer', async () => {
  site.host.must('ip -n outside address add 10.77.0.9/32 dev lo');
  const neighbor = ['update-source 10.77.0.9', 'ebgp-multihop'];
  await arrange({ peer: { peerIP: '10.77.0.9', reachableBy: '10.98.0.2' }, neighbor });
  await frr.untilEstablished('10.98.0.1');
  expect(learned()).toContain('10.77.0.9 10.98.0.2');
  site.remove('bgppeer', 'frr');
  hasPeer = false;
  await untilEqual(() => learned().filter((route) => route.startsWith('10.77')), []);
}, 30_000);

test('bindMode: BIRD listens on the node’s addresses alone', async () => {
  await connect({});
  site.apply('BGPPeer', 'six', { peerIP: 'fd98::2', asNumber: FRR_AS });
  const listening = () => site.host.must("ss -Hltn 'sport = :179' | awk '{ print $4 }'").split('\n').sort();
  await untilEqual(listening, ['0.0.0.0:179', '[::]:179']);
  site.apply('BGPConfiguration', 'node.node-1', { bindMode: 'NodeIP' });
  await untilEqual(listening, ['10.98.0.1:179', '[fd98::1]:179']);
  site.remove('bgpconfiguration', 'node.node-1');
  site.remove('bgppeer', 'six');
  await frr.untilEstablished('10.98.0.1');
}, 40_000);

test('ignoredInterfaces are not asked for next hops', async () => {
  const direct = () => site.birdc('show route protocol direct1').includes('10.98.0.0/24');
  await untilEqual(direct, true);
  site.apply('BGPConfiguration', 'node.node-1', { ignoredInterfaces: ['eth0'] });
  await untilEqual(direct, false);
  site.remove('bgpconfiguration', 'node.node-1');
  await untilEqual(direct, true);
}, 30_000);

test('a peer with a port, which status shows', async () => {
  third.speak({ as: 65003, port: 1790 });
  site.apply('BGPPeer', 'third', { peerIP: `${THIRD}:1790`, asNumber: 65003 });
  await site.untilSession('Global_10_97_0_3_port_1790', 'Established');
  expect(site.calicoctl('node status')).toMatch(/\| 10\.97\.0\.3:1790 +\| global +\| up /);
  site.remove('bgppeer', 'third');
}, 30_000);

test('next hops: the own one, or the one that the route came with', async () => {
  third.speak({ as: 65003 });
  site.apply('BGPPeer', 'third', { peerIP: THIRD, asNumber: 65003 });
  const nextHop = () => (seenByFrr(THIRD_PREFIXES[4][0]).nexthops as readonly { ip: string }[] | undefined)?.[0]?.ip;
  for (const [peer, wanted] of [
    [{}, '10.98.0.1'],
    [{ nextHopMode: 'Keep' }, THIRD],
    [{ keepOriginalNextHop: true }, THIRD],
  ] as const) {
    await connect({ peer });
    await untilEqual(nextHop, wanted);
  }
  // within one AS the next hop of others stays, unless told otherwise
  for (const [peer, wanted] of [
    [{ keepOriginalNextHop: true }, THIRD],
    [{ nextHopMode: 'Self' }, '10.98.0.1'],
  ] as const) {
    await connect({ as: 64512, peer: { asNumber: 64512, ...peer } });
    await untilEqual(nextHop, wanted);
  }
  site.remove('bgppeer', 'third');
}, 60_000);

test('the mesh, off and on', async () => {
  await arrange({});
  site.apply('Node', 'outside', { bgp: { ipv4Address: '10.98.0.2/24' } });
  await site.untilSession('Mesh_10_98_0_2');
  site.apply('BGPConfiguration', 'default', { nodeToNodeMeshEnabled: false });
  await site.untilNoSession('Mesh_');
  site.remove('bgpconfiguration', 'default');
  await site.untilSession('Mesh_10_98_0_2');
}, 30_000);

test('a reflector hands on what its clients say, with its cluster id, by labels', async () => {
  await arrange({ as: 64512 });
  third.speak({ as: 64512 });
  for (const [name, ipv4Address] of [
    ['outside', '10.98.0.2/24'],
    ['third', `${THIRD}/24`],
  ] as const)
    site.apply('Node', name, { bgp: { ipv4Address } }, { role: 'client' });
  site.calicoctl(`patch node node-1 -p '{"spec":{"bgp":{"routeReflectorClusterID":"244.0.0.1"}}}'`);
  await site.untilNoSession('Mesh_');
  site.apply('BGPPeer', 'clients', { nodeSelector: '!has(role)', peerSelector: "role == 'client'" });
  await frr.untilEstablished('10.98.0.1');
  await untilEqual(() => seenByFrr(THIRD_PREFIXES[4][0]).clusterList, { list: ['244.0.0.1'] });
  expect(seenByFrr(THIRD_PREFIXES[4][0]).originatorId).toBe(THIRD);
  site.calicoctl(`patch node node-1 -p '{"spec":{"bgp":{"routeReflectorClusterID":null}}}'`);
  site.remove('bgppeer', 'clients');
  site.remove('node', 'third');
}, 40_000);

test('reversePeering: a node that a BGPPeer speaks to answers by itself, or not', async () => {
  site.apply('BGPConfiguration', 'default', { nodeToNodeMeshEnabled: false });
  const peer = { node: 'outside', peerIP: '10.98.0.1', asNumber: 64512 };
  site.apply('BGPPeer', 'theirs', { ...peer, reversePeering: 'Auto' });
  await site.untilSession('Node_10_98_0_2');
  site.apply('BGPPeer', 'theirs', { ...peer, reversePeering: 'Manual' });
  await site.untilNoSession('Node_10_98_0_2');
  site.remove('bgppeer', 'theirs');
  site.remove('node', 'outside');
  site.remove('bgpconfiguration', 'default');
}, 30_000);
