// What every datastore promises, as one test suite that runs against the stand-in and against the real thing.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import {
  type Datastore,
  MAX_TRANSACTION_WRITES,
  type WatchBatch,
  type WatchEvent,
  type Write,
} from '../../../src/datastore/port.ts';

/** A store to test; everything in it may be written below any prefix of its own. */
export interface ContractStore {
  readonly datastore: Datastore;
  /** Forgets history before a revision. */
  compact(revision: number): Promise<void>;
  close(): Promise<void>;
}

/**
 * What a promise rejects with. Bun's `expect(promise).rejects` waits in an event loop of its own, in which an HTTP/2
 * session hangs when its own callback started the test's step.
 */
export function thrownBy(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => 'nothing was thrown',
    (error: unknown) => error,
  );
}

function put(key: string, value: string): Write {
  return { kind: 'put', key, value };
}

/** Takes batches until `count` events have come, then aborts the watch and makes sure that it ends. */
async function takeEvents(
  batches: AsyncIterable<WatchBatch>,
  count: number,
  stop: AbortController,
): Promise<readonly WatchEvent[]> {
  const events: WatchEvent[] = [];
  for await (const batch of batches) {
    events.push(...batch.events);
    if (events.length >= count) stop.abort();
  }
  return events;
}

function words(events: readonly WatchEvent[]): readonly string[] {
  return events.map((event) => (event.kind === 'put' ? `${event.kv.key}=${event.kv.value}` : `-${event.key}`));
}

/** Declares the suite. Each test works below a prefix of its own. */
export function describeDatastore(name: string, open: () => Promise<ContractStore>): void {
  describe(`datastore contract: ${name}`, () => {
    let store: ContractStore;
    let datastore: Datastore;
    let prefixes = 0;
    const newPrefix = () => `/contract/${String(++prefixes).padStart(3, '0')}/`;

    async function write(...writes: readonly Write[]): Promise<number> {
      const result = await datastore.commit({ conditions: [], writes });
      expect(result.kind).toBe('committed');
      return result.revision;
    }

    beforeAll(async () => {
      store = await open();
      datastore = store.datastore;
    });
    afterAll(async () => {
      await store.close();
    });

    test('a key that was never written is absent', async () => {
      const { kv, revision } = await datastore.get(`${newPrefix()}nothing`);
      expect(kv).toBeUndefined();
      expect(revision).toBeGreaterThanOrEqual(1);
    });

    test('a value comes back as it went in, at the revision of its commit', async () => {
      const key = `${newPrefix()}päth ✓`;
      for (const value of ['', 'plain', '{"a":"ü€😀"}', 'x'.repeat(100_000)]) {
        const modRevision = await write(put(key, value));
        expect(await datastore.get(key)).toEqual({ kv: { key, value, modRevision }, revision: modRevision });
      }
    });

    test('all writes of a transaction share one revision; a change of nothing makes none', async () => {
      const at = newPrefix();
      const first = await write(put(`${at}a`, '1'), put(`${at}b`, '1'));
      const second = await write({ kind: 'delete', key: `${at}a` }, put(`${at}c`, '2'));
      expect(second).toBe(first + 1);
      expect(await write({ kind: 'delete', key: `${at}never` })).toBe(second);
      expect((await datastore.list(at)).kvs.map((kv) => `${kv.key}@${kv.modRevision}`)).toEqual([
        `${at}b@${first}`,
        `${at}c@${second}`,
      ]);
    });

    test('conditions hold or nothing is written, and the conflict shows what stands', async () => {
      const at = newPrefix();
      const revision = await write(put(`${at}a`, 'old'));
      const conditions = [
        { key: `${at}a`, modRevision: revision },
        { key: `${at}b`, modRevision: 0 },
      ];
      const good = await datastore.commit({ conditions, writes: [put(`${at}a`, 'new')] });
      expect(good).toEqual({ kind: 'committed', revision: revision + 1 });
      const bad = await datastore.commit({ conditions, writes: [put(`${at}b`, 'no'), put(`${at}c`, 'no')] });
      expect(bad).toEqual({
        kind: 'conflict',
        revision: revision + 1,
        current: [{ key: `${at}a`, value: 'new', modRevision: revision + 1 }, undefined],
      });
      expect((await datastore.list(at)).kvs.length).toBe(1);
    });

    test('conditions without writes read many keys at once', async () => {
      const at = newPrefix();
      const modRevision = await write(put(`${at}b`, '1'));
      const conditions = ['a', 'b', 'c'].map((key) => ({ key: `${at}${key}`, modRevision: 0 }));
      const { kind, ...rest } = await datastore.commit({ conditions, writes: [] });
      expect(kind).toBe('conflict');
      expect(rest).toMatchObject({ current: [undefined, { key: `${at}b`, value: '1', modRevision }, undefined] });
    });

    test('of many who compare and swap at once exactly one wins each round', async () => {
      const key = `${newPrefix()}counter`;
      await write(put(key, '0'));
      const increment = async (): Promise<void> => {
        for (;;) {
          const { kv } = await datastore.get(key);
          const value = String(Number(kv?.value) + 1);
          const conditions = [{ key, modRevision: kv?.modRevision ?? 0 }];
          if ((await datastore.commit({ conditions, writes: [put(key, value)] })).kind === 'committed') return;
        }
      };
      await Promise.all(Array.from({ length: 20 }, increment));
      expect((await datastore.get(key)).kv?.value).toBe('20');
    });

    test('transactions over the limits are refused whole', async () => {
      const at = newPrefix();
      const writes = Array.from({ length: MAX_TRANSACTION_WRITES + 1 }, (_, n) => put(`${at}${n}`, ''));
      const cases: readonly (readonly [Parameters<Datastore['commit']>[0], string])[] = [
        [{ conditions: [], writes }, 'commit transaction: 129 writes, at most 128 fit'],
        [
          { conditions: writes.map(({ key }) => ({ key, modRevision: 0 })), writes: [] },
          'commit transaction: 129 conditions, at most 128 fit',
        ],
        [
          { conditions: [], writes: [put(`${at}a`, '1'), { kind: 'delete', key: `${at}a` }] },
          `commit transaction: key "${at}a" is written twice`,
        ],
        [
          { conditions: [{ key: at, modRevision: -1 }], writes: [] },
          `commit transaction: condition on "${at}" has revision -1, wanted 0 or more`,
        ],
        [
          { conditions: [], writes: [put('k', 'x'.repeat(1_600_000))] },
          'commit transaction: 1600193 bytes, at most 1572864 fit',
        ],
      ];
      for (const [transaction, message] of cases)
        expect(await thrownBy(datastore.commit(transaction))).toMatchObject({ code: 'invalid', message });
      expect((await datastore.list(at)).kvs).toEqual([]);
    });

    test('transactions at the limits are taken', async () => {
      const at = newPrefix();
      const writes = Array.from({ length: MAX_TRANSACTION_WRITES }, (_, n) => put(`${at}${n}`, 'x'.repeat(12_000)));
      const conditions = writes.slice(0, 10).map(({ key }) => ({ key, modRevision: 0 }));
      expect((await datastore.commit({ conditions, writes })).kind).toBe('committed');
      expect((await datastore.list(at)).kvs.length).toBe(MAX_TRANSACTION_WRITES);
      const most = Array.from({ length: MAX_TRANSACTION_WRITES }, (_, n) => ({ key: `${at}new${n}`, modRevision: 0 }));
      const last = most.map(({ key }) => put(key, ''));
      expect((await datastore.commit({ conditions: most, writes: last })).kind).toBe('committed');
      await write(put(`${at}big`, 'x'.repeat(1_572_864 - 300)));
      expect((await datastore.get(`${at}big`)).kv?.value.length).toBe(1_572_564);
    });

    test('a list is sorted by bytes, complete at any length, and only of the prefix', async () => {
      const at = newPrefix();
      for (let n = 0; n < 700; n += 100)
        await write(
          ...Array.from({ length: 100 }, (_, k) => put(`${at}${String(n + k).padStart(4, '0')}`, `${n + k}`)),
        );
      await write(put(`${at}ü`, ''), put(`${at}z`, ''), put(`${at.slice(0, -1)}0`, 'beside'));
      const { kvs, revision } = await datastore.list(at);
      expect(kvs.map(({ key }) => key.slice(at.length))).toEqual([
        ...Array.from({ length: 700 }, (_, k) => String(k).padStart(4, '0')),
        'z',
        'ü',
      ]);
      expect(kvs[699]?.value).toBe('699');
      expect(revision).toBe(kvs.at(-1)?.modRevision ?? 0);
      const { kvs: keys } = await datastore.list(at, { keysOnly: true });
      expect(keys.map(({ key, modRevision }) => ({ key, modRevision, value: '' }))).toEqual([...keys]);
      expect(keys.length).toBe(702);
    });

    test('the empty prefix lists everything', async () => {
      const at = newPrefix();
      await write(put(`${at}a`, '1'));
      const { kvs } = await datastore.list('', { keysOnly: true });
      expect(kvs.some(({ key }) => key === `${at}a`)).toBe(true);
    });

    test('the past can be read until it is compacted', async () => {
      const at = newPrefix();
      const first = await write(put(`${at}a`, '1'), put(`${at}b`, '1'));
      await write(put(`${at}a`, '2'), { kind: 'delete', key: `${at}b` });
      const last = await write(put(`${at}c`, '3'));
      const past = await datastore.list(at, { revision: first });
      expect(past.kvs.map(({ key, value }) => `${key}=${value}`)).toEqual([`${at}a=1`, `${at}b=1`]);
      expect(past.revision).toBe(first);
      await store.compact(last);
      expect(await thrownBy(datastore.list(at, { revision: first }))).toMatchObject({ code: 'not-found' });
      expect((await datastore.list(at, { revision: last })).kvs.length).toBe(2);
      expect(await thrownBy(datastore.list(at, { revision: last + 1_000 }))).toMatchObject({ code: 'invalid' });
    });

    test('a watch tells of every change below its prefix, in order, from the revision asked for', async () => {
      const at = newPrefix();
      await write(put(`${at}before`, ''));
      const from = await write(put(`${at}a`, '1'));
      await write(put(`${at.slice(0, -1)}0`, 'beside'));
      await write(put(`${at}a`, '2'), put(`${at}b`, '2'));
      const stop = new AbortController();
      const taking = takeEvents(datastore.watch(at, from, stop.signal), 6, stop);
      await write({ kind: 'delete', key: `${at}a` });
      const last = await write(put(`${at}c`, 'ü'), put(`${at}d`, ''));
      const events = await taking;
      expect(words(events)).toEqual([`${at}a=1`, `${at}a=2`, `${at}b=2`, `-${at}a`, `${at}c=ü`, `${at}d=`]);
      expect(events[3]).toEqual({ kind: 'delete', key: `${at}a`, modRevision: last - 1 });
      expect(events[4]).toEqual({ kind: 'put', kv: { key: `${at}c`, value: 'ü', modRevision: last } });
    });

    test('a batch holds whole revisions and says which is the newest', async () => {
      const at = newPrefix();
      const from = await write(put(`${at}start`, ''));
      const stop = new AbortController();
      const watching = (async () => {
        let newest = 0;
        let events = 0;
        for await (const batch of datastore.watch(at, from, stop.signal)) {
          if (batch.events.length === 0) continue;
          const revisions = batch.events.map((event) => (event.kind === 'put' ? event.kv.modRevision : 0));
          expect(Math.min(...revisions)).toBeGreaterThan(newest);
          expect(batch.revision).toBeGreaterThanOrEqual(Math.max(...revisions));
          newest = Math.max(...revisions);
          events += batch.events.length;
          if (events >= 1 + 20 * 50) stop.abort();
        }
        return events;
      })();
      for (let round = 0; round < 20; round += 1)
        await write(...Array.from({ length: 50 }, (_, n) => put(`${at}${n}`, `${round}`)));
      expect(await watching).toBe(1 + 20 * 50);
    });

    test('large values are listed and watched whole', async () => {
      const at = newPrefix();
      const values = Array.from({ length: 6 }, (_, n) => String(n).repeat(1_200_000));
      const revisions: number[] = [];
      for (const [n, value] of values.entries()) revisions.push(await write(put(`${at}${n}`, value)));
      expect((await datastore.list(at)).kvs.map(({ value }) => value)).toEqual(values);
      const stop = new AbortController();
      const events = await takeEvents(datastore.watch(at, revisions[0] ?? 0, stop.signal), 6, stop);
      expect(words(events)).toEqual(values.map((value, n) => `${at}${n}=${value}`));
    });

    test('a watch of the future begins when it comes', async () => {
      const at = newPrefix();
      const now = await write(put(`${at}a`, '0'));
      const stop = new AbortController();
      const taking = takeEvents(datastore.watch(at, now + 2, stop.signal), 1, stop);
      await write(put(`${at}a`, '1'));
      await write(put(`${at}a`, '2'));
      expect(words(await taking)).toEqual([`${at}a=2`]);
    });

    test('a watch that starts before what was compacted is refused', async () => {
      const at = newPrefix();
      const from = await write(put(`${at}a`, '1'));
      const last = await write(put(`${at}a`, '2'));
      await store.compact(last);
      const stop = new AbortController();
      expect(await thrownBy(takeEvents(datastore.watch(at, from, stop.signal), 1, stop))).toMatchObject({
        code: 'not-found',
      });
    });

    test('a watch of another cluster than the listing is refused', async () => {
      const at = newPrefix();
      const { revision, cluster } = await datastore.list(at);
      const stop = new AbortController();
      const wrong = takeEvents(datastore.watch(at, revision + 1, stop.signal, `${cluster}x`), 1, stop);
      expect(await thrownBy(wrong)).toMatchObject({ code: 'conflict' });
      const right = takeEvents(datastore.watch(at, revision + 1, stop.signal, cluster), 1, stop);
      await write(put(`${at}a`, '1'));
      expect(words(await right)).toEqual([`${at}a=1`]);
    });

    test('an aborted watch ends, before and while it waits', async () => {
      const at = newPrefix();
      expect(await takeEvents(datastore.watch(at, 1, AbortSignal.abort()), 1, new AbortController())).toEqual([]);
      const { revision } = await datastore.list(at);
      const stop = new AbortController();
      const taking = takeEvents(datastore.watch(at, revision + 1, stop.signal), 1, stop);
      setTimeout(() => stop.abort(), 30);
      expect(await taking).toEqual([]);
    });

    test('an aborted request says so', async () => {
      const aborted = AbortSignal.abort();
      expect(await thrownBy(datastore.get('a', aborted))).toMatchObject({ code: 'aborted' });
      expect(await thrownBy(datastore.list('a', {}, aborted))).toMatchObject({ code: 'aborted' });
      expect(await thrownBy(datastore.commit({ conditions: [], writes: [] }, aborted))).toMatchObject({
        code: 'aborted',
      });
    });

    test('the keys of a lease vanish with it, and nobody can use it afterwards', async () => {
      const at = newPrefix();
      const lease = await datastore.openLease(30);
      await write({ ...put(`${at}leased`, '1'), lease } as Write, put(`${at}other`, '1'));
      await write({ ...put(`${at}freed`, '1'), lease } as Write);
      await write(put(`${at}freed`, '2'));
      await datastore.dropLease(lease);
      expect((await datastore.list(at)).kvs.map(({ key }) => key)).toEqual([`${at}freed`, `${at}other`]);
      const late: Write = { kind: 'put', key: `${at}late`, value: '', lease };
      expect(await thrownBy(datastore.commit({ conditions: [], writes: [late] }))).toMatchObject({ code: 'not-found' });
      await datastore.dropLease(lease);
    });
  });
}
