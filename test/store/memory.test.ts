import { describe, expect, test } from 'bun:test';
import { describeDatastore } from '../support/datastore/contract.ts';
import { openMemoryDatastore } from '../support/datastore/memory.ts';

describeDatastore('memory', async () => {
  const datastore = openMemoryDatastore();
  return { datastore, compact: async (revision) => datastore.compact(revision), close: () => datastore.close() };
});

describe('memory faults', () => {
  async function next(store: ReturnType<typeof openMemoryDatastore>): Promise<unknown> {
    for await (const batch of store.watch('', 2, new AbortController().signal)) return batch;
    return 'ended';
  }

  test('while it is unavailable every call and every watch says so', async () => {
    const store = openMemoryDatastore();
    const watching = next(store);
    store.setAvailable(false);
    await expect(watching).rejects.toMatchObject({ code: 'unavailable' });
    await expect(store.get('a')).rejects.toMatchObject({ code: 'unavailable' });
    store.setAvailable(true);
    expect((await store.get('a')).kv).toBeUndefined();
  });

  test('another cluster is empty and ends watches', async () => {
    const store = openMemoryDatastore();
    await store.commit({ conditions: [], writes: [{ kind: 'put', key: 'a', value: '' }] });
    const watching = (async () => {
      for await (const _ of store.watch('', 3, new AbortController().signal));
    })();
    store.replaceCluster();
    await expect(watching).rejects.toMatchObject({ code: 'conflict' });
    expect(await store.list('')).toEqual({ kvs: [], revision: 1, cluster: 'memory-2' });
  });

  test('an expired lease takes its keys along', async () => {
    const store = openMemoryDatastore();
    const lease = await store.openLease(10);
    await store.commit({ conditions: [], writes: [{ kind: 'put', key: 'a', value: '', lease }] });
    const watching = next(store);
    store.expireLease(lease);
    expect((await store.list('')).kvs).toEqual([]);
    expect(await watching).toMatchObject({ events: [{ kind: 'put' }, { kind: 'delete', key: 'a', modRevision: 3 }] });
  });
});
