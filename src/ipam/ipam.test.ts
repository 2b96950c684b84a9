import { beforeEach, expect, test } from 'bun:test';
import { type MemoryDatastore, openMemoryDatastore } from '../../test/support/datastore/memory.ts';
import { isOcicatError, OcicatError } from '../base/errors.ts';
import { parseBlock } from '../blocks/block-json.ts';
import { addressesOfHandle } from '../blocks/release.ts';
import { BLOCKS_PREFIX, HANDLES_PREFIX, IPAM_PREFIX, printKey } from '../datastore/keys.ts';
import { formatIp, parseIp } from '../net/ip.ts';
import { releaseAffinities } from './affinity-release.ts';
import type { AssignRequest } from './assign.ts';
import { assignAddresses, type Ipam, releaseAddress, releaseByHandle } from './ipam.ts';
import { openIpamView } from './view.ts';

const START_MS = Date.UTC(2026, 10, 23, 12, 0, 0);
const signal = new AbortController().signal;
let store: MemoryDatastore;
let nowMs = START_MS;

const key = (kind: 'IPPool' | 'Node' | 'IPReservation', name: string) =>
  printKey({ kind: 'resource', resourceKind: kind, namespace: undefined, name });

async function put(at: string, value: unknown): Promise<void> {
  await store.commit({ conditions: [], writes: [{ kind: 'put', key: at, value: JSON.stringify(value) }] });
}

const putResource = (kind: 'IPPool' | 'Node' | 'IPReservation', name: string, spec: object, labels: object = {}) =>
  put(key(kind, name), { kind, apiVersion: 'projectcalico.org/v3', metadata: { name, labels }, spec });
const putPool = (name: string, cidr: string, spec: object = {}) =>
  putResource('IPPool', name, { cidr, blockSize: 30, nodeSelector: 'all()', ...spec });
const putNode = (name: string, labels: object = {}) => putResource('Node', name, {}, labels);
const putSettings = (settings: object) =>
  put(printKey({ kind: 'ipam-config' }), { auto_allocate_blocks: true, ...settings });

function open(host: string): Ipam {
  return { datastore: store, view: openIpamView(store, host), now: () => nowMs, report: () => undefined };
}

async function assign(ipam: Ipam, handleId: string, request: Partial<AssignRequest> = {}): Promise<string> {
  const attributes = { node: ipam.view.nodeName };
  const assigned = await assignAddresses(
    ipam,
    { handleId, attributes, use: 'Workload', families: [4], ...request },
    signal,
  );
  return assigned.map(({ ip, prefixLength }) => `${formatIp(ip)}/${prefixLength}`).join(' ');
}

const release = (ipam: Ipam, handleId: string) =>
  releaseByHandle({ datastore: store, cache: ipam.view, now: () => nowMs }, handleId, signal);

/** The store's IPAM keys, without the common prefix. */
async function keysNow(): Promise<readonly string[]> {
  const { kvs } = await store.list(IPAM_PREFIX);
  return kvs.map((kv) => kv.key.slice(IPAM_PREFIX.length));
}

async function failure(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (isOcicatError(error)) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'none';
}

beforeEach(async () => {
  store = openMemoryDatastore();
  nowMs = START_MS;
  await putNode('host1', { rack: 'a' });
  await putNode('host2', { rack: 'b' });
});

test('the first assignment claims a block, and everything is written at once in the formats of Calico', async () => {
  await putPool('one', '10.0.0.0/30');
  const before = (await store.get('x')).revision;
  expect(await assign(open('host1'), 'net.c1')).toBe('10.0.0.0/30');
  const { kvs } = await store.list(IPAM_PREFIX);
  expect(kvs.map((kv) => [kv.key, kv.value, kv.modRevision])).toEqual([
    [
      '/calico/ipam/v2/assignment/ipv4/block/10.0.0.0-30',
      '{"cidr":"10.0.0.0/30","affinity":"host:host1","affinity_claim_time":"2026-11-23T12:00:00Z","allocations":[0,null,null,null],"unallocated":[1,2,3],"attributes":[{"handle_id":"net.c1","secondary":{"node":"host1"}}],"sequenceNumber":1795435200000000001,"sequenceNumberForAllocation":{"0":1795435200000000000},"deleted":false}',
      before + 1,
    ],
    ['/calico/ipam/v2/handle/net.c1', '{"block":{"10.0.0.0/30":1},"deleted":false}', before + 1],
    ['/calico/ipam/v2/host/host1/ipv4/block/10.0.0.0-30', '{"state":"confirmed","deleted":false}', before + 1],
  ]);
});

test('the next assignment of a host that knows its block is one round trip', async () => {
  await putPool('one', '10.0.0.0/28');
  const ipam = open('host1');
  await assign(ipam, 'net.c1');
  const calls: string[] = [];
  const counted = new Proxy(store, {
    get(target, name, receiver) {
      calls.push(String(name));
      return Reflect.get(target, name, receiver);
    },
  });
  await assign({ ...ipam, datastore: counted }, 'net.c2');
  expect(calls).toEqual(['commit']);
});

test('the same handle gets the same address again', async () => {
  await putPool('one', '10.0.0.0/28');
  const first = await assign(open('host1'), 'net.c1');
  expect(await assign(open('host1'), 'net.c1')).toBe(first);
  const ipam = open('host1');
  const attributes = { node: 'host1', interface: 'eth1' };
  const other = await assign(ipam, 'net.c1', { attributes, isSame: (held) => held.interface === 'eth1' });
  expect(other).not.toBe(first);
  expect(await assign(ipam, 'net.c1', { attributes, isSame: (held) => held.interface === 'eth1' })).toBe(other);
  expect((await release(ipam, 'net.c1')).length).toBe(2);
});

test('both families in one transaction, and none when one is missing', async () => {
  await putPool('one', '10.0.0.0/28');
  expect(await failure(assign(open('host1'), 'net.c1', { families: [4, 6] }))).toBe(
    'not-found: no configured Calico pools for node host1: there are no IPv6 pools',
  );
  expect(await keysNow()).toEqual([]);
  await putPool('six', 'fd00::/120', { blockSize: 122 });
  const [four = '', six = ''] = (await assign(open('host1'), 'net.c1', { families: [4, 6] })).split(' ');
  expect([four.endsWith('/30'), six.startsWith('fd00::'), six.endsWith('/122')]).toEqual([true, true, true]);
});

test('pools: selected by node, asked for by name or range, disabled, manual, for other uses', async () => {
  await putPool('a', '10.1.0.0/28', { nodeSelector: 'rack == "a"' });
  await putPool('b', '10.2.0.0/28', { nodeSelector: 'rack == "b"' });
  await putPool('manual', '10.3.0.0/28', { assignmentMode: 'Manual' });
  await putPool('off', '10.4.0.0/28', { disabled: true });
  await putPool('tunnel', '10.5.0.0/28', { allowedUses: ['Tunnel'], nodeSelector: 'rack == "c"' });
  const poolOf = async (work: Promise<string>) => (await work).split('.').slice(0, 2).join('.');
  expect(await poolOf(assign(open('host1'), 'x.1'))).toBe('10.1');
  expect(await poolOf(assign(open('host2'), 'x.2'))).toBe('10.2');
  expect(await poolOf(assign(open('host1'), 'x.3', { ipv4Pools: ['10.3.0.0/28'] }))).toBe('10.3');
  expect(await poolOf(assign(open('host1'), 'x.4', { ipv4Pools: ['b'] }))).toBe('10.2');
  expect(await poolOf(assign(open('host1'), 'x.5', { ipv4Pools: ['tunnel'], use: 'Tunnel' }))).toBe('10.5');
  expect(await failure(assign(open('host1'), 'x.6', { ipv4Pools: ['off'] }))).toBe(
    'not-found: the given pool (off) does not exist, or is not enabled',
  );
  expect(await failure(assign(open('host1'), 'x.6', { ipv4Pools: ['10.9.0.0/28'] }))).toBe(
    'not-found: the given pool (10.9.0.0/28) does not exist, or is not enabled',
  );
  expect(await failure(assign(open('host1'), 'x.6', { ipv4Pools: ['tunnel'] }))).toBe(
    'not-found: cannot find a qualified ippool, no pools match the required use (Workload): "tunnel" (10.5.0.0/28)',
  );
  await putNode('host3');
  expect(await failure(assign(open('host3'), 'x.6'))).toBe(
    'not-found: no configured Calico pools for node host3: "a" (10.1.0.0/28) does not select the node, "b" (10.2.0.0/28) does not select the node, "manual" (10.3.0.0/28) must be asked for, "off" (10.4.0.0/28) is disabled, "tunnel" (10.5.0.0/28) does not select the node',
  );
  expect(await failure(assign(open('host9'), 'x.6'))).toBe(
    'not-found: choose IP pools for node "host9": the node is not in the datastore',
  );
});

test('a certain address: the first of a pool, taken, in no pool, in a pool for something else', async () => {
  await putPool('one', '192.168.0.0/24');
  await putPool('tunnels', '10.5.0.0/28', { allowedUses: ['Tunnel'] });
  expect(await assign(open('host1'), 'net.c1', { exact: [parseIp('192.168.0.0')] })).toBe('192.168.0.0/32');
  expect(await assign(open('host1'), 'net.c1', { exact: [parseIp('192.168.0.0')] })).toBe('192.168.0.0/32');
  expect(await failure(assign(open('host2'), 'net.c2', { exact: [parseIp('192.168.0.0')] }))).toBe(
    'conflict: assign address "192.168.0.0": already assigned, held by "net.c1" on node "host1"',
  );
  expect(await failure(assign(open('host1'), 'net.c2', { exact: [parseIp('10.9.9.9')] }))).toBe(
    'not-found: assign address "10.9.9.9": The provided IP address is not in a configured pool; there are "one" (192.168.0.0/24)',
  );
  expect(await failure(assign(open('host1'), 'net.c2', { exact: [parseIp('10.5.0.1')] }))).toBe(
    'denied: IP address 10.5.0.1 is in IP pool "tunnels", which is not allowed for use "Workload" (allowedUses: [Tunnel])',
  );
});

test("a certain address of another host's block: borrowed, or refused when affinity is strict", async () => {
  await putPool('one', '10.0.0.0/30');
  await assign(open('host1'), 'net.c1');
  expect(await assign(open('host2'), 'net.c2', { exact: [parseIp('10.0.0.3')] })).toBe('10.0.0.3/32');
  await putSettings({ strict_affinity: true });
  expect(await failure(assign(open('host2'), 'net.c3', { exact: [parseIp('10.0.0.2')] }))).toBe(
    'denied: assign address "10.0.0.2": its block is "host:host1"\'s and affinity is strict',
  );
});

test('reserved addresses are given only to those who ask for one and know that it is reserved', async () => {
  await putPool('one', '10.0.0.0/30');
  await putResource('IPReservation', 'r', { reservedCIDRs: ['10.0.0.0/31', '10.0.0.3'] });
  expect(await assign(open('host1'), 'net.c1')).toBe('10.0.0.2/30');
  expect(await failure(assign(open('host1'), 'net.c2'))).toBe(
    'exhausted: assign IPv4 address to "net.c2": No IPs available in pools: "one" (10.0.0.0/30)',
  );
  const exact = [parseIp('10.0.0.0')];
  expect(await failure(assign(open('host1'), 'net.c3', { exact }))).toBe(
    'denied: assign address "10.0.0.0": reserved by IPReservation "r" (10.0.0.0/31); to have it all the same, say ALLOW_RESERVED=true beside IP=, or "allow_reserved": true in the network\'s "ipam"',
  );
  expect(await assign(open('host1'), 'net.c3', { exact, allowsReserved: true })).toBe('10.0.0.0/32');
  // what a workload has is not taken from it by a reservation that comes later
  expect(await assign(open('host1'), 'net.c3', { exact })).toBe('10.0.0.0/32');
});

test('when nothing is free a host borrows, unless affinity is strict', async () => {
  await putPool('one', '10.0.0.0/30');
  await assign(open('host1'), 'net.c1');
  expect(await assign(open('host2'), 'net.c2')).toBe('10.0.0.1/30');
  await putSettings({ strict_affinity: true });
  expect(await failure(assign(open('host2'), 'net.c3'))).toBe(
    'exhausted: assign IPv4 address to "net.c3": No IPs available in pools: "one" (10.0.0.0/30); blocks of other nodes may not be used (strict affinity)',
  );
});

test('the limit on blocks and the ban on claiming do not stop borrowing', async () => {
  await putPool('one', '10.0.0.0/29');
  await putSettings({ maxBlocksPerHost: 1 });
  const one = open('host1');
  for (const name of ['1', '2', '3', '4']) await assign(one, `net.${name}`);
  const two = open('host2');
  await assign(two, 'net.5');
  expect((await keysNow()).filter((name) => name.startsWith('host/host1/')).length).toBe(1);
  const borrowed = parseIp((await assign(one, 'net.6')).split('/')[0] ?? '');
  expect((await keysNow()).filter((name) => name.startsWith('host/host1/')).length).toBe(1);
  expect(typeof borrowed).toBe('number');
  await putSettings({ maxBlocksPerHost: 1, strict_affinity: true });
  expect(await failure(assign(open('host1'), 'net.7'))).toBe(
    'exhausted: assign IPv4 address to "net.7": No IPs available in pools: "one" (10.0.0.0/29); limit of 1 blocks reached for this node; blocks of other nodes may not be used (strict affinity)',
  );
  await put(printKey({ kind: 'ipam-config' }), { auto_allocate_blocks: false });
  await putNode('host3');
  expect((await assign(open('host3'), 'net.8')).endsWith('/30')).toBe(true);
});

test("another host's empty block is left to it for a minute, then taken over", async () => {
  await putPool('one', '10.0.0.0/30');
  const [one, two] = [open('host1'), open('host2')];
  await assign(one, 'net.c1');
  await release(one, 'net.c1');
  await putSettings({ strict_affinity: true });
  nowMs += 59_000;
  expect(await failure(assign(two, 'net.c2'))).toContain('exhausted');
  nowMs += 1_000;
  expect(await assign(two, 'net.c2')).toBe('10.0.0.1/30');
  expect(await keysNow()).toEqual([
    'assignment/ipv4/block/10.0.0.0-30',
    'config',
    'handle/net.c2',
    'host/host2/ipv4/block/10.0.0.0-30',
  ]);
  expect(await failure(assign(open('host1'), 'net.c3'))).toContain('exhausted');
});

test('what a stopped claim of Calico left is made whole or given up', async () => {
  await putPool('one', '10.0.0.0/29');
  await put(printKey({ kind: 'affinity', owner: { kind: 'host', name: 'host1' }, cidr: '10.0.0.0/30' }), {
    state: 'pending',
  });
  expect(await assign(open('host1'), 'net.c1')).toBe('10.0.0.0/30');
  expect((await store.get('/calico/ipam/v2/host/host1/ipv4/block/10.0.0.0-30')).kv?.value).toBe(
    '{"state":"confirmed","deleted":false}',
  );
  await put(printKey({ kind: 'affinity', owner: { kind: 'host', name: 'host2' }, cidr: '10.0.0.0/30' }), {
    state: 'pending',
  });
  expect(await assign(open('host2'), 'net.c2')).toBe('10.0.0.4/30');
  expect((await keysNow()).filter((name) => name.startsWith('host/host2'))).toEqual([
    'host/host2/ipv4/block/10.0.0.4-30',
  ]);
});

test('a block that cannot be understood is reported and left alone', async () => {
  await putPool('one', '10.0.0.0/29');
  for (const cidr of ['10.0.0.0/30', '10.0.0.4/30']) await put(printKey({ kind: 'block', cidr }), { cidr });
  const reports: OcicatError[] = [];
  const ipam = { ...open('host1'), report: (error: OcicatError) => reports.push(error) };
  expect(await failure(assign(ipam, 'net.c1'))).toContain('exhausted');
  expect(new Set(reports.map((error) => error.message))).toEqual(
    new Set(['read block "10.0.0.0/30": it cannot be used', 'read block "10.0.0.4/30": it cannot be used']),
  );
});

test('a pool that is made after the view was filled is found', async () => {
  const ipam = open('host1');
  expect(await failure(assign(ipam, 'net.c1'))).toContain('no configured Calico pools');
  await putPool('one', '10.0.0.0/30');
  expect(await assign(ipam, 'net.c1')).toBe('10.0.0.0/30');
});

test('release by handle empties the block, drops the handle, and is content when there is nothing', async () => {
  await putPool('one', '10.0.0.0/30');
  const ipam = open('host1');
  await assign(ipam, 'net.c1');
  expect((await release(ipam, 'net.c1')).map(formatIp)).toEqual(['10.0.0.0']);
  expect(await release(ipam, 'net.c1')).toEqual([]);
  expect(await keysNow()).toEqual(['assignment/ipv4/block/10.0.0.0-30', 'host/host1/ipv4/block/10.0.0.0-30']);
});

test('release by address: whoever holds it, or only under the preconditions', async () => {
  await putPool('one', '10.0.0.0/30');
  const ipam = open('host1');
  await assign(ipam, 'net.c1');
  const ports = { datastore: store, now: () => nowMs };
  const ip = parseIp('10.0.0.0');
  expect(await failure(releaseAddress(ports, { ip, handleId: 'net.c9' }, signal))).toBe(
    'conflict: release address "10.0.0.0": bad handle',
  );
  expect(await releaseAddress(ports, { ip }, signal)).toBe(true);
  expect(await releaseAddress(ports, { ip }, signal)).toBe(false);
  expect(await releaseAddress(ports, { ip: parseIp('10.9.9.9') }, signal)).toBe(false);
  expect((await keysNow()).includes('handle/net.c1')).toBe(false);
  expect(await assign(ipam, 'net.c2')).toBe('10.0.0.1/30');
});

const SIZES = [
  ...[20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32].map((size) => ['10.32.0.0/19', 4, size] as const),
  ...[116, 117, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127, 128].map(
    (size) => ['fd00:1::/115', 6, size] as const,
  ),
];

test.each(SIZES)(
  'a pool %s of IPv%i in blocks of /%i: its first and last address, and the next one, are there and come back',
  async (cidr, family, blockSize) => {
    await putPool('one', cidr, { blockSize });
    const ipam = open('host1');
    const last = parseIp(family === 4 ? '10.32.31.255' : 'fd00:1::1fff');
    const pools = { ipv4Pools: family === 4 ? ['one'] : [], ipv6Pools: family === 6 ? [cidr] : [] };
    const ends = [
      await assign(ipam, 'a', { families: [], exact: [parseIp(cidr.split('/')[0] ?? '')] }),
      await assign(ipam, 'b', { families: [], exact: [last] }),
    ];
    expect(ends).toEqual([
      `${cidr.split('/')[0]}/${family === 4 ? 32 : 128}`,
      `${formatIp(last)}/${family === 4 ? 32 : 128}`,
    ]);
    const next = await assign(ipam, 'c', { ...pools, families: [family] });
    expect([next.endsWith(`/${blockSize}`), ends.includes(next)]).toEqual([true, false]);
    for (const handle of ['a', 'b', 'c']) expect(await release(ipam, handle)).toHaveLength(1);
    expect((await keysNow()).filter((key) => key.startsWith('handle/'))).toEqual([]);
  },
);

test('addresses of a block go out first in, first out, also over many transactions, each with a sequence number of its own', async () => {
  await putPool('one', '10.0.0.0/30');
  const ipam = open('host1');
  const given: string[] = [];
  for (let turn = 0; turn < 9; turn++) {
    given.push((await assign(ipam, `net.${turn}`)).split('/')[0] ?? '');
    await release(ipam, `net.${turn}`);
  }
  const order = ['10.0.0.0', '10.0.0.1', '10.0.0.2', '10.0.0.3'];
  expect(given).toEqual([...order, ...order, '10.0.0.0']);
  await assign(ipam, 'net.x');
  await assign(ipam, 'net.y');
  const [block] = (await store.list(BLOCKS_PREFIX)).kvs.map((kv) => parseBlock(kv.value));
  expect(new Set(block?.allocationSequence.values()).size).toBe(2);
});

test('a cool-down keeps an address back', async () => {
  await putPool('one', '10.0.0.0/32', { blockSize: 32 });
  await putSettings({ ipCooldownSeconds: 60 });
  const ipam = open('host1');
  await assign(ipam, 'net.c1');
  await release(ipam, 'net.c1');
  nowMs += 59_000;
  expect(await failure(assign(ipam, 'net.c2'))).toContain('exhausted');
  expect(await failure(assign(ipam, 'net.c2', { exact: [parseIp('10.0.0.0')] }))).toContain(
    'cooling down since 2026-11-23T12:00:00Z',
  );
  nowMs += 1_000;
  expect(await assign(ipam, 'net.c2')).toBe('10.0.0.0/32');
});

test('a host that goes gives its blocks back; those with addresses live on until the last is released', async () => {
  await putPool('one', '10.0.0.0/29');
  const ipam = open('host1');
  for (const name of ['1', '2', '3', '4', '5']) await assign(ipam, `net.${name}`);
  for (const name of ['1', '2', '3', '4']) await release(ipam, `net.${name}`);
  expect((await releaseAffinities(store, { host: 'host1' }, signal)).length).toBe(2);
  const left = (await store.list(BLOCKS_PREFIX)).kvs;
  expect(left.map((kv) => parseBlock(kv.value).affinity)).toEqual([undefined]);
  await release(ipam, 'net.5');
  expect(await keysNow()).toEqual([]);
});

/** Whether handles and blocks tell the same story, and who holds what: handle → its addresses. */
async function audit(): Promise<ReadonlyMap<string, readonly string[]>> {
  const blocks = (await store.list(BLOCKS_PREFIX)).kvs.map((kv) => parseBlock(kv.value));
  const holders = new Map<string, string[]>();
  for (const { key: at, value } of (await store.list(HANDLES_PREFIX)).kvs) {
    const handleId = at.slice(HANDLES_PREFIX.length);
    const counted: Record<string, number> = {};
    for (const block of blocks) {
      const held = addressesOfHandle(block, handleId).map(({ ip }) => formatIp(ip));
      if (held.length === 0) continue;
      counted[`${formatIp(block.cidr.address)}/${block.cidr.prefixLength}`] = held.length;
      holders.set(handleId, [...(holders.get(handleId) ?? []), ...held]);
    }
    expect(JSON.parse(value)).toEqual({ block: counted, deleted: false });
  }
  const inHandles = [...holders.values()].flat();
  const inBlocks = blocks.flatMap((block) => block.allocations.filter((index) => index !== undefined));
  expect(new Set(inHandles).size).toBe(inHandles.length);
  expect(inBlocks.length).toBe(inHandles.length);
  return holders;
}

/** A store whose operations fail, before or after they happened, as dice say. */
function unreliable(random: () => number): Ipam['datastore'] {
  const fail = () => {
    throw new OcicatError('unavailable', 'reach datastore: the test says no');
  };
  const maybe = async <T>(work: () => Promise<T>): Promise<T> => {
    const dice = random();
    if (dice < 0.05) return fail();
    const result = await work();
    return dice < 0.1 ? fail() : result;
  };
  return {
    ...store,
    get: (at, abort) => maybe(() => store.get(at, abort)),
    list: (prefix, options, abort) => maybe(() => store.list(prefix, options, abort)),
    commit: (transaction, abort) => maybe(() => store.commit(transaction, abort)),
  };
}

/** Park and Miller's minimal standard generator. */
function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

test.each([1, 2, 3, 4, 5, 6, 7, 8])(
  'hosts that assign, release and crash at random never share or lose an address (seed %d)',
  async (seed) => {
    const random = dice(seed * 7_919);
    await putPool('one', '10.0.0.0/27');
    const hosts = ['host1', 'host2', 'host3'];
    await putNode('host3');
    const runHost = async (host: string) => {
      let ipam = { ...open(host), datastore: unreliable(random) };
      for (let turn = 0; turn < 40; turn++) {
        const handleId = `${host}.${Math.floor(random() * 12)}`;
        const ports = { datastore: ipam.datastore, cache: ipam.view, now: () => nowMs };
        try {
          if (random() < 0.6) await assign(ipam, handleId);
          else await releaseByHandle(ports, handleId, signal);
        } catch (error) {
          if (!isOcicatError(error, 'unavailable', 'exhausted')) throw error;
          if (random() < 0.3) ipam = { ...open(host), datastore: unreliable(random) };
        }
        if (random() < 0.1) nowMs += 30_000;
      }
    };
    await Promise.all(hosts.map(runHost));
    const holders = await audit();
    for (const handleId of holders.keys()) await release(open('host1'), handleId);
    expect((await audit()).size).toBe(0);
    expect((await store.list(HANDLES_PREFIX)).kvs).toEqual([]);
    for (let i = 0; i < 32; i++) await assign(open('host2'), `all.${i}`);
    expect((await audit()).size).toBe(32);
  },
);

/** Every field of a pool with a value of another kind than it takes. */
const BROKEN_POOLS: readonly object[] = [
  { vxlanMode: 'Sometimes' },
  { ipipMode: 1 },
  { blockSize: '26' },
  { blockSize: 8 },
  { disabled: 'true' },
  { nodeSelector: 'rack ==' },
  { namespaceSelector: 5 },
  { allowedUses: 'Workload' },
  { allowedUses: ['Workload', 'Sleep'] },
  { assignmentMode: 'Manually' },
  { natOutgoing: 'yes' },
  { cidr: '10.0.0.1/24' },
  { cidr: 'nowhere' },
];

test.each(BROKEN_POOLS)('a pool that cannot be read gives no address, whatever is wrong: %j', async (broken) => {
  await putPool('one', '10.0.0.0/28', broken);
  expect(await failure(assign(open('host1'), 'h'))).toStartWith('not-found: no configured Calico pools');
  expect(await failure(assign(open('host1'), 'h', { ipv4Pools: ['one'] }))).toStartWith('not-found: the given pool');
  await putPool('two', '10.1.0.0/28');
  expect(await assign(open('host1'), 'h')).toStartWith('10.1.0.');
});

test.each([{ disabled: true }, { allowedUses: ['Tunnel'] }, { blockSize: 26, cidr: '10.0.0.0/28', disabled: false }])(
  'a pool that is not for use gives no address: %j',
  async (spec) => {
    await putPool('one', '10.0.0.0/28', spec);
    expect(await failure(assign(open('host1'), 'h'))).toStartWith('not-found:');
    expect(await keysNow()).toEqual([]);
  },
);

test.each<[object, string]>([
  [{ maxBlocksPerHost: '4' }, 'maxBlocksPerHost: found "4"'],
  [{ strict_affinity: 'true' }, 'strict_affinity: found "true"'],
  [{ auto_allocate_blocks: 1 }, 'auto_allocate_blocks: found 1'],
  [{ ipCooldownSeconds: -1 }, 'ipCooldownSeconds: found -1'],
])(
  'settings that cannot be read stop assignment and name themselves, and a release goes on: %j',
  async (wrong, message) => {
    await putPool('one', '10.0.0.0/28');
    expect(await assign(open('host1'), 'held')).toStartWith('10.0.0.');
    await putSettings(wrong);
    expect(await failure(assign(open('host1'), 'h'))).toStartWith(`corrupt: read IPAM configuration: ${message}`);
    await release(open('host1'), 'held');
    const { kvs } = await store.list(BLOCKS_PREFIX);
    expect(kvs.map((kv) => kv.value.includes('"releasedAt":'))).toEqual([true]); // it rests
  },
);
