// One member of three is restored from a snapshot by itself, which etcd takes without a word: it has other revisions than the
// others from then on, and may have other content. Whoever follows by way of it, or of another one after it, notices.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { openEtcd } from '../../src/datastore/etcd/client.ts';
import { openSync } from '../../src/datastore/sync/sync.ts';
import { type EtcdCluster, type MemberName, startCluster } from '../support/etcd/etcd-cluster.ts';

const NOTICE_MS = 15_000;
let cluster: EtcdCluster;

beforeAll(async () => {
  cluster = await startCluster();
}, 30_000);

afterAll(async () => {
  await cluster.stop();
});

/** Follows /a/ by way of one member at a time. */
function follow(first: MemberName) {
  let member = first;
  const stop = new AbortController();
  const datastore = openEtcd({ endpoints: async () => [cluster.endpointOf(member)] });
  const content = new Map<string, string>();
  let replaced = 0;
  const following = (async () => {
    for await (const message of openSync(datastore, ['/a/'], stop.signal)) {
      if (message.kind === 'replaced') replaced += 1;
      if (message.kind !== 'updates') continue;
      for (const { key, value } of message.updates) value === undefined ? content.delete(key) : content.set(key, value);
    }
  })();
  return {
    content,
    replaced: () => replaced,
    use: (next: MemberName) => {
      member = next;
    },
    async close() {
      stop.abort();
      await following;
      await datastore.close();
    },
  };
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + NOTICE_MS;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`${what}: not within ${NOTICE_MS} ms`);
    await Bun.sleep(50);
  }
}

/** What a member has, as `key=value`. */
async function contentOf(name: MemberName): Promise<string> {
  const lines = (await cluster.ctl(name, 'get', '--prefix', '/a/')).split('\n');
  return lines.map((line, index) => (index % 2 === 0 ? line : `=${line} `)).join('');
}

const revisionOf = async (name: MemberName) =>
  Number(/"revision":(\d+)/.exec(await cluster.ctl(name, 'get', '/', '-w', 'json'))?.[1]);

/** The restored member carries out all writes again, and finds that this condition does not hold any more. */
async function putWhere(condition: string, key: string, value: string): Promise<void> {
  const child = Bun.spawn(['etcdctl', '--endpoints', cluster.endpointOf('m2'), 'txn'], {
    env: { ...process.env, ETCDCTL_API: '3' },
    stdin: new Blob([`${condition}\n\nput ${key} ${value}\n\n\n\n`]),
    stdout: 'ignore',
  });
  expect(await child.exited).toBe(0);
}

test('a restore of one member of three is noticed by who follows it, and by who follows another one after it', async () => {
  const put = (key: string, value: string) => cluster.ctl('m2', 'put', key, value);
  const follower = follow('m2');
  const seen = () =>
    [...follower.content]
      .sort()
      .map(([key, value]) => `${key}=${value} `)
      .join('');
  await put('/a/kept', '1');
  await put('/a/once', '1');
  const snapshot = await cluster.snapshot('m1');
  await cluster.ctl('m2', 'del', '/a/once');
  await putWhere('mod("/a/kept") = "2"', '/a/later', '1');
  await put('/a/kept', '2');
  await until('the content', async () => seen() === (await contentOf('m2')));
  expect(follower.replaced()).toBe(0);

  // a leader that remembers how far the member had come would end it with a panic
  for (const name of ['m1', 'm2', 'm3'] as const) await cluster.kill(name);
  await cluster.restore('m1', snapshot);
  await cluster.start('m1', 'm2', 'm3');
  await until('the content again', async () => seen() === (await contentOf('m2')));
  expect(follower.replaced()).toBe(0);
  await until('the restored member to have all', async () => (await contentOf('m1')) !== '');
  expect(await revisionOf('m1')).not.toBe(await revisionOf('m2'));
  expect(await contentOf('m1')).not.toBe(await contentOf('m2'));

  follower.use('m1');
  await cluster.kill('m2');
  await until('the restored member to be noticed', () => follower.replaced() === 1);
  await until('its content', async () => seen() === (await contentOf('m1')));

  await cluster.start('m2');
  follower.use('m2');
  await cluster.kill('m1');
  await until('the others to be noticed', () => follower.replaced() === 2);
  await until('their content', async () => seen() === (await contentOf('m2')));
  await put('/a/kept', '3');
  await until('what comes then', async () => seen().includes('/a/kept=3'));
  await follower.close();
}, 90_000);
