// The contract on a real etcd, and what only a real one can do: die, hang, lose its data, ask who is there.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { type EtcdSettings, openEtcd } from '../../src/datastore/etcd/client.ts';
import { openConnection } from '../../src/datastore/etcd/connection.ts';
import { encodeRange, RANGE } from '../../src/datastore/etcd/messages.ts';
import type { Datastore, WatchBatch } from '../../src/datastore/port.ts';
import { describeDatastore, thrownBy } from '../support/datastore/contract.ts';
import { type EtcdServer, freePort, startEtcd } from '../support/etcd/etcd-server.ts';

const opened: Datastore[] = [];

function connect(server: EtcdServer, settings: Partial<EtcdSettings> = {}): Datastore {
  const datastore = openEtcd({ endpoints: async () => [server.endpoint], ...settings });
  opened.push(datastore);
  return datastore;
}

function put(datastore: Datastore, key: string, value: string): Promise<unknown> {
  return datastore.commit({ conditions: [], writes: [{ kind: 'put', key, value }] });
}

/** Collects a watch's events as `key=value` in the background, until aborted; `failed` holds what it threw. */
function record(batches: AsyncIterable<WatchBatch>) {
  const recording = { events: [] as string[], failed: undefined as unknown, ended: Promise.resolve() };
  recording.ended = (async () => {
    try {
      for await (const { events } of batches)
        for (const event of events)
          recording.events.push(event.kind === 'put' ? `${event.kv.key}=${event.kv.value}` : `-${event.key}`);
    } catch (error) {
      recording.failed = error;
    }
  })();
  return recording;
}

async function until(condition: () => boolean, timeoutMs = 10_000): Promise<void> {
  const end = Date.now() + timeoutMs;
  while (!condition()) {
    if (Date.now() > end) throw new Error('it has not come true in time');
    await Bun.sleep(10);
  }
}

afterAll(async () => {
  for (const datastore of opened) await datastore.close();
});

describeDatastore('etcd', async () => {
  const server = await startEtcd();
  const datastore = connect(server);
  return {
    datastore,
    compact: async (revision) => void (await server.ctl('compact', String(revision))),
    close: () => server.stop(),
  };
});

describe('etcd that fails', () => {
  let server: EtcdServer;
  beforeAll(async () => {
    server = await startEtcd();
  });
  afterAll(() => server.stop());

  test('a watch goes on after a crash, without gaps or repeats', async () => {
    const datastore = connect(server);
    const stop = new AbortController();
    const { revision, cluster } = await datastore.list('/crash/');
    const watch = record(datastore.watch('/crash/', revision + 1, stop.signal, cluster));
    for (let n = 0; n < 5; n += 1) await put(datastore, '/crash/a', `${n}`);
    await until(() => watch.events.length === 5);
    await server.kill();
    await server.start();
    const other = connect(server);
    for (let n = 5; n < 10; n += 1) await put(other, '/crash/a', `${n}`);
    await put(datastore, '/crash/b', 'mine');
    await until(() => watch.events.length === 11);
    expect(watch.events).toEqual([...Array.from({ length: 10 }, (_, n) => `/crash/a=${n}`), '/crash/b=mine']);
    stop.abort();
    await watch.ended;
    expect(watch.failed).toBeUndefined();
  });

  test('a request waits for a restart; when nobody comes back it names the endpoint', async () => {
    const datastore = connect(server, { connectRetryMs: 2_000 });
    await put(datastore, '/restart', '1');
    await server.kill();
    const reading = datastore.get('/restart');
    await server.start();
    expect((await reading).kv?.value).toBe('1');
    await server.kill();
    const impatient = connect(server, { connectRetryMs: 200 });
    expect(await thrownBy(impatient.get('/restart'))).toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining(`connect to etcd "${server.endpoint}": nothing listens there (ECONNREFUSED)`),
    });
    await server.start();
    expect((await impatient.get('/restart')).kv?.value).toBe('1');
  });

  test('a watch that finds nobody gives up after the deadline', async () => {
    const datastore = connect(server, { connectRetryMs: 100, timeoutMs: 600 });
    const { revision } = await datastore.list('/x');
    const watch = record(datastore.watch('/x', revision + 1, new AbortController().signal));
    await Bun.sleep(50);
    await server.kill();
    await watch.ended;
    expect(watch.failed).toMatchObject({ code: 'unavailable', message: expect.stringMatching(/^watch "\/x": /) });
    await server.start();
  });

  test('a request that is not answered fails at its deadline, naming the endpoint', async () => {
    const datastore = connect(server, { timeoutMs: 400 });
    await put(datastore, '/stall', '1');
    server.pause();
    const reading = thrownBy(datastore.get('/stall'));
    const writing = thrownBy(put(datastore, '/stall', '2'));
    expect(await reading).toMatchObject({
      code: 'unavailable',
      message: `read "/stall": no answer from etcd "${server.endpoint}" within 400 ms`,
    });
    expect(await writing).toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(
        /^commit transaction at "\/stall": no answer .*; whether it was carried out is unknown$/,
      ),
    });
    server.resume();
    expect((await datastore.get('/stall')).revision).toBeGreaterThan(1);
  });

  test('a half-open connection is noticed within 15 s and the watch goes on', async () => {
    const datastore = connect(server);
    const session = await openConnection(server.endpoint, {}, 3_000, new AbortController().signal);
    const stop = new AbortController();
    const { revision } = await datastore.list('/half/');
    const watch = record(datastore.watch('/half/', revision + 1, stop.signal));
    await put(datastore, '/half/a', '1');
    await until(() => watch.events.length === 1);
    server.pause();
    const pausedMs = Date.now();
    const reading = datastore.get('/half/a');
    const lost = await session.call(RANGE, encodeRange({ key: 'a' }), undefined, new AbortController().signal);
    expect(lost).toMatchObject({
      kind: 'lost',
      sent: true,
      cause: { message: `ping etcd "${server.endpoint}": no answer within 3000 ms` },
    });
    expect(session.isOpen()).toBe(false);
    expect(Date.now() - pausedMs).toBeLessThan(15_000);
    server.resume();
    expect((await reading).kv?.value).toBe('1');
    await put(datastore, '/half/a', '2');
    await until(() => watch.events.length === 2);
    expect(watch.events).toEqual(['/half/a=1', '/half/a=2']);
    stop.abort();
  }, 30_000);

  test('with two endpoints one may be dead or hang', async () => {
    const dead = `http://127.0.0.1:${await freePort()}`;
    for (const endpoints of [
      [dead, server.endpoint],
      [server.endpoint, dead],
    ])
      for (let n = 0; n < 3; n += 1) {
        const datastore = connect(server, { endpoints: async () => endpoints });
        await put(datastore, '/two', '1');
        expect((await datastore.get('/two')).kv?.value).toBe('1');
      }
    const hanging = await startEtcd();
    hanging.pause();
    const datastore = connect(server, {
      endpoints: async () => [hanging.endpoint, server.endpoint],
      connectTimeoutMs: 200,
    });
    await put(datastore, '/two', '2');
    expect((await datastore.get('/two')).kv?.value).toBe('2');
    hanging.resume();
    await hanging.stop();
  });

  test('a watch whose history is compacted while it is away says so', async () => {
    const datastore = connect(server);
    const { revision } = await datastore.list('/compact/');
    const watch = record(datastore.watch('/compact/', revision + 1, new AbortController().signal));
    await put(datastore, '/compact/a', '1');
    await until(() => watch.events.length === 1);
    await server.kill();
    await server.start();
    const reached = Number(JSON.parse(await server.ctl('put', '/compact/a', '2', '-w', 'json')).header.revision);
    await server.ctl('put', '/compact/a', '3');
    // The watch may be back before or after the compaction: then it has seen all, or is told.
    await server.ctl('compact', String(reached + 1));
    await until(() => watch.failed !== undefined || watch.events.length === 3);
    if (watch.failed !== undefined)
      expect(watch.failed).toMatchObject({
        code: expect.stringMatching(/^(not-found|conflict)$/),
      });
    else expect(watch.events).toEqual(['/compact/a=1', '/compact/a=2', '/compact/a=3']);
  });

  for (const sameId of [false, true])
    test(`a store that lost its data ends the watch${sameId ? ', even under the same cluster id' : ''}`, async () => {
      const datastore = connect(server);
      for (let n = 0; n < 3; n += 1) await put(datastore, '/wiped/a', `${n}`);
      const before = await datastore.list('/wiped/');
      const stop = new AbortController();
      const watch = record(datastore.watch('/wiped/', before.revision + 1, stop.signal, before.cluster));
      await put(datastore, '/wiped/a', 'last');
      await until(() => watch.events.length === 1);
      await server.kill();
      server.wipe({ sameId });
      await server.start();
      await watch.ended;
      expect(watch.failed).toMatchObject({
        code: 'conflict',
        message: 'watch "/wiped/": the store is another one than before',
      });
      const after = await datastore.list('/wiped/');
      expect(after.kvs).toEqual([]);
      expect(after.cluster).not.toBe(before.cluster);
    });
});

describe('etcd leases', () => {
  let server: EtcdServer;
  beforeAll(async () => {
    server = await startEtcd();
  });
  afterAll(() => server.stop());

  test('a lease lives as long as its holder keeps it, and its keys vanish after that', async () => {
    const [holder, watcher] = [connect(server), connect(server)];
    const lease = await holder.openLease(1);
    const writes = [{ kind: 'put', key: '/leased', value: '1', lease } as const];
    await holder.commit({ conditions: [], writes });
    await Bun.sleep(3_500);
    expect((await watcher.get('/leased')).kv?.value).toBe('1');
    await holder.close();
    const stop = new AbortController();
    const watch = record(watcher.watch('/leased', (await watcher.get('/leased')).revision + 1, stop.signal));
    await until(() => watch.events.length === 1);
    expect(watch.events).toEqual(['-/leased']);
    stop.abort();
  }, 15_000);
});
