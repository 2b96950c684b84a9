// The store goes away in the middle of `apply` of 10,000 resources and comes back: what was written is told from what was not.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import type { Datastore } from '../../src/datastore/port.ts';
import { type EtcdServer, startEtcd } from '../support/etcd/etcd-server.ts';
import { openStoreAt, ourProgram } from './side-by-side-programs.ts';

const COUNT = 10_000;
const PREFIX = '/calico/resources/v3/projectcalico.org/globalnetworksets/';

let server: EtcdServer;
let store: Datastore;

beforeAll(async () => {
  server = await startEtcd();
  store = await openStoreAt(server.endpoint);
});

afterAll(async () => {
  await store?.close();
  await server?.stop();
});

function setsNamed(from: number, count: number): string {
  const documents = Array.from(
    { length: count },
    (_, index) =>
      `apiVersion: projectcalico.org/v3\nkind: GlobalNetworkSet\nmetadata:\n  name: set-${from + index}\nspec:\n  nets: [10.${(from + index) % 250}.0.0/16]\n`,
  );
  return documents.join('---\n');
}

async function countStored(): Promise<number> {
  return (await store.list(PREFIX, { keysOnly: true })).kvs.length;
}

/** Resolves as soon as some, and long before all, have been written. */
async function untilUnderWay(): Promise<void> {
  for (let looks = 0; looks < 5_000; looks += 1) {
    if ((await countStored()) > 500) return;
    await Bun.sleep(1);
  }
  throw new Error('nothing was written');
}

const names = (text: string) => new Set([...text.matchAll(/GlobalNetworkSet\((set-\d+)\)/g)].map((match) => match[1]));

test('says which resources were written and which not, fails, and a second apply finishes the rest', async () => {
  const run = ourProgram(server.endpoint);
  const input = setsNamed(0, COUNT);
  const applying = run(['apply', '-f', '-'], input);
  await untilUnderWay();
  await server.kill();
  const { status, out, err } = await applying;
  await server.start();

  expect(status).toBe(1);
  const summary = /^Partial success: applied the first (\d+) out of 10000 'GlobalNetworkSet' resources:\n$/.exec(out);
  const written = Number(summary?.[1]);
  expect(written).toBeGreaterThan(0);
  expect(written).toBeLessThan(COUNT);
  const failed = names(err);
  expect(failed.size).toBe(COUNT - written);

  const stored = new Set((await store.list(PREFIX, { keysOnly: true })).kvs.map(({ key }) => key.slice(PREFIX.length)));
  for (let index = 0; index < COUNT; index += 1) {
    const name = `set-${index}`;
    if (!failed.has(name)) expect(stored.has(name)).toBe(true);
  }

  const again = await run(['apply', '-f', '-'], input);
  expect(again).toEqual({ status: 0, out: `Successfully applied ${COUNT} 'GlobalNetworkSet' resource(s)\n`, err: '' });
  expect(await countStored()).toBe(COUNT);
}, 120_000);

test('an outage of a moment is waited for, or told as one', async () => {
  const run = ourProgram(server.endpoint);
  const input = setsNamed(COUNT, COUNT);
  const applying = run(['apply', '-f', '-'], input);
  for (let looks = 0; (await countStored()) < COUNT + 500 && looks < 5_000; looks += 1) await Bun.sleep(1);
  server.pause();
  await Bun.sleep(300);
  server.resume();
  expect(await applying).toEqual({
    status: 0,
    out: `Successfully applied ${COUNT} 'GlobalNetworkSet' resource(s)\n`,
    err: '',
  });
  expect(await countStored()).toBe(2 * COUNT);
}, 120_000);
