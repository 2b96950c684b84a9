import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { type MemoryDatastore, openMemoryDatastore } from '../../../test/support/datastore/memory.ts';
import { openSync, type SyncMessage } from './sync.ts';

async function put(store: MemoryDatastore, ...pairs: readonly string[]): Promise<void> {
  const writes = pairs.map((pair) => {
    const [key = '', value] = pair.split('=');
    return value === undefined ? ({ kind: 'delete', key } as const) : ({ kind: 'put', key, value } as const);
  });
  await store.commit({ conditions: [], writes });
}

function describeMessage(message: SyncMessage): string {
  if (message.kind === 'in-sync' || message.kind === 'replaced') return message.kind;
  if (message.kind === 'progress') return `progress ${message.revision}`;
  if (message.kind === 'disconnected') return `disconnected: ${message.error.code}`;
  return message.updates.map(({ key, value }) => (value === undefined ? `-${key}` : `${key}=${value}`)).join(' ');
}

/** The next message but for progress. */
async function read(messages: AsyncGenerator<SyncMessage>): Promise<string> {
  for (;;) {
    const { done, value } = await messages.next();
    if (done) return 'ended';
    if (value.kind !== 'progress') return describeMessage(value);
  }
}

/** Reads messages one at a time; `next` gives up after 3 s. */
function follow(store: MemoryDatastore, ...prefixes: readonly string[]) {
  const stop = new AbortController();
  const messages = openSync(store, prefixes, stop.signal);
  return {
    async next(): Promise<string> {
      const timer = Bun.sleep(3_000).then(() => 'nothing came');
      return Promise.race([read(messages), timer]);
    },
    stop: () => stop.abort(),
  };
}

describe('sync', () => {
  test('hands out what stands, then what changes, then ends', async () => {
    const store = openMemoryDatastore();
    await put(store, '/a/1=x', '/a/2=y', '/b/1=no', '/c/1=z');
    const sync = follow(store, '/a/', '/c/');
    expect(await sync.next()).toBe('/a/1=x /a/2=y');
    expect(await sync.next()).toBe('/c/1=z');
    expect(await sync.next()).toBe('in-sync');
    await put(store, '/a/1', '/a/3=w', '/b/2=no');
    expect(await sync.next()).toBe('-/a/1 /a/3=w');
    await put(store, '/c/1=z2');
    expect(await sync.next()).toBe('/c/1=z2');
    sync.stop();
    expect(await sync.next()).toBe('ended');
  });

  test('an empty store is in sync at once; large content comes in pieces', async () => {
    const store = openMemoryDatastore();
    expect(await follow(store, '/a/').next()).toBe('in-sync');
    for (let n = 0; n < 25; n += 1) await put(store, ...Array.from({ length: 100 }, (_, k) => `/a/${n}-${k}=v`));
    const sync = follow(store, '/a/');
    const counts: number[] = [];
    for (let message = await sync.next(); message !== 'in-sync'; message = await sync.next())
      counts.push(message.split(' ').length);
    expect(counts).toEqual([1000, 1000, 500]);
  });

  test('a key that changes several times before it is read comes once, as it is last', async () => {
    const store = openMemoryDatastore();
    const sync = follow(store, '/a/');
    await sync.next();
    await put(store, '/a/1=1');
    await put(store, '/a/2=1');
    await put(store, '/a/1=2');
    await put(store, '/a/2');
    expect(await sync.next()).toBe('/a/1=2 -/a/2');
  });

  test('an outage is reported once and made up for, deletions too', async () => {
    const store = openMemoryDatastore();
    await put(store, '/a/1=x', '/a/2=x', '/a/3=x');
    const sync = follow(store, '/a/');
    await sync.next();
    expect(await sync.next()).toBe('in-sync');
    const outage = sync.next();
    store.setAvailable(false);
    expect(await outage).toBe('disconnected: unavailable');
    const back = sync.next();
    await Bun.sleep(350);
    store.setAvailable(true);
    await put(store, '/a/1', '/a/2=y', '/a/4=z');
    expect(await back).toBe('-/a/1 /a/2=y /a/4=z');
    expect(await sync.next()).toBe('in-sync');
  });

  test('compaction under the watch is made up for', async () => {
    const store = openMemoryDatastore();
    await put(store, '/a/1=x');
    const sync = follow(store, '/a/');
    await sync.next();
    await sync.next();
    await put(store, '/a/1=y');
    await put(store, '/a/1=z');
    store.compact(4);
    expect(await sync.next()).toBe('disconnected: not-found');
    expect(await sync.next()).toBe('/a/1=z');
    expect(await sync.next()).toBe('in-sync');
  });

  test('another cluster replaces everything, equal revisions or not', async () => {
    const store = openMemoryDatastore();
    await put(store, '/a/1=old', '/a/2=old');
    const sync = follow(store, '/a/');
    await sync.next();
    expect(await sync.next()).toBe('in-sync');
    const change = sync.next();
    store.replaceCluster();
    await put(store, '/a/1=new');
    expect(await change).toBe('disconnected: conflict');
    expect(await sync.next()).toBe('replaced');
    expect(await sync.next()).toBe('-/a/2 /a/1=new');
    expect(await sync.next()).toBe('in-sync');
  });

  test('a store that is away from the beginning is reported, and waited for', async () => {
    const store = openMemoryDatastore();
    store.setAvailable(false);
    const sync = follow(store, '/a/');
    expect(await sync.next()).toBe('disconnected: unavailable');
    const first = sync.next();
    await Bun.sleep(150);
    store.setAvailable(true);
    expect(await first).toBe('in-sync');
  });

  test('whatever happens, what was handed out ends as what stands', async () => {
    const key = fc.constantFrom('/a/1', '/a/2', '/a/3', '/b/1');
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.tuple(fc.constant('put' as const), key, fc.constantFrom('x', 'y', 'z')) },
      { weight: 3, arbitrary: fc.tuple(fc.constant('delete' as const), key, fc.constant('')) },
      {
        weight: 2,
        arbitrary: fc.tuple(
          fc.constantFrom('compact' as const, 'replace' as const, 'outage' as const, 'rest' as const),
          key,
          fc.constant(''),
        ),
      },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const store = openMemoryDatastore();
        const stop = new AbortController();
        const seen = new Map<string, string>();
        const following = (async () => {
          for await (const message of openSync(store, ['/a/', '/b/'], stop.signal)) {
            if (message.kind !== 'updates') continue;
            for (const { key: name, value } of message.updates)
              if (value === undefined) seen.delete(name);
              else seen.set(name, value);
          }
        })();
        for (const [what, name, value] of steps) {
          if (what === 'put') await put(store, `${name}=${value}`);
          else if (what === 'delete') await put(store, name);
          else if (what === 'compact') store.compact((await store.get('')).revision);
          else if (what === 'replace') store.replaceCluster();
          else if (what === 'outage') {
            store.setAvailable(false);
            await Promise.resolve();
            store.setAvailable(true);
          } else for (let n = 0; n < 20; n += 1) await Promise.resolve();
        }
        await put(store, '/a/end=', '/b/end=');
        const standing = Object.fromEntries((await store.list('')).kvs.map((kv) => [kv.key, kv.value]));
        for (let waited = 0; waited < 300 && !(seen.has('/a/end') && seen.has('/b/end')); waited += 1)
          await Bun.sleep(5);
        stop.abort();
        await following;
        expect(Object.fromEntries(seen)).toEqual(standing);
      }),
      { seed: 11, numRuns: 40 },
    );
  }, 30_000);
});
