// delete node on a real etcd: what belongs to the node goes, what does not stays, and a kill after any step leaves
// something that the next call finishes.
import { afterAll, beforeAll, beforeEach, expect, test } from 'bun:test';
import { OcicatError } from '../../src/base/errors.ts';
import { heldOrdinals, ipAt } from '../../src/blocks/block.ts';
import { parseBlock } from '../../src/blocks/block-json.ts';
import { parseDatastoreConfig } from '../../src/datastore/open/config.ts';
import { openDatastore } from '../../src/datastore/open/open.ts';
import type { Datastore } from '../../src/datastore/port.ts';
import { formatIp } from '../../src/net/ip.ts';
import { type EtcdServer, startEtcd } from '../support/etcd/etcd-server.ts';
import { openSession } from './session.ts';

const signal = new AbortController().signal;
const RESOURCES = '/calico/resources/v3/projectcalico.org/';
const IPAM = '/calico/ipam/v2/';
let etcd: EtcdServer;
let store: Datastore;

function resource(kind: string, plural: string, name: string, spec: object, namespace?: string): [string, string] {
  const path = namespace === undefined ? name : `${namespace}/${name}`;
  const body = { kind, apiVersion: 'projectcalico.org/v3', metadata: { name, namespace }, spec };
  return [`${RESOURCES}${plural}/${path}`, JSON.stringify(body)];
}

function endpoint(node: string, container: string, address: string): [string, string] {
  const name = `${node.replaceAll('-', '--')}-cni-${container}-eth0`;
  const spec = {
    ...{ orchestrator: 'cni', node, containerID: container, endpoint: 'eth0', interfaceName: `cali${container}` },
    ...{ ipNetworks: [`${address}/32`], profiles: ['network1'] },
  };
  return resource('WorkloadEndpoint', 'workloadendpoints', name, spec, 'default');
}

/** A block of 64 whose first addresses have these holders. */
function block(cidr: string, affinity: string | null, holders: readonly object[]): [string, string] {
  const free = Array.from({ length: 64 - holders.length }, (_, index) => index + holders.length);
  const value = {
    ...{ cidr, affinity, allocations: [...holders.map((_, index) => index), ...free.map(() => null)] },
    ...{ unallocated: free, attributes: holders, sequenceNumber: 20, deleted: false },
    sequenceNumberForAllocation: Object.fromEntries(holders.map((_, index) => [index, index])),
  };
  return [`${IPAM}assignment/ipv4/block/${cidr.replace('/', '-')}`, JSON.stringify(value)];
}

const held = (handle: string, node: string, more: object = {}) => ({ handle_id: handle, secondary: { node, ...more } });
const handle = (name: string, ...blocks: readonly string[]): [string, string] => [
  `${IPAM}handle/${name}`,
  JSON.stringify({ block: Object.fromEntries(blocks.map((cidr) => [cidr, 1])), deleted: false }),
];
const record = (host: string, cidr: string): [string, string] => [
  `${IPAM}host/${host}/ipv4/block/${cidr.replace('/', '-')}`,
  '{"state":"confirmed","deleted":false}',
];

const OWN = '10.77.1.0/26';
const FOREIGN = '10.77.2.0/26';
const UNRECORDED = '10.77.3.0/26';

/** Whatever can belong to a node, of host-1, which is to go. */
const GOING: readonly (readonly [string, string])[] = [
  resource('Node', 'nodes', 'host-1', { bgp: { ipv4Address: '192.0.2.1/24', ipv4IPIPTunnelAddr: '10.77.1.1' } }),
  resource('HostEndpoint', 'hostendpoints', 'host-1-eth0', { node: 'host-1', interfaceName: 'eth0' }),
  resource('BGPPeer', 'bgppeers', 'rack', { node: 'host-1', peerIP: '192.0.2.254', asNumber: 64512 }),
  resource('CalicoNodeStatus', 'caliconodestatuses', 'status', {
    node: 'host-1',
    classes: ['BGP'],
    updatePeriodSeconds: 0,
  }),
  resource('FelixConfiguration', 'felixconfigurations', 'node.host-1', { defaultEndpointToHostAction: 'Return' }),
  resource('BGPConfiguration', 'bgpconfigurations', 'node.host-1', { asNumber: 65001 }),
  endpoint('host-1', 'c1', '10.77.1.0'),
  endpoint('host-1', 'c2', '10.77.2.1'),
  endpoint('host-1', 'c3', '10.77.2.2'),
  [`${RESOURCES}workloadendpoints/default/host--1-cni-broken-eth0`, 'not JSON'],
  handle('network1.c1', OWN),
  handle('network1.c2', FOREIGN),
  handle('network1.c3', FOREIGN),
  handle('network1.c4', FOREIGN),
  handle('ipip-tunnel-addr-host-1', OWN),
  handle('vxlan-tunnel-addr-host-1', '10.77.9.0/26'),
  record('host-1', OWN),
  [`${IPAM}host/host-1`, '{}'],
  ['/calico/ocicat/v1/nodes/host-1/host', '{"machine":"aaaaaaaaaaaaaaaa"}'],
  block(UNRECORDED, 'host:host-1', []),
  ['/calico/felix/v2/no-region/host/host-1/status', '{}'],
  ['/calico/felix/v2/region-a/host/host-1/last_reported_status', '{}'],
  ['/calico/felix/v2/no-region/host/host-1/workload/cni/default%2fc1/endpoint/eth0', '{}'],
  ['/calico/felix/v1/host/host-1/endpoint/host-1-eth0', '{}'],
];

/** What is another node's, or may mean others as well. */
const STAYING: readonly (readonly [string, string])[] = [
  resource('Node', 'nodes', 'host-2', {}),
  resource('Node', 'nodes', 'host', {}),
  resource('HostEndpoint', 'hostendpoints', 'host-2-eth0', { node: 'host-2', interfaceName: 'eth0' }),
  resource('BGPPeer', 'bgppeers', 'other', { node: 'host-2', peerIP: '192.0.2.254', asNumber: 64512 }),
  resource('BGPPeer', 'bgppeers', 'labels', { nodeSelector: "rack == 'a'", peerIP: '192.0.2.254', asNumber: 64512 }),
  resource('BGPPeer', 'bgppeers', 'two-minds', { node: 'host-1', nodeSelector: 'all()', peerIP: '192.0.2.254' }),
  resource('FelixConfiguration', 'felixconfigurations', 'default', {}),
  resource('FelixConfiguration', 'felixconfigurations', 'node.host-10', {}),
  resource('BGPConfiguration', 'bgpconfigurations', 'node.host-2', {}),
  endpoint('host-2', 'd1', '10.77.2.0'),
  endpoint('host', 'd2', '10.77.1.2'),
  handle('network1.d1', FOREIGN),
  handle('network1.d2', OWN),
  handle('network1.d3', FOREIGN),
  record('host-2', FOREIGN),
  ['/calico/felix/v2/no-region/host/host-2/status', '{}'],
  ['/calico/ocicat/v1/nodes/host-2/host', '{"machine":"bbbbbbbbbbbbbbbb"}'],
];

/** Blocks that stay, with other content. */
const SHARED: readonly (readonly [string, string])[] = [
  block(OWN, 'host:host-1', [
    held('network1.c1', 'host-1'),
    held('ipip-tunnel-addr-host-1', 'host-1', { type: 'ipipTunnelAddress' }),
    held('network1.d2', 'host'),
  ]),
  block(FOREIGN, 'host:host-2', [
    held('network1.d1', 'host-2'),
    { handle_id: 'network1.c2' },
    held('network1.d3', 'host-2'), // c3's by its endpoint, and given away
    held('network1.c4', 'host-1'), // its endpoint is gone already
  ]),
];

const SEED = [...GOING, ...STAYING, ...SHARED];
const sorted = (keys: readonly string[]) => [...keys].sort();

async function readAll(): Promise<ReadonlyMap<string, string>> {
  const { kvs } = await store.list('/calico/');
  return new Map(kvs.map(({ key, value }) => [key, value]));
}

/** Addresses by block, in text, as they are recorded as held. */
function heldIn(all: ReadonlyMap<string, string>): readonly string[] {
  const blocks = [...all].filter(([key]) => key.startsWith(`${IPAM}assignment/`)).map(([, value]) => parseBlock(value));
  return blocks.flatMap((one) => heldOrdinals(one).map((ordinal) => formatIp(ipAt(one, ordinal))));
}

/** Sequence numbers grow with every write of a block; nothing else may depend on where a stop was. */
function contentOf(all: ReadonlyMap<string, string>): object {
  const plain = (value: string) => value.replaceAll(/"sequenceNumber(ForAllocation)?":(\d+|\{[^}]*\})/g, '');
  return Object.fromEntries([...all].map(([key, value]) => [key, plain(value)]));
}

/** A store whose client is killed as soon as `steps` commits have gone through. */
function killedAfter(steps: number): Datastore {
  let left = steps;
  const die = (): never => {
    throw new OcicatError('unavailable', 'killed');
  };
  return {
    ...store,
    async commit(transaction, abort) {
      if (left <= 0) die();
      left -= 1;
      const result = await store.commit(transaction, abort);
      return left === 0 ? die() : result;
    },
  };
}

async function deleteNode(datastore: Datastore = store, flags = '') {
  const session = openSession(datastore);
  try {
    return await session.run(`delete node host-1${flags}`);
  } finally {
    session.close();
  }
}

beforeAll(async () => {
  etcd = await startEtcd();
  const config = parseDatastoreConfig({ kind: 'environment', environment: { ETCD_ENDPOINTS: etcd.endpoint } });
  store = await openDatastore(config, signal);
});
afterAll(async () => {
  await store?.close();
  await etcd?.stop();
});
beforeEach(seed);

async function seed(): Promise<void> {
  await etcd.ctl('del', '', '--prefix');
  const writes = SEED.map(([key, value]) => ({ kind: 'put' as const, key, value }));
  expect((await store.commit({ conditions: [], writes }, signal)).kind).toBe('committed');
}

test('what belongs to the node goes, and nothing else', async () => {
  expect(await deleteNode()).toEqual({
    status: 0,
    out: "Successfully deleted 1 'Node' resource(s)\n",
    err: `node "host-1": deleted: HostEndpoint(host-1-eth0)
node "host-1": deleted, and their addresses released: WorkloadEndpoint(default/host--1-cni-broken-eth0), WorkloadEndpoint(default/host--1-cni-c1-eth0), WorkloadEndpoint(default/host--1-cni-c2-eth0), WorkloadEndpoint(default/host--1-cni-c3-eth0)
node "host-1": released the addresses: 10.77.1.1, 10.77.2.3
node "host-1": gave back the blocks: 10.77.1.0/26, 10.77.3.0/26
node "host-1": deleted: BGPPeer(rack)
node "host-1": deleted: CalicoNodeStatus(status)
node "host-1": deleted: FelixConfiguration(node.host-1), BGPConfiguration(node.host-1)
`,
  });
  const all = await readAll();
  expect(sorted([...all.keys()])).toEqual(sorted([...STAYING, ...SHARED].map(([key]) => key)));
  for (const [key, value] of STAYING) expect(all.get(key)).toBe(value);
  expect(heldIn(all)).toEqual(['10.77.1.2', '10.77.2.0', '10.77.2.2']);
  expect(parseBlock(all.get(`${IPAM}assignment/ipv4/block/10.77.1.0-26`) ?? '').affinity).toBeUndefined();
});

test('a dry run says what would go, and nothing goes', async () => {
  const before = await readAll();
  const { status, err } = await deleteNode(store, ' --dry-run');
  expect(status).toBe(0);
  expect(err).toContain('node "host-1": deleted: BGPPeer(rack) (dry run)\n');
  expect(await readAll()).toEqual(before);
});

test('a kill after any step frees no address that an endpoint uses, and the next call finishes', async () => {
  await deleteNode();
  const wanted = contentOf(await readAll());
  let steps = 0;
  for (; ; steps++) {
    await seed();
    const { status } = await deleteNode(killedAfter(steps + 1));
    const between = await readAll();
    const used = ['10.77.1.0', '10.77.2.1'].filter((_, index) =>
      between.has(`${RESOURCES}workloadendpoints/default/host--1-cni-c${index + 1}-eth0`),
    );
    for (const address of used) expect(heldIn(between)).toContain(address);
    if (!between.has(`${RESOURCES}nodes/host-1`)) break; // the Node is the last to go
    expect(status).toBe(1);
    expect((await deleteNode()).status).toBe(0);
    expect(contentOf(await readAll())).toEqual(wanted);
  }
  expect(steps).toBeGreaterThanOrEqual(12);
  expect(contentOf(await readAll())).toEqual(wanted);
}, 60_000);

test('while its agent lives a node is not deleted, and one that starts meanwhile keeps it', async () => {
  const agent = '/calico/ocicat/v1/nodes/host-1/agent';
  const holder = '{"machine":"aaaaaaaaaaaaaaaa","hostname":"a","since":"2026-11-28T02:40:11Z"}';
  const expected =
    'Failed to delete \'Node\' resource: node "host-1": its agent runs, hostname "a", machine aaaaaaaaaaaaaaaa, since TIME; stop it first\n';
  await etcd.ctl('put', agent, holder);
  const before = await readAll();
  expect(await deleteNode()).toEqual({ status: 1, out: '', err: expected });
  expect(await readAll()).toEqual(before);
  await etcd.ctl('del', agent);
  const late: Datastore = {
    ...store,
    async commit(transaction, abort) {
      if (transaction.conditions.some(({ key }) => key === agent)) await etcd.ctl('put', agent, holder);
      return store.commit(transaction, abort);
    },
  };
  const { status, err } = await deleteNode(late);
  expect([status, err.endsWith(expected)]).toEqual([1, true]);
  expect((await readAll()).has(`${RESOURCES}nodes/host-1`)).toBe(true);
});

test('a peer that was given to another node meanwhile stays', async () => {
  const key = `${RESOURCES}bgppeers/rack`;
  let moved = false;
  const busy: Datastore = {
    ...store,
    async commit(transaction, abort) {
      if (!moved && transaction.writes.some((write) => write.key === key)) {
        moved = true;
        await etcd.ctl('put', key, resource('BGPPeer', 'bgppeers', 'rack', { node: 'host-2' })[1]);
      }
      return store.commit(transaction, abort);
    },
  };
  const { status, err } = await deleteNode(busy);
  expect([status, err.split('\n').at(-2)]).toEqual([
    1,
    "Failed to delete 'Node' resource: update conflict: BGPPeer(rack)",
  ]);
  expect((await deleteNode()).status).toBe(0);
  expect((await readAll()).has(key)).toBe(true);
});

test('what a node left that was deleted before goes all the same, and the Node is missed', async () => {
  await etcd.ctl('del', `${RESOURCES}nodes/host-1`);
  const { status, err } = await deleteNode();
  expect(status).toBe(1);
  expect(err).toContain('node "host-1": deleted: BGPPeer(rack)\n');
  expect(err).toEndWith("Failed to delete 'Node' resource: resource does not exist: Node(host-1)\n");
  expect((await readAll()).has(`${RESOURCES}bgppeers/rack`)).toBe(false);
  expect((await deleteNode()).err).toBe("Failed to delete 'Node' resource: resource does not exist: Node(host-1)\n");
});

test('a block and a peer that cannot be read are named and stay', async () => {
  const [lost, peer] = [`${IPAM}assignment/ipv4/block/10.77.8.0-26`, `${RESOURCES}bgppeers/lost`];
  for (const key of [lost, peer]) await etcd.ctl('put', key, '{');
  const { status, err } = await deleteNode();
  expect(status).toBe(0);
  expect(err).toContain(
    'read block "ipv4/block/10.77.8.0-26": it cannot be used; what node "host-1" holds in it stays\n',
  );
  expect(err).toContain('whether it belongs to node "host-1" is unknown, and it stays\n');
  const all = await readAll();
  expect([all.has(lost), all.has(peer)]).toEqual([true, true]);
});

test('more addresses than fit into one transaction come back', async () => {
  const free: readonly number[] = [];
  const holders = Array.from({ length: 256 }, (_, index) => held(`network1.x${index}`, 'host-1'));
  const value = {
    ...{ cidr: '10.78.0.0/24', affinity: 'host:host-2', allocations: holders.map((_, index) => index) },
    ...{ unallocated: free, attributes: holders, sequenceNumber: 300, deleted: false },
    sequenceNumberForAllocation: Object.fromEntries(holders.map((_, index) => [index, index])),
  };
  await etcd.ctl('put', `${IPAM}assignment/ipv4/block/10.78.0.0-24`, JSON.stringify(value));
  for (const start of [0, 128]) {
    const own = holders.slice(start, start + 128).map(({ handle_id }) => handle(handle_id, '10.78.0.0/24'));
    await store.commit(
      { conditions: [], writes: own.map(([key, text]) => ({ kind: 'put', key, value: text })) },
      signal,
    );
  }
  const { status, err } = await deleteNode();
  expect([status, err.includes(', and 238 more\n')]).toEqual([0, true]);
  const all = await readAll();
  expect(heldIn(all)).toEqual(['10.77.1.2', '10.77.2.0', '10.77.2.2']);
  expect([...all.keys()].filter((key) => key.includes('/handle/')).length).toBe(3);
});
