// CalicoNodeStatus: asked with calicoctl, answered by a real agent from a real BIRD with two peers, in a real etcd.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { join } from 'node:path';
import { type AgentHost, eventually, openAgentHost } from '../support/host/agent-host.ts';

const CALICOCTL = join(import.meta.dir, '../../dist/bin/calicoctl');
const TIME = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/;
const KEYS = '/calico/resources/v3/projectcalico.org';
let host: AgentHost;

/** Two routers outside: node-2 of the mesh in both families, and a BGPPeer; both know the way to 10.77.0.0/24. */
const router = (id: string, routes: string) => `
router id ${id};
protocol device {}
protocol static { ipv4; route 10.77.0.0/24 blackhole; }
protocol static { ipv6; route fd77::/64 blackhole; }
${routes}`;
const session = (family: 4 | 6, local: string, as: number, neighbor: string) => `
protocol bgp { local ${local} as ${as}; neighbor ${neighbor} as 64512; multihop; ipv${family} { import none; export all; next hop self; }; }`;
const ROUTERS: Readonly<Record<string, string>> = {
  mesh: router('10.98.0.2', session(4, '10.98.0.2', 64512, '10.98.0.1') + session(6, 'fd98::2', 64512, 'fd98::1')),
  far: router('10.98.0.3', session(4, '10.98.0.3', 65001, '10.98.0.1')),
};

/** One listens at its address alone, so that both may have port 179. */
function startRouter(name: string): void {
  const config = ROUTERS[name]?.replaceAll(/multihop;/g, 'multihop; strict bind on;') ?? '';
  host.must(`cat > /run/${name}.conf <<'END'\n${config}\nEND`);
  host.must(
    `ip netns exec outside bird -c /run/${name}.conf -s /run/${name}.ctl -P /run/${name}.pid 2>/run/log/${name}`,
  );
}

const stopRouter = (name: string) => host.must(`birdc -s /run/${name}.ctl down`);

function calicoctl(args: string, input = ''): string {
  return host.must(`ETCD_ENDPOINTS=${host.etcd.endpoint} ${CALICOCTL} ${args} <<'END'\n${input}\nEND`);
}

function document(kind: string, name: string, spec: object): string {
  return JSON.stringify({ kind, apiVersion: 'projectcalico.org/v3', metadata: { name }, spec });
}

interface Ask {
  readonly name: string;
  readonly classes?: readonly string[];
  readonly period: number;
  readonly node?: string;
}

function ask({ name, classes = ['Agent', 'BGP', 'Routes'], period, node = 'node-1' }: Ask): string {
  return calicoctl('apply -f -', document('CalicoNodeStatus', name, { node, classes, updatePeriodSeconds: period }));
}

const read = (name: string) => JSON.parse(calicoctl(`get nodestatus ${name} -o json`));
const stored = (name: string) => host.etcd.ctl('get', '--print-value-only', `${KEYS}/caliconodestatuses/${name}`);
const agentPid = () => host.must('cat /run/agent.pid');

type Status = ReturnType<typeof read>;

async function untilAnswer(what: string, name: string, isSo: (one: Status) => boolean, timeoutMs = 15_000) {
  const look = () => {
    const one = read(name);
    return isSo(one) ? one : undefined;
  };
  try {
    return (await eventually(what, timeoutMs, look)).value;
  } catch (cause) {
    throw new Error(`${what}: ${JSON.stringify(read(name))}\n${host.log()}`, { cause });
  }
}

beforeAll(async () => {
  host = await openAgentHost();
  host.must('ip address add fd98::1/64 dev eth0 nodad');
  host.must('ip -n outside address add 10.98.0.3/24 dev eth0; ip -n outside address add fd98::2/64 dev eth0 nodad');
  for (const name of ['mesh', 'far']) startRouter(name);
  await host.startAgent();
  calicoctl(`patch node node-1 -p '{"spec":{"bgp":{"ipv6Address":"fd98::1/64"}}}'`);
  const node = { bgp: { ipv4Address: '10.98.0.2/24', ipv6Address: 'fd98::2/64' } };
  calicoctl('apply -f -', document('Node', 'node-2', node));
  calicoctl('apply -f -', document('BGPPeer', 'far', { peerIP: '10.98.0.3', asNumber: 65001 }));
}, 60_000);

afterAll(async () => {
  await host.close();
}, 20_000);

test('every class is answered: the daemon, the peers of both families, routes that are used and routes that wait', async () => {
  host.addPod('a', 'net1');
  ask({ name: 'all', period: 1 });
  const { status } = await untilAnswer(
    'three sessions and their routes',
    'all',
    ({ status: { bgp, routes } }) => bgp.numberEstablishedV4 === 2 && /"RIB".*"fd77::/.test(JSON.stringify(routes)),
  );
  expect(Date.now() - Date.parse(status.lastUpdated)).toBeLessThan(15_000);
  const daemon = {
    state: 'Ready',
    version: expect.stringMatching(/^2\.\d+/),
    routerID: '10.98.0.1',
    lastBootTime: expect.stringMatching(TIME),
    lastReconfigurationTime: expect.stringMatching(TIME),
  };
  expect(status.agent).toEqual({ birdV4: daemon, birdV6: daemon });
  const since = expect.stringMatching(/^\d\d:\d\d:\d\d$/);
  expect(status.bgp).toEqual({
    numberEstablishedV4: 2,
    numberNotEstablishedV4: 0,
    numberEstablishedV6: 1,
    numberNotEstablishedV6: 0,
    peersV4: [
      { peerIP: '10.98.0.3', type: 'GlobalPeer', state: 'Established', since },
      { peerIP: '10.98.0.2', type: 'NodeMesh', state: 'Established', since },
    ],
    peersV6: [{ peerIP: 'fd98::2', type: 'NodeMesh', state: 'Established', since }],
  });
  const { routesV4, routesV6 } = status.routes;
  const to = (destination: string, routes = routesV4) =>
    routes.filter((route: { readonly destination: string }) => route.destination === destination);
  const mesh = { sourceType: 'NodeMesh', peerIP: '10.98.0.2' };
  const far = { sourceType: 'BGPPeer', peerIP: '10.98.0.3' };
  const way = { destination: '10.77.0.0/24', interface: 'eth0' };
  expect(to('10.77.0.0/24')).toEqual([
    { type: 'FIB', ...way, gateway: '10.98.0.2', learnedFrom: mesh },
    { type: 'RIB', ...way, gateway: '10.98.0.3', learnedFrom: far },
  ]);
  const none = { gateway: 'N/A', type: 'FIB' };
  expect(to('10.98.0.0/24')).toEqual([
    { ...none, destination: '10.98.0.0/24', interface: 'eth0', learnedFrom: { sourceType: 'Direct' } },
  ]);
  expect(to('0.0.0.0/0')).toMatchObject([
    { type: 'FIB', gateway: '10.98.0.2', interface: 'eth0', learnedFrom: { sourceType: 'Kernel' } },
  ]);
  expect(routesV4).toContainEqual(
    expect.objectContaining({
      interface: expect.stringMatching(/^cali/),
      gateway: 'N/A',
      learnedFrom: { sourceType: 'Kernel' },
    }),
  );
  expect(routesV4).toContainEqual(
    expect.objectContaining({ ...none, interface: 'blackhole', learnedFrom: { sourceType: 'Static' } }),
  );
  expect(to('fd77::/64', routesV6)).toEqual([
    {
      ...{ type: 'FIB', destination: 'fd77::/64', gateway: 'fd98::2', interface: 'eth0' },
      learnedFrom: { sourceType: 'NodeMesh', peerIP: 'fd98::2' },
    },
  ]);
}, 40_000);

test('it stands in the store as Calico writes it: its fields, in its order, and nothing else', async () => {
  const text = await stored('all');
  const order = (value: unknown) => Object.keys(value as object).join(' ');
  const { status, ...rest } = JSON.parse(text);
  expect([order(rest), order(rest.metadata)]).toEqual(['kind apiVersion metadata spec', 'name uid creationTimestamp']);
  expect([status, status.agent, status.agent.birdV4, status.bgp].map(order)).toEqual([
    'lastUpdated agent bgp routes',
    'birdV4 birdV6',
    'state version routerID lastBootTime lastReconfigurationTime',
    'numberEstablishedV4 numberNotEstablishedV4 numberEstablishedV6 numberNotEstablishedV6 peersV4 peersV6',
  ]);
  expect([status.bgp.peersV4[0], status.routes.routesV4[0], status.routes.routesV4[0].learnedFrom].map(order)).toEqual([
    'peerIP type state since',
    'type destination gateway interface learnedFrom',
    'sourceType',
  ]);
});

test('what changes is in it after its period; what does not change is not written again', async () => {
  const same = await untilAnswer('an answer', 'all', () => true);
  await Bun.sleep(2_500);
  expect(read('all')).toEqual(same);
  stopRouter('far');
  const { status } = await untilAnswer(
    'the peer has gone',
    'all',
    (one) => one.status.bgp.numberNotEstablishedV4 === 1,
  );
  expect(status.bgp.peersV4[0]).toMatchObject({
    peerIP: '10.98.0.3',
    state: expect.stringMatching(/^(Active|Connect|Idle)$/),
  });
  expect(status.routes.routesV4.filter(({ type }: { readonly type: string }) => type === 'RIB')).toEqual([]);
  startRouter('far');
}, 30_000);

test('a BIRD that does not answer is not ready, and ready again when it does', async () => {
  host.must('kill -STOP $(pgrep -f "^bird .*/var/run/calico/bird.ctl")');
  const { status } = await untilAnswer('not ready', 'all', (one) => one.status.agent.birdV4.state === 'NotReady');
  expect(status.agent).toEqual({ birdV4: { state: 'NotReady' }, birdV6: { state: 'NotReady' } });
  expect([status.bgp.numberEstablishedV4, status.routes]).toEqual([0, {}]);
  host.must('kill -CONT $(pgrep -f "^bird .*/var/run/calico/bird.ctl")');
  await untilAnswer('ready', 'all', (one) => one.status.agent.birdV4.state === 'Ready');
}, 40_000);

test('what BIRD refuses, and a peer whose filter is missing, is named in an annotation as long as it is so', async () => {
  calicoctl('label nodestatus all team=a');
  const bad = document('BGPPeer', 'bad', { peerIP: 'fe80::9', asNumber: 65001 });
  await host.etcd.ctl('put', `${KEYS}/bgppeers/bad`, bad);
  const { metadata } = await untilAnswer('the word of it', 'all', (one) => one.metadata.annotations !== undefined);
  expect(metadata.annotations).toEqual({
    'ocicat/left-out': 'BGPPeer(bad): Link-local addresses require defined interface',
  });
  expect(metadata.labels).toEqual({ team: 'a' });
  const closed = { peerIP: '10.98.0.9', asNumber: 65009, filters: ['none'] };
  await host.etcd.ctl('put', `${KEYS}/bgppeers/closed`, document('BGPPeer', 'closed', closed));
  const both = await untilAnswer('a closed peer', 'all', (one) => 'ocicat/closed' in one.metadata.annotations);
  expect(both.metadata.annotations['ocicat/closed']).toContain('BGPPeer(closed)');
  for (const name of ['bad', 'closed']) await host.etcd.ctl('del', `${KEYS}/bgppeers/${name}`);
  await untilAnswer('no word of it', 'all', (one) => one.metadata.annotations === undefined);
}, 40_000);

test('only the classes that are asked for are answered, and a period of 0 is one answer', async () => {
  ask({ name: 'once', classes: ['BGP'], period: 0 });
  const once = await untilAnswer('an answer', 'once', (one) => one.status.lastUpdated !== undefined);
  expect([once.status.agent, once.status.routes]).toEqual([{ birdV4: {}, birdV6: {} }, {}]);
  expect(once.status.bgp.peersV4.length).toBe(2);
  stopRouter('far');
  await untilAnswer('the other one has noticed', 'all', (one) => one.status.bgp.numberNotEstablishedV4 === 1);
  expect(read('once')).toEqual(once);
  startRouter('far');
}, 30_000);

test('an answer survives what a user applies, and a changed question is answered anew', async () => {
  const before = read('once').status;
  host.must(`kill -STOP ${agentPid()}`);
  ask({ name: 'once', classes: ['Agent'], period: 0 });
  expect(read('once').status).toEqual(before);
  expect(read('once').spec.classes).toEqual(['Agent']);
  host.must(`kill -CONT ${agentPid()}`);
  const { status } = await untilAnswer('the daemon', 'once', (one) => one.status.agent.birdV4.state === 'Ready');
  expect(status.bgp.peersV4).toBeUndefined();
}, 30_000);

test('a question to another node is left alone, and one that goes there is', async () => {
  ask({ name: 'other', period: 1, node: 'node-2' });
  const other = await stored('other');
  ask({ name: 'moved', period: 1 });
  await untilAnswer('an answer', 'moved', (one) => one.status.lastUpdated !== undefined);
  ask({ name: 'moved', period: 1, node: 'node-2' });
  const moved = await stored('moved');
  stopRouter('far');
  await untilAnswer('a change', 'all', (one) => one.status.bgp.numberNotEstablishedV4 === 1);
  await Bun.sleep(1_500);
  expect([await stored('other'), await stored('moved')]).toEqual([other, moved]);
  startRouter('far');
}, 30_000);

test('writers at the same time lose nothing', async () => {
  for (let round = 0; round < 12; round += 1) {
    if (round % 4 === 0) host.must('birdc -s /var/run/calico/bird.ctl restart Global_10_98_0_3');
    calicoctl(`label nodestatus all round=${round} --overwrite`);
    expect(read('all').metadata.labels).toEqual({ team: 'a', round: `${round}` });
    await Bun.sleep(250);
  }
  const { metadata } = await untilAnswer('both sessions', 'all', (one) => one.status.bgp.numberEstablishedV4 === 2);
  expect(metadata.labels).toEqual({ team: 'a', round: '11' });
}, 40_000);

test('an outage of the store is nothing but a pause, and is told once', async () => {
  const before = host.log().length;
  await host.etcd.kill();
  stopRouter('far');
  await Bun.sleep(9_000);
  await host.etcd.start();
  await untilAnswer('the change of that time', 'all', (one) => one.status.bgp.numberNotEstablishedV4 === 1);
  const logged = host.log().slice(before);
  expect(logged).not.toContain(' ERROR ');
  expect(logged.match(/WARN answer CalicoNodeStatus\(all\): .*/g)?.length).toBe(1);
  startRouter('far');
}, 60_000);

test('one that is deleted stays deleted, and one of its name is answered', async () => {
  calicoctl('delete nodestatus all');
  await Bun.sleep(2_500);
  expect(await stored('all')).toBe('');
  ask({ name: 'all', period: 1, classes: ['Agent'] });
  await untilAnswer('an answer', 'all', (one) => one.status.agent.birdV4.state === 'Ready');
}, 20_000);

test('one that cannot be read is named in the log and left as it is', async () => {
  const broken = document('CalicoNodeStatus', 'broken', {
    node: 'node-1',
    classes: ['Weather'],
    updatePeriodSeconds: 1,
  });
  await host.etcd.ctl('put', `${KEYS}/caliconodestatuses/broken`, broken);
  await eventually('the word of it', 5_000, () =>
    host.log().includes('CalicoNodeStatus(broken) cannot be used') ? true : undefined,
  );
  expect(await stored('broken')).toBe(broken);
});
