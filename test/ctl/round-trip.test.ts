// Every kind through a real etcd: applied, shown, applied again; many writers at once; a watcher beside them.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { join } from 'node:path';
import type { Datastore } from '../../src/datastore/port.ts';
import { kinds } from '../../src/model/kinds.ts';
import { type EtcdServer, startEtcd } from '../support/etcd/etcd-server.ts';
import { openSession, type Session } from './session.ts';
import { readBaseDocuments } from './side-by-side-cases.ts';
import { openStoreAt, ourProgram } from './side-by-side-programs.ts';

const MAIN = join(import.meta.dir, '../../src/main.ts');
const FILES = join(import.meta.dir, 'walk/files');
const RESOURCES = '/calico/resources/v3/projectcalico.org/';

let etcd: EtcdServer;
let store: Datastore;
let session: Session;

beforeAll(async () => {
  etcd = await startEtcd();
  store = await openStoreAt(etcd.endpoint);
  session = openSession(store);
  for (const file of ['policies.yaml', 'filters.yaml']) {
    expect((await session.run(`apply -f ${join(FILES, file)}`)).err).toBe('');
  }
});
afterAll(async () => {
  session?.close();
  await store?.close();
  await etcd?.stop();
});

interface Named {
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
  readonly text: string;
}

function metadataOf(document: unknown): { readonly name: string; readonly namespace?: string } {
  return (document as { readonly metadata: { readonly name: string; readonly namespace?: string } }).metadata;
}

const documents = readBaseDocuments().map(({ kind, document }): Named => {
  const { name, namespace = '' } = metadataOf(document);
  return { kind, name, namespace, text: JSON.stringify(document) };
});

/** What stands in the store, with its revision. */
async function storedAt(document: Named): Promise<readonly [string, number]> {
  const plural = kinds.find((kind) => kind.name === document.kind)?.plural;
  const place = document.namespace === '' ? '' : `${document.namespace}/`;
  const { kv } = await store.get(`${RESOURCES}${plural}/${place}${document.name}`);
  return [kv?.value ?? '', kv?.modRevision ?? 0];
}

/** Some documents say what has no effect here, which is not what this is about. */
const withoutWarning = (err: string) => err.replace(/^warning: stored, and without effect here:\n(?: {2}.*\n)+/, '');

test('every kind that can be written has a document', () => {
  const written = new Set(documents.map((document) => document.kind));
  expect(kinds.filter((kind) => !kind.readOnly && !written.has(kind.name)).map((kind) => kind.name)).toEqual([]);
});

test.each(documents.map((one): [string, Named] => [`${one.kind} ${one.name}`, one]))(
  '%s: applied, shown, applied again: unchanged',
  async (_, document) => {
    const done = { status: 0, out: `Successfully applied 1 '${document.kind}' resource(s)\n`, err: '' };
    const applied = await session.run('apply -f -', document.text);
    expect({ ...applied, err: withoutWarning(applied.err) }).toEqual(done);
    const [first, revision] = await storedAt(document);
    expect(first).toStartWith(`{"kind":"${document.kind}","apiVersion":"projectcalico.org/v3",`);
    const place = document.namespace === '' ? '' : ` -n ${document.namespace}`;
    const show = `get ${document.kind} ${document.name}${place} -o`;
    for (const line of [`${show} yaml`, `${show} json`, `${show} yaml --export`]) {
      const shown = await rawOutput(line);
      expect(await session.run(`diff -f -${line.endsWith('export') ? place : ''}`, shown)).toEqual({
        status: 0,
        out: '',
        err: '',
      });
      const again = await session.run(`apply -f -${line.endsWith('export') ? place : ''}`, shown);
      expect({ ...again, err: withoutWarning(again.err) }).toEqual(done);
      expect((await storedAt(document))[0]).toBe(first);
    }
    expect(revision).toBeGreaterThan(0);
  },
);

/** As it is printed, uids and revisions and all. */
async function rawOutput(line: string): Promise<string> {
  const { out, status } = await ourProgram(etcd.endpoint)(line.split(' '));
  expect([line, status]).toEqual([line, 0]);
  return out;
}

test('all of a kind as a list, applied again: unchanged', async () => {
  for (const kind of kinds.filter((one) => !one.readOnly)) {
    const all = kind.namespaced ? ' -A' : '';
    const before = await store.list(`${RESOURCES}${kind.plural}/`);
    const result = await session.run('apply -f -', await rawOutput(`get ${kind.plural}${all} -o yaml`));
    expect([kind.name, result.status, withoutWarning(result.err)]).toEqual([kind.name, 0, '']);
    const after = await store.list(`${RESOURCES}${kind.plural}/`);
    expect(after.kvs.map(({ value }) => value)).toEqual(before.kvs.map(({ value }) => value));
  }
});

test('a document with the revision of an earlier state is refused', async () => {
  await session.run('apply -f -', 'kind: Tier\napiVersion: projectcalico.org/v3\nmetadata: {name: late}\n');
  const early = await rawOutput('get tier late -o yaml');
  await session.run('label tier late a=b');
  const refused = await session.run('apply -f -', early);
  expect([refused.status, refused.out]).toEqual([1, '']);
  expect(refused.err).toContain('update conflict: Tier(late)');
  expect((await session.run('get tier late -o jsonpath={.metadata.labels.a}')).out).toBe('b\n');
});

const LABELS = 12;

/** A process of its own that labels and patches one profile again and again. */
function startWriter(name: string): Bun.Subprocess<'ignore', 'ignore', 'pipe'> {
  const calicoctl = `'${process.execPath}' '${MAIN}' calicoctl`;
  const patch = `'{"metadata":{"annotations":{"${name}-'$i'":"x"}}}'`;
  const script = `set -e; for i in $(seq ${LABELS}); do ${calicoctl} label profile busy ${name}-$i=x; ${calicoctl} patch profile busy -p ${patch}; done`;
  return Bun.spawn(['bash', '-c', script], {
    env: { PATH: process.env.PATH ?? '', ETCD_ENDPOINTS: etcd.endpoint },
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'pipe',
    timeout: 60_000,
  });
}

test('two processes change one resource many times: nothing is lost', async () => {
  await session.run('apply -f -', 'kind: Profile\napiVersion: projectcalico.org/v3\nmetadata: {name: busy}\n');
  const writers = [startWriter('one'), startWriter('two')];
  const ended = await Promise.all(
    writers.map(async (writer) => [await new Response(writer.stderr).text(), await writer.exited]),
  );
  expect(ended).toEqual([
    ['', 0],
    ['', 0],
  ]);
  const key = `${RESOURCES}profiles/busy`;
  const { labels, annotations } = JSON.parse((await store.get(key)).kv?.value ?? '').metadata;
  const wanted = ['one', 'two'].flatMap((name) => Array.from({ length: LABELS }, (_, index) => `${name}-${index + 1}`));
  expect(Object.keys(labels).sort()).toEqual([...wanted].sort());
  expect(Object.keys(annotations).sort()).toEqual([...wanted].sort());
  const { kvs } = JSON.parse(await etcd.ctl('get', key, '-w', 'json'));
  expect(kvs[0].version).toBe(1 + 4 * LABELS); // Every change was one write, and none was written over.
}, 90_000);

test('ten writers at one moment: nothing is lost', async () => {
  await session.run('apply -f -', 'kind: Profile\napiVersion: projectcalico.org/v3\nmetadata: {name: crowd}\n');
  const names = Array.from({ length: 10 }, (_, index) => `w${index}`);
  const results = await Promise.all(names.map((name) => session.run(`label profile crowd ${name}=x`)));
  expect(results.map(({ status }) => status)).toEqual(names.map(() => 0));
  const value = JSON.parse((await store.get(`${RESOURCES}profiles/crowd`)).kv?.value ?? '');
  expect(Object.keys(value.metadata.labels).sort()).toEqual(names);
});

test('a watcher sees what is added, changed and deleted, also after the store was away', async () => {
  const set = (net: string, name = 'watched') =>
    `kind: GlobalNetworkSet\napiVersion: projectcalico.org/v3\nmetadata: {name: ${name}}\nspec: {nets: [${net}]}\n`;
  await session.run('apply -f -', set('10.0.0.0/16', 'standing'));
  let out = '';
  const seen = async (text: string) => {
    for (let attempt = 0; attempt < 500 && !out.includes(text); attempt++) await Bun.sleep(20);
    expect(out).toContain(text);
  };
  const watching = Bun.spawn([process.execPath, MAIN, 'calicoctl', 'get', 'globalnetworksets', '-w', '-o', 'wide'], {
    env: { PATH: process.env.PATH ?? '', ETCD_ENDPOINTS: etcd.endpoint },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'inherit',
  });
  const reading = (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of watching.stdout) out += decoder.decode(chunk, { stream: true });
  })();
  try {
    await seen('standing');
    await session.run('apply -f -', set('10.1.0.0/16'));
    await seen('10.1.0.0/16\n');
    await session.run('apply -f -', set('10.2.0.0/16'));
    await seen('10.2.0.0/16\n');
    await etcd.kill();
    await etcd.start();
    expect((await session.run('apply -f -', set('10.3.0.0/16'))).err).toBe('');
    await seen('10.3.0.0/16\n');
    await session.run('delete globalnetworkset watched');
    await seen('(deleted)\n');
  } finally {
    watching.kill('SIGINT');
  }
  expect(await watching.exited).toBe(0);
  await reading;
  expect(out.split('\n').filter((line) => line.startsWith('watched')).length).toBe(4);
}, 60_000);
