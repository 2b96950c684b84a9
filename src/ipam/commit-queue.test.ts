// Commits of one host that come at once: how few transactions they take, and that sharing one changes nothing for any of them.
import { beforeEach, expect, test } from 'bun:test';
import { type MemoryDatastore, openMemoryDatastore } from '../../test/support/datastore/memory.ts';
import { isOcicatError } from '../base/errors.ts';
import { parseBlock } from '../blocks/block-json.ts';
import { BLOCKS_PREFIX, HANDLES_PREFIX, IPAM_PREFIX, printKey } from '../datastore/keys.ts';
import type { Datastore, Transaction } from '../datastore/port.ts';
import { formatIp, type Ip, parseIp } from '../net/ip.ts';
import { buildAssignment } from './assign.ts';
import { createCommitQueue } from './commit-queue.ts';
import { buildReleaseByHandle } from './release.ts';
import { openIpamView } from './view.ts';

const NOW_MS = Date.UTC(2026, 10, 23, 12, 0, 0);
const signal = new AbortController().signal;
let store: MemoryDatastore;
/** What was committed, or tried. */
let transactions: Transaction[];
let counted: Datastore;

async function put(key: string, value: object): Promise<void> {
  await store.commit({ conditions: [], writes: [{ kind: 'put', key, value: JSON.stringify(value) }] });
}

async function putResource(kind: 'IPPool' | 'Node', name: string, spec: object): Promise<void> {
  const key = printKey({ kind: 'resource', resourceKind: kind, namespace: undefined, name });
  await put(key, { kind, apiVersion: 'projectcalico.org/v3', metadata: { name }, spec });
}

beforeEach(async () => {
  store = openMemoryDatastore();
  transactions = [];
  counted = {
    ...store,
    commit: (transaction, abort) => {
      transactions.push(transaction);
      return store.commit(transaction, abort);
    },
  };
  for (const name of ['host1', 'host2']) await putResource('Node', name, {});
});

/** A host whose agent has read the store. */
async function openHost(name: string) {
  const view = openIpamView(counted, name);
  await view.refresh(signal);
  const queue = createCommitQueue(counted, view);
  const commit = async (handleId: string, exact: readonly Ip[], abort = signal): Promise<string> => {
    const attributes = { node: name };
    const families = exact.length > 0 ? [] : ([4] as const);
    const wanted = { handleId, attributes, use: 'Workload', families, exact } as const;
    try {
      const { result } = await queue.commit(
        (builder) => buildAssignment({ view, builder, nowMs: NOW_MS }, wanted),
        abort,
      );
      return result.map(({ ip }) => formatIp(ip)).join(' ');
    } catch (error) {
      if (isOcicatError(error)) return error.code;
      throw error;
    }
  };
  return {
    queue,
    assign: (handleId: string, abort?: AbortSignal) => commit(handleId, [], abort),
    assignExact: (handleId: string, address: string) => commit(handleId, [parseIp(address)]),
    release: (handleId: string) =>
      queue.commit((builder) => buildReleaseByHandle({ builder, nowMs: NOW_MS, cooldownSeconds: 0 }, handleId), signal),
  };
}

const names = (count: number) => Array.from({ length: count }, (_, index) => `net.c${index}`);
const countUnder = async (prefix: string) => (await store.list(prefix)).kvs.length;

/** How many addresses blocks have recorded as held. */
async function countHeld(): Promise<number> {
  const blocks = (await store.list(BLOCKS_PREFIX)).kvs.map(({ value }) => parseBlock(value));
  return blocks.flatMap(({ allocations }) => allocations.filter((index) => index !== undefined)).length;
}

test('a hundred addresses asked for at once are few transactions, and so are a hundred given back', async () => {
  await putResource('IPPool', 'pool', { cidr: '10.0.0.0/24', blockSize: 26, nodeSelector: 'all()' });
  const { assign, release } = await openHost('host1');
  const assigned = await Promise.all(names(100).map((name) => assign(name)));
  expect(new Set(assigned).size).toBe(100);
  expect(transactions.length).toBeLessThanOrEqual(4);
  expect([await countHeld(), await countUnder(HANDLES_PREFIX)]).toEqual([100, 100]);
  transactions = [];
  await Promise.all(names(100).map(release));
  expect(transactions.length).toBeLessThanOrEqual(4);
  expect([await countHeld(), await countUnder(HANDLES_PREFIX)]).toEqual([0, 0]);
});

test('one that comes alone is committed at once, in one transaction', async () => {
  await putResource('IPPool', 'pool', { cidr: '10.0.0.0/24', blockSize: 26, nodeSelector: 'all()' });
  const { assign } = await openHost('host1');
  for (const name of names(5)) await assign(name);
  expect(transactions).toHaveLength(5);
});

test('who cannot be served beside others is told why, and the others have what they asked for', async () => {
  await putResource('IPPool', 'pool', { cidr: '10.0.0.0/29', blockSize: 29, nodeSelector: 'all()' });
  const { assign, assignExact } = await openHost('host1');
  const outcomes = await Promise.all([
    ...names(3).map((name) => assign(name)),
    assignExact('net.x', '10.0.0.6'),
    assignExact('net.y', '10.0.0.6'),
    assignExact('net.z', '172.16.0.1'),
    assign('net.last'),
  ]);
  expect(outcomes).toEqual(['10.0.0.0', '10.0.0.1', '10.0.0.2', '10.0.0.6', 'conflict', 'not-found', '10.0.0.3']);
});

test('a pool gives out all that it has, and no more, whoever asks at once', async () => {
  await putResource('IPPool', 'pool', { cidr: '10.0.0.0/28', blockSize: 30, nodeSelector: 'all()' });
  const hosts = [await openHost('host1'), await openHost('host2')];
  const outcomes = await Promise.all(
    names(24).map((name, index) => hosts[index % 2]?.assign(name) ?? Promise.resolve('none')),
  );
  const given = outcomes.filter((outcome) => outcome !== 'exhausted');
  expect([given.length, new Set(given).size, await countHeld()]).toEqual([16, 16, 16]);
});

test('the limit on blocks of a host holds within one transaction', async () => {
  await putResource('IPPool', 'pool', { cidr: '10.0.0.0/26', blockSize: 32, nodeSelector: 'all()' });
  await put(printKey({ kind: 'ipam-config' }), {
    auto_allocate_blocks: true,
    strict_affinity: true,
    maxBlocksPerHost: 3,
  });
  const { assign } = await openHost('host1');
  const outcomes = await Promise.all(names(8).map((name) => assign(name)));
  expect(outcomes.filter((outcome) => outcome === 'exhausted')).toHaveLength(5);
  expect(await countUnder(`${IPAM_PREFIX}host/host1/`)).toBe(3);
});

test('one whose time is over is not served, and does not keep the others', async () => {
  await putResource('IPPool', 'pool', { cidr: '10.0.0.0/26', blockSize: 26, nodeSelector: 'all()' });
  const { assign } = await openHost('host1');
  const over = new AbortController();
  const all = ['a', 'b', 'c'].map((name) => assign(name, name === 'b' ? over.signal : signal));
  over.abort();
  expect(await Promise.all(all)).toEqual(['10.0.0.0', 'aborted', '10.0.0.1']);
  expect(await assign('d', over.signal)).toBe('aborted');
});

test('what is too large for any transaction is refused and keeps nobody waiting', async () => {
  await putResource('IPPool', 'pool', { cidr: '10.0.0.0/26', blockSize: 26, nodeSelector: 'all()' });
  const { assign, queue } = await openHost('host1');
  const huge = queue.commit(async (builder) => {
    for (let index = 0; index < 200; index++) builder.put(`/x/${index}`, '');
  }, signal);
  const outcomes = Promise.all([assign('a'), assign('b')]);
  await expect(huge).rejects.toThrow('200 writes, at most 128 fit');
  const again = queue.commit(async (builder) => {
    for (let index = 0; index < 200; index++) builder.put(`/x/${index}`, '');
  }, signal);
  const more = Promise.all([assign('c'), again.catch(({ code }) => code), assign('d')]);
  expect([await outcomes, await more]).toEqual([
    ['10.0.0.0', '10.0.0.1'],
    ['10.0.0.2', 'invalid', '10.0.0.3'],
  ]);
});

test('a store that goes away fails all that share the transaction', async () => {
  await putResource('IPPool', 'pool', { cidr: '10.0.0.0/26', blockSize: 26, nodeSelector: 'all()' });
  const { assign } = await openHost('host1');
  store.setAvailable(false);
  expect(await Promise.all(names(3).map((name) => assign(name)))).toEqual(Array(3).fill('unavailable'));
  store.setAvailable(true);
  expect(await assign('again')).toBe('10.0.0.0');
});
