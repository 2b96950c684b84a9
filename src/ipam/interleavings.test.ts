// Writers of addresses, interleaved at each of their reads and writes in every way there is: no address is held twice, none
// is lost, and each writer is told what is true.
import { expect, test } from 'bun:test';
import { type MemoryDatastore, openMemoryDatastore } from '../../test/support/datastore/memory.ts';
import { forEachOrder, type Turns } from '../../test/support/datastore/turns.ts';
import { isOcicatError } from '../base/errors.ts';
import { parseBlock } from '../blocks/block-json.ts';
import { addressesOfHandle } from '../blocks/release.ts';
import { BLOCKS_PREFIX, HANDLES_PREFIX, printKey } from '../datastore/keys.ts';
import type { Datastore } from '../datastore/port.ts';
import { formatIp, parseIp } from '../net/ip.ts';
import { releaseAffinities } from './affinity-release.ts';
import { assignAddresses, type Ipam, releaseByHandle } from './ipam.ts';
import { openIpamView } from './view.ts';

const START_MS = Date.UTC(2026, 10, 23, 12, 0, 0);
const LATER_MS = START_MS + 120_000;
const HOSTS = ['host-1', 'host-2', 'host-3'];
const signal = new AbortController().signal;

/** What a writer was told: an address, the code of a refusal, or that it is done. */
type Outcome = string;
type Script = (ipam: Ipam) => Promise<Outcome>;

/** As an agent that has read the store. */
async function openIpam(datastore: Datastore, host: string, nowMs: number): Promise<Ipam> {
  const view = openIpamView(datastore, host);
  await view.refresh(signal);
  return { datastore, view, now: () => nowMs, report: () => undefined };
}

async function outcomeOf(work: Promise<Outcome>): Promise<Outcome> {
  try {
    return await work;
  } catch (error) {
    if (isOcicatError(error)) return error.code;
    throw error;
  }
}

async function put(store: MemoryDatastore, kind: 'IPPool' | 'Node', name: string, spec: object): Promise<void> {
  const key = printKey({ kind: 'resource', resourceKind: kind, namespace: undefined, name });
  const value = JSON.stringify({ kind, apiVersion: 'projectcalico.org/v3', metadata: { name }, spec });
  await store.commit({ conditions: [], writes: [{ kind: 'put', key, value }] });
}

const assign =
  (handleId: string, address?: string): Script =>
  async (ipam) => {
    const wanted = address === undefined ? { families: [4] as const } : { families: [], exact: [parseIp(address)] };
    const attributes = { node: ipam.view.nodeName };
    const assigned = await assignAddresses(ipam, { handleId, attributes, use: 'Workload', ...wanted }, signal);
    return assigned.map(({ ip }) => formatIp(ip)).join(' ');
  };

const release =
  (handleId: string): Script =>
  async ({ datastore, view, now }) => {
    await releaseByHandle({ datastore, cache: view, now }, handleId, signal);
    return 'released';
  };

/** The host goes from the cluster, with its blocks. */
const leave: Script = async ({ datastore, view }) => {
  await releaseAffinities(datastore, { host: view.nodeName }, signal);
  return 'left';
};

/** Who holds what, by what blocks say; handles must say the same. */
async function audit(store: MemoryDatastore): Promise<Readonly<Record<string, readonly string[]>>> {
  const blocks = (await store.list(BLOCKS_PREFIX)).kvs.map((kv) => parseBlock(kv.value));
  const handles = (await store.list(HANDLES_PREFIX)).kvs;
  const holders: Record<string, string[]> = {};
  for (const { key, value } of handles) {
    const handleId = key.slice(HANDLES_PREFIX.length);
    const held = blocks.map((block) => addressesOfHandle(block, handleId).map(({ ip }) => formatIp(ip)));
    holders[handleId] = held.flat();
    const counted: Readonly<Record<string, number>> = JSON.parse(value).block;
    expect(Object.values(counted)).toEqual(held.map(({ length }) => length).filter((length) => length > 0));
  }
  const all = Object.values(holders).flat();
  expect(new Set(all).size).toBe(all.length);
  const allocated = blocks.flatMap(({ allocations }) => allocations.filter((index) => index !== undefined));
  expect(allocated).toHaveLength(all.length);
  return holders;
}

/** How many addresses can still be given out when nobody holds one any more. */
async function countFree(store: MemoryDatastore, holders: Readonly<Record<string, unknown>>): Promise<number> {
  const ipam = await openIpam(store, 'host-3', LATER_MS);
  for (const handleId of Object.keys(holders)) await release(handleId)(ipam);
  for (let count = 0; ; count++) if (!/^\d/.test(await outcomeOf(assign(`rest.${count}`)(ipam)))) return count;
}

interface Race {
  readonly pool: string;
  readonly blockSize: number;
  /** Before the race. */
  readonly before?: readonly Writer[];
  readonly writers: readonly Writer[];
}

type Writer = readonly [host: string, script: Script];

interface Run {
  readonly outcomes: readonly Outcome[];
  readonly holders: Readonly<Record<string, readonly string[]>>;
  readonly free: number;
}

/** `reads`: whether writers have read the store before or after what happened before the race. */
async function runOnce(race: Race, reads: 'before' | 'after', turns: Turns): Promise<Run> {
  const { pool, blockSize, before = [], writers } = race;
  const store = openMemoryDatastore();
  for (const host of HOSTS) await put(store, 'Node', host, {});
  await put(store, 'IPPool', 'pool', { cidr: pool, blockSize, nodeSelector: 'all()' });
  const openAll = () =>
    Promise.all(writers.map(([host], writer) => openIpam(turns.storeOf(writer, store), host, LATER_MS)));
  const early = await openAll();
  for (const [host, script] of before) await script(await openIpam(store, host, START_MS));
  const ipams = reads === 'before' ? early : await openAll();
  const run = async ([, script]: Writer, writer: number): Promise<Outcome> => {
    const ipam = ipams[writer];
    try {
      return ipam === undefined ? 'none' : await outcomeOf(script(ipam));
    } finally {
      turns.leave();
    }
  };
  turns.start(writers.length);
  const outcomes = await Promise.all(writers.map(run));
  const holders = await audit(store);
  return { outcomes, holders, free: await countFree(store, holders) };
}

/** Every interleaving, each looked at. */
async function forEachInterleaving(race: Race, look: (run: Run) => void): Promise<void> {
  for (const reads of ['before', 'after'] as const) {
    const runs = await forEachOrder(async (turns) => look(await runOnce(race, reads, turns)));
    expect(runs).toBeGreaterThan(1);
  }
}

const isAddress = (outcome: Outcome | undefined): boolean => /^\d/.test(outcome ?? '');

/** Each has an address, and what it was told is what it has. */
function expectAll({ outcomes, holders }: Run, handles: readonly string[]): void {
  expect(outcomes.every(isAddress)).toBe(true);
  expect(handles.map((handle) => holders[handle])).toEqual(outcomes.map((outcome) => [outcome]));
}

test('two hosts want the last address: one has it, the other is told that there is none', async () => {
  const writers = HOSTS.slice(0, 2).map((host) => [host, assign(host)] as const);
  await forEachInterleaving({ pool: '10.0.0.0/32', blockSize: 32, writers }, ({ outcomes, holders, free }) => {
    expect([...outcomes].sort()).toEqual(['10.0.0.0', 'exhausted']);
    expect(holders).toEqual({ [HOSTS[outcomes.indexOf('10.0.0.0')] ?? '']: ['10.0.0.0'] });
    expect(free).toBe(1);
  });
});

test('three hosts want the last two blocks: each has an address of its own', async () => {
  const writers = HOSTS.map((host) => [host, assign(host)] as const);
  await forEachInterleaving({ pool: '10.0.0.0/30', blockSize: 31, writers }, (run) => {
    expectAll(run, HOSTS);
    expect(run.free).toBe(4);
  });
});

test('two hosts want the same address: one has it, the other is told who is in its way', async () => {
  const writers = [
    ['host-1', assign('a', '10.0.0.1')],
    ['host-2', assign('b', '10.0.0.1')],
  ] as const;
  await forEachInterleaving({ pool: '10.0.0.0/30', blockSize: 30, writers }, ({ outcomes, holders, free }) => {
    expect([...outcomes].sort()).toEqual(['10.0.0.1', 'conflict']);
    expect(holders).toEqual({ [outcomes[0] === '10.0.0.1' ? 'a' : 'b']: ['10.0.0.1'] });
    expect(free).toBe(4);
  });
});

test('two hosts assign to one handle: it has one address, and both are told that', async () => {
  const writers = HOSTS.slice(0, 2).map((host) => [host, assign('a')] as const);
  await forEachInterleaving({ pool: '10.0.0.0/30', blockSize: 31, writers }, ({ outcomes, holders, free }) => {
    const [address = ''] = outcomes;
    expect([isAddress(address), outcomes]).toEqual([true, [address, address]]);
    expect(holders).toEqual({ a: [address] });
    expect(free).toBe(4);
  });
});

test('one who assigns to a handle and one who releases it: the address is held or free, and never half of each', async () => {
  const before = [['host-1', assign('a')]] as const;
  const writers = [
    ['host-1', assign('a')],
    ['host-1', release('a')],
  ] as const;
  await forEachInterleaving({ pool: '10.0.0.0/31', blockSize: 31, before, writers }, ({ outcomes, holders, free }) => {
    const [address, done] = outcomes;
    expect([isAddress(address), done]).toEqual([true, 'released']);
    expect([[], [address]]).toContainEqual(Object.values(holders).flat());
    expect(free).toBe(2);
  });
});

test('an empty block is taken from its host while that host wants an address of it: both have one', async () => {
  const before = [
    ['host-1', assign('old')],
    ['host-1', release('old')],
  ] as const;
  const writers = [
    ['host-1', assign('a')],
    ['host-2', assign('b')],
  ] as const;
  await forEachInterleaving({ pool: '10.0.0.0/31', blockSize: 31, before, writers }, (run) => {
    expectAll(run, ['a', 'b']);
    expect(run.free).toBe(2);
  });
});

test('a host leaves the cluster while another takes an address of its block: what is held stays held', async () => {
  const before = [['host-1', assign('old')]] as const;
  const writers = [
    ['host-1', leave],
    ['host-2', assign('b')],
  ] as const;
  await forEachInterleaving({ pool: '10.0.0.0/31', blockSize: 31, before, writers }, ({ outcomes, holders, free }) => {
    expect(outcomes).toEqual(['left', '10.0.0.1']);
    expect(holders).toEqual({ old: ['10.0.0.0'], b: ['10.0.0.1'] });
    expect(free).toBe(2);
  });
});

test('the one address is released while another wants it: given again, or refused, and not lost', async () => {
  const before = [['host-1', assign('old')]] as const;
  const writers = [
    ['host-1', release('old')],
    ['host-2', assign('b')],
  ] as const;
  await forEachInterleaving({ pool: '10.0.0.0/32', blockSize: 32, before, writers }, ({ outcomes, holders, free }) => {
    const [done, answer] = outcomes;
    expect([done, ['10.0.0.0', 'exhausted'].includes(answer ?? '')]).toEqual(['released', true]);
    expect(holders).toEqual(answer === '10.0.0.0' ? { b: ['10.0.0.0'] } : {});
    expect(free).toBe(1);
  });
});
