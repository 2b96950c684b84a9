// Resources and the sync on a real etcd: thousands at a time, and through faults.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { openEtcd } from '../../src/datastore/etcd/client.ts';
import { RESOURCES_PREFIX } from '../../src/datastore/keys.ts';
import type { Datastore } from '../../src/datastore/port.ts';
import {
  applyMany,
  createMany,
  deleteMany,
  listResources,
  type ResourceOutcome,
} from '../../src/datastore/resource/resources.ts';
import { openSync } from '../../src/datastore/sync/sync.ts';
import type { Resource } from '../../src/model/meta/resource.ts';
import { type EtcdServer, startEtcd } from '../support/etcd/etcd-server.ts';

const COUNT = 3_000;

function set(at: number, note: string): Resource {
  const nets = Array.from({ length: 20 }, (_, n) => `10.${at % 250}.${n}.0/24`);
  const metadata = { name: `set-${at}`, namespace: 'shop', labels: { note } };
  return { kind: 'NetworkSet', apiVersion: 'projectcalico.org/v3', metadata, spec: { nets } };
}

const sets = (note: string) => Array.from({ length: COUNT }, (_, at) => set(at, note));

function count(outcomes: readonly ResourceOutcome[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const outcome of outcomes) {
    const word = outcome.kind === 'failed' ? outcome.error.code : outcome.created ? 'created' : 'wrote';
    counts[word] = (counts[word] ?? 0) + 1;
  }
  return counts;
}

describe('resources on etcd', () => {
  let server: EtcdServer;
  let datastore: Datastore;
  beforeAll(async () => {
    server = await startEtcd();
    datastore = openEtcd({ endpoints: async () => [server.endpoint] });
  });
  afterAll(async () => {
    await datastore.close();
    await server.stop();
  });

  test('thousands are created, applied again, listed and deleted', async () => {
    expect(count(await createMany(datastore, sets('first')))).toEqual({ created: COUNT });
    expect(count(await createMany(datastore, sets('again')))).toEqual({ 'already-exists': COUNT });
    expect(count(await applyMany(datastore, [...sets('second'), set(COUNT, 'new')]))).toEqual({
      wrote: COUNT,
      created: 1,
    });
    const { resources, unreadable } = await listResources(datastore, 'NetworkSet', 'shop');
    expect(unreadable).toEqual([]);
    expect(resources.length).toBe(COUNT + 1);
    expect(resources.filter(({ metadata }) => metadata.labels?.note === 'second').length).toBe(COUNT);
    const names = resources.map(({ kind, metadata: { namespace, name } }) => ({ kind, namespace, name }));
    expect(count(await deleteMany(datastore, names))).toEqual({ wrote: COUNT + 1 });
    expect((await listResources(datastore, 'NetworkSet')).resources).toEqual([]);
  }, 30_000);

  test('two who apply the same thousands at once both succeed', async () => {
    const both = await Promise.all([applyMany(datastore, sets('a')), applyMany(datastore, sets('b'))]);
    const counts = both.map(count);
    expect(counts.map(({ created = 0, wrote = 0 }) => created + wrote)).toEqual([COUNT, COUNT]);
    expect((counts[0]?.created ?? 0) + (counts[1]?.created ?? 0)).toBe(COUNT);
  }, 30_000);

  test('a sync follows through crash, compaction and loss of all data', async () => {
    const impatient = openEtcd({ endpoints: async () => [server.endpoint], timeoutMs: 1_000, connectRetryMs: 100 });
    const stop = new AbortController();
    const seen = new Map<string, string>();
    const words: string[] = [];
    const following = (async () => {
      for await (const message of openSync(impatient, [RESOURCES_PREFIX], stop.signal)) {
        if (message.kind === 'progress') continue;
        if (message.kind !== 'updates') words.push(message.kind);
        else
          for (const { key, value } of message.updates)
            if (value === undefined) seen.delete(key);
            else seen.set(key, value);
      }
    })();
    const agree = async (): Promise<void> => {
      for (let waited = 0; waited < 200; waited += 1) {
        const { kvs } = await datastore.list(RESOURCES_PREFIX);
        if (kvs.length === seen.size && kvs.every(({ key, value }) => seen.get(key) === value)) return;
        await Bun.sleep(50);
      }
      throw new Error(`sync holds ${seen.size} keys: ${words.join(' ')}`);
    };
    await agree();
    expect(words).toEqual(['in-sync']);
    await server.kill();
    await Bun.sleep(1_500);
    await server.start();
    await applyMany(datastore, [set(1, 'after the crash'), set(COUNT + 1, 'new')]);
    await deleteMany(datastore, [{ kind: 'NetworkSet', namespace: 'shop', name: 'set-2' }]);
    await server.ctl('compact', String((await datastore.list('/none')).revision));
    await agree();
    await server.kill();
    server.wipe();
    await server.start();
    await createMany(datastore, [set(7, 'another world')]);
    await agree();
    expect(seen.size).toBe(1);
    expect(words.filter((word) => word === 'disconnected').length).toBeGreaterThanOrEqual(2);
    expect(words.at(-1)).toBe('in-sync');
    stop.abort();
    await following;
    await impatient.close();
  }, 40_000);
});
