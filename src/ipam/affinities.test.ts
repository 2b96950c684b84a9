// Who prefers a block is written in two places, the block and a record beside it. Calico writes them one after the other, we at
// once: whatever the order in which both do so, and wherever either is killed, the two come to say the same, and no address is
// given twice or lost.
import { expect, test } from 'bun:test';
import { type BlockOfHost, claimAsCalico, releaseAsCalico } from '../../test/support/datastore/calico-affinity.ts';
import { type MemoryDatastore, openMemoryDatastore } from '../../test/support/datastore/memory.ts';
import { forEachOrder, type Turns } from '../../test/support/datastore/turns.ts';
import { isOcicatError, OcicatError } from '../base/errors.ts';
import { isEmpty } from '../blocks/block.ts';
import { parseBlock } from '../blocks/block-json.ts';
import {
  AFFINITIES_PREFIX,
  BLOCKS_PREFIX,
  HANDLES_PREFIX,
  IPAM_PREFIX,
  printKey,
  tryParseKey,
} from '../datastore/keys.ts';
import type { Datastore } from '../datastore/port.ts';
import { formatIp } from '../net/ip.ts';
import { parseAffinity, printAffinity } from './affinity.ts';
import { releaseAffinities } from './affinity-release.ts';
import { assignAddresses, type Ipam, releaseByHandle } from './ipam.ts';
import { createOwnAffinities } from './own-affinities.ts';
import { affinityKey } from './own-block.ts';
import { openIpamView } from './view.ts';

const START_MS = Date.UTC(2026, 10, 23, 12, 0, 0);
const LATER_MS = START_MS + 120_000;
const HOSTS = ['host-1', 'host-2'] as const;
const BLOCK: BlockOfHost = { host: 'host-1', cidr: '10.0.0.0/31' };
const signal = new AbortController().signal;

async function put(store: MemoryDatastore, kind: 'IPPool' | 'Node', name: string, spec: object): Promise<void> {
  const key = printKey({ kind: 'resource', resourceKind: kind, namespace: undefined, name });
  const value = JSON.stringify({ kind, apiVersion: 'projectcalico.org/v3', metadata: { name }, spec });
  await store.commit({ conditions: [], writes: [{ kind: 'put', key, value }] });
}

/** Two hosts, and a pool of so many blocks of two addresses. */
async function openStore(blocks: 1 | 2): Promise<MemoryDatastore> {
  const store = openMemoryDatastore();
  for (const host of HOSTS) await put(store, 'Node', host, {});
  await put(store, 'IPPool', 'pool', { cidr: blocks === 1 ? BLOCK.cidr : '10.0.0.0/30', blockSize: 31 });
  return store;
}

/** As an agent that has read the store. */
async function openIpam(datastore: Datastore, host: string, nowMs = LATER_MS): Promise<Ipam> {
  const view = openIpamView(datastore, host);
  await view.refresh(signal);
  return { datastore, view, now: () => nowMs, report: () => undefined };
}

/** The address, or the code of a refusal. */
async function assign(ipam: Ipam, handleId: string): Promise<string> {
  const request = { handleId, attributes: { node: ipam.view.nodeName }, use: 'Workload', families: [4] } as const;
  try {
    return (await assignAddresses(ipam, request, signal)).map(({ ip }) => formatIp(ip)).join(' ');
  } catch (error) {
    if (isOcicatError(error)) return error.code;
    throw error;
  }
}

const release = ({ datastore, view, now }: Ipam, handleId: string) =>
  releaseByHandle({ datastore, cache: view, now }, handleId, signal);

interface Written {
  readonly key: string;
  readonly owner: string;
  readonly cidr: string;
  readonly modRevision: number;
}

async function readBlocks(store: Datastore): Promise<readonly (Written & { readonly empty: boolean })[]> {
  const { kvs } = await store.list(BLOCKS_PREFIX);
  return kvs.map(({ key, value, modRevision }) => {
    const block = parseBlock(value);
    const named = tryParseKey(key);
    const cidr = named?.kind === 'block' ? named.cidr : '';
    return { key, cidr, owner: block.affinity?.replace('host:', '') ?? '', modRevision, empty: isEmpty(block) };
  });
}

/**
 * Blocks in use whose owner's record does not say `confirmed`, so that their routes are missing: now, or already when the block
 * was written.
 */
async function findUnconfirmed(store: Datastore, when: 'ever' | 'when it was written'): Promise<readonly string[]> {
  const wrong: string[] = [];
  for (const { owner, cidr, modRevision, empty } of await readBlocks(store)) {
    if (owner === '' || empty) continue;
    const { kv } = await store.get(affinityKey({ kind: 'host', name: owner }, cidr));
    const isLater = when !== 'ever' && kv !== undefined && kv.modRevision > modRevision;
    if (!isLater && (kv === undefined || parseAffinity(kv.value) !== 'confirmed')) wrong.push(`${cidr} of ${owner}`);
  }
  return wrong;
}

/** Records of hosts whose block is somebody else's, or nobody's. */
async function findStale(store: Datastore): Promise<readonly string[]> {
  const owners = new Map((await readBlocks(store)).map(({ cidr, owner }) => [cidr, owner]));
  const { kvs } = await store.list(AFFINITIES_PREFIX);
  return kvs.flatMap(({ key }) => {
    const named = tryParseKey(key);
    return named?.kind === 'affinity' && owners.get(named.cidr) !== named.owner.name ? [key] : [];
  });
}

/** How many addresses can be had when nobody holds any more; handles must be gone with them. */
async function countFree(store: Datastore): Promise<number> {
  const [one, two] = [await openIpam(store, HOSTS[0]), await openIpam(store, HOSTS[1])];
  for (const { key } of (await store.list(HANDLES_PREFIX)).kvs) await release(one, key.slice(HANDLES_PREFIX.length));
  expect((await store.list(HANDLES_PREFIX)).kvs).toEqual([]);
  const given = new Set<string>();
  for (let turn = 0; ; turn++) {
    const address = await assign(turn % 2 === 0 ? one : two, `rest.${turn}`);
    if (!/^\d/.test(address)) return given.size;
    expect(given.has(address)).toBe(false);
    given.add(address);
  }
}

/** Two looks of each host's agent after those that its own view has seen. */
async function lookAfter(store: Datastore): Promise<void> {
  for (const host of HOSTS) {
    const own = createOwnAffinities({ ...(await openIpam(store, host)), require: async () => undefined });
    for (const _ of ['first', 'second']) await own.look(signal);
  }
}

/** Of the host that does it, whose view of the store is as it was before. */
type Script = (ipam: Ipam) => Promise<unknown>;
type Named = Readonly<Record<string, readonly [host: (typeof HOSTS)[number], script: Script]>>;

const ours: Named = {
  assign: ['host-1', (ipam) => assign(ipam, 'a')],
  'give blocks back': ['host-1', ({ datastore }) => releaseAffinities(datastore, { host: 'host-1' }, signal)],
  'take the block over': ['host-2', (ipam) => assign(ipam, 'b')],
};
const theirs: Named = {
  claim: ['host-1', ({ datastore }) => claimAsCalico(datastore, BLOCK, START_MS)],
  'release if empty': ['host-1', ({ datastore }) => releaseAsCalico(datastore, BLOCK, { onlyEmpty: true })],
  release: ['host-1', ({ datastore }) => releaseAsCalico(datastore, BLOCK, { onlyEmpty: false })],
};

async function putRecord(store: Datastore, state: 'confirmed' | 'pending'): Promise<void> {
  const key = affinityKey({ kind: 'host', name: BLOCK.host }, BLOCK.cidr);
  await store.commit({ conditions: [], writes: [{ kind: 'put', key, value: printAffinity(state) }] });
}

const befores: Readonly<Record<string, (store: Datastore) => Promise<void>>> = {
  nothing: async () => undefined,
  'an empty block of the host': async (store) => {
    const ipam = await openIpam(store, 'host-1', START_MS);
    await assign(ipam, 'old');
    await release(ipam, 'old');
  },
  'a block of the host in use': async (store) => {
    await assign(await openIpam(store, 'host-1', START_MS), 'old');
  },
  'a record without a block': (store) => putRecord(store, 'confirmed'),
};

async function printState(store: Datastore): Promise<string> {
  const { kvs } = await store.list(IPAM_PREFIX);
  return kvs.map(({ key, value }) => `${key} ${value}`).join('\n');
}

/** Whatever has happened, it must have come to this. */
async function expectWhole(store: Datastore, addresses: number): Promise<void> {
  await lookAfter(store);
  expect([await findUnconfirmed(store, 'ever'), await findStale(store)]).toEqual([[], []]);
  expect(await countFree(store)).toBe(addresses);
}

async function raceOnce(
  turns: Turns,
  prepare: (store: Datastore) => Promise<void>,
  scripts: readonly (readonly [string, Script])[],
) {
  const store = await openStore(1);
  await prepare(store);
  const ipams = await Promise.all(scripts.map(([host], writer) => openIpam(turns.storeOf(writer, store), host)));
  turns.start(scripts.length);
  const run = async ([, script]: readonly [string, Script], writer: number): Promise<void> => {
    const ipam = ipams[writer];
    if (ipam !== undefined) await script(ipam).finally(turns.leave);
  };
  await Promise.all(scripts.map(run));
  return store;
}

for (const [before, prepare] of Object.entries(befores))
  for (const [our, ourScript] of Object.entries(ours))
    for (const [their, theirScript] of Object.entries(theirs))
      test(`${before}; "${our}" of ours and "${their}" of Calico at once: block and record come to say the same`, async () => {
        const seen = new Set<string>();
        await forEachOrder(async (turns) => {
          const store = await raceOnce(turns, prepare, [ourScript, theirScript]);
          // who takes an address of its own block leaves it confirmed; who borrows one has no say in that
          if (our === 'assign') expect(await findUnconfirmed(store, 'when it was written')).toEqual([]);
          const state = await printState(store);
          if (!seen.has(state)) await expectWhole(store, 2); // most orders come to the same
          seen.add(state);
        });
      });

/** A program that dies with its request of this number: before the store has it, or when it is done and nobody hears. */
function dyingAt(store: Datastore, request: number, moment: 'before' | 'after'): Datastore {
  let asked = 0;
  const die = () => {
    throw new OcicatError('unavailable', 'reach datastore: killed');
  };
  const live = async <T>(work: () => Promise<T>): Promise<T> => {
    const isLast = asked++ >= request;
    if (isLast && moment === 'before') return die();
    const answer = await work();
    return isLast ? die() : answer;
  };
  return {
    ...store,
    get: (key, abort) => live(() => store.get(key, abort)),
    list: (prefix, options, abort) => live(() => store.list(prefix, options, abort)),
    commit: (transaction, abort) => live(() => store.commit(transaction, abort)),
  };
}

/** Whether it came to its end. */
async function survives(script: Script, ipam: Ipam): Promise<boolean> {
  try {
    return (await script(ipam)) !== 'unavailable';
  } catch (error) {
    if (isOcicatError(error, 'unavailable')) return false;
    throw error;
  }
}

const killed: Named = {
  ...ours,
  ...Object.fromEntries(Object.entries(theirs).map(([name, one]) => [`${name} of Calico`, one])),
};

for (const [before, prepare] of Object.entries(befores))
  for (const [name, [host, script]] of Object.entries(killed))
    test(`${before}; killed at each request of "${name}": tried again it is done, nothing is lost`, async () => {
      for (const moment of ['before', 'after'] as const)
        for (let request = 0, isDone = false; !isDone; request++) {
          expect(request).toBeLessThan(40);
          const store = await openStore(2);
          await prepare(store);
          const ipam = await openIpam(store, host);
          isDone = await survives(script, { ...ipam, datastore: dyingAt(store, request, moment) });
          expect(await assign(await openIpam(store, 'host-1'), 'a')).toStartWith('10.0.0.');
          await expectWhole(store, 4);
        }
    });

test('what a claim of Calico has begun is left alone at the first look, and given up at the second', async () => {
  const store = await openStore(2);
  await putRecord(store, 'pending');
  const own = createOwnAffinities({ ...(await openIpam(store, 'host-1')), require: async () => undefined });
  await own.look(signal);
  expect(await findStale(store)).toHaveLength(1);
  await own.look(signal);
  expect(await findStale(store)).toEqual([]);
});

test('empty blocks of pools that are no longer for this host are given back; those in use stay', async () => {
  const store = await openStore(2);
  const ipam = await openIpam(store, 'host-1');
  for (const handle of ['a', 'b', 'c']) await assign(ipam, handle);
  await release(ipam, 'c');
  const own = createOwnAffinities({ ...ipam, require: async () => undefined });
  for (const _ of [1, 2]) await own.look(signal);
  expect(await readBlocks(store)).toHaveLength(2);
  await put(store, 'IPPool', 'pool', { cidr: '10.0.0.0/30', blockSize: 31, nodeSelector: 'has(rack)' });
  await ipam.view.refresh(signal);
  for (const _ of [1, 2]) await own.look(signal);
  expect((await readBlocks(store)).map(({ empty }) => empty)).toEqual([false]);
});

test('blocks of a node whose name is another host’s by now are left alone', async () => {
  const store = await openStore(2);
  await putRecord(store, 'pending');
  const reported: string[] = [];
  const own = createOwnAffinities({
    ...(await openIpam(store, 'host-1')),
    report: ({ code }) => reported.push(code),
    require: async () => {
      throw new OcicatError('not-ready', 'write as node "host-1": its name is not this agent\'s');
    },
  });
  for (const _ of [1, 2, 3]) await own.look(signal);
  expect([await findStale(store), reported]).toEqual([[expect.any(String)], ['not-ready', 'not-ready']]);
});
