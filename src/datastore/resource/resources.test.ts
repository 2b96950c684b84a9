import { describe, expect, test } from 'bun:test';
import { openMemoryDatastore } from '../../../test/support/datastore/memory.ts';
import type { Resource } from '../../model/meta/resource.ts';
import type { Datastore } from '../port.ts';
import { parseStoredResource, type StoredResource } from './resource-codec.ts';
import {
  applyMany,
  createMany,
  createResource,
  deleteMany,
  deleteResource,
  getResource,
  listResources,
  type ResourceEvent,
  type ResourceOutcome,
  type SystemFields,
  updateMany,
  updateResource,
  watchResources,
} from './resources.ts';

const systemFields: SystemFields = { uid: () => 'uid-1', now: () => new Date('2026-11-23T11:18:07.938Z') };

function pool(name: string, spec: object = { cidr: '10.77.0.0/16' }, metadata: object = {}): Resource {
  return { kind: 'IPPool', apiVersion: 'projectcalico.org/v3', metadata: { name, ...metadata }, spec };
}

function summaries(outcomes: readonly ResourceOutcome[]): readonly string[] {
  return outcomes.map((outcome) =>
    outcome.kind === 'failed'
      ? `${outcome.error.code} ${outcome.error.message}`
      : `${outcome.created ? 'created' : 'wrote'} ${outcome.resource.metadata.name}@${outcome.resource.metadata.resourceVersion}`,
  );
}

async function raw(store: Datastore, key: string): Promise<string | undefined> {
  return (await store.get(key)).kv?.value;
}

const P = '/calico/resources/v3/projectcalico.org/ippools';

describe('one resource', () => {
  test('is stored as Calico stores it: field order, labels sorted, no revision, exact integers', async () => {
    const store = openMemoryDatastore();
    const created = await createResource(
      store,
      {
        spec: { order: 2n ** 63n - 1n, tier: 'default' },
        metadata: {
          annotations: { 'projectcalico.org/metadata': '{"name":"db"}' },
          labels: { b: '2', a: '1' },
          namespace: 'shop',
          name: 'db',
        },
        apiVersion: 'projectcalico.org/v3',
        kind: 'NetworkPolicy',
      },
      undefined,
      systemFields,
    );
    expect(created.metadata.resourceVersion).toBe('2');
    expect(await raw(store, '/calico/resources/v3/projectcalico.org/networkpolicies/shop/db')).toBe(
      '{"kind":"NetworkPolicy","apiVersion":"projectcalico.org/v3","metadata":{"name":"db","namespace":"shop",' +
        '"uid":"uid-1","creationTimestamp":"2026-11-23T11:18:07Z","labels":{"a":"1","b":"2"},' +
        '"annotations":{"projectcalico.org/metadata":"{\\"name\\":\\"db\\"}"}},' +
        '"spec":{"order":9223372036854775807,"tier":"default"}}',
    );
    expect(await getResource(store, { kind: 'NetworkPolicy', namespace: 'shop', name: 'db' })).toEqual(created);
  });

  test('gets a random uid and the present time when nobody says otherwise', async () => {
    const { metadata } = await createResource(openMemoryDatastore(), pool('a'));
    expect(metadata.uid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(metadata.creationTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(Math.abs(Date.parse(metadata.creationTimestamp ?? '') - Date.now())).toBeLessThan(5_000);
  });

  test('is created once', async () => {
    const store = openMemoryDatastore();
    await createResource(store, pool('a'));
    await expect(createResource(store, pool('a'))).rejects.toMatchObject({
      code: 'already-exists',
      message: 'resource already exists: IPPool(a)',
    });
    await expect(createResource(store, pool('b', {}, { resourceVersion: '7' }))).rejects.toMatchObject({
      code: 'invalid',
      message: 'create IPPool(b): it has a resourceVersion, wanted none',
    });
  });

  test('is updated when the revision stands, and keeps its uid and creation time', async () => {
    const store = openMemoryDatastore();
    const first = await createResource(store, pool('a'), undefined, systemFields);
    const lie = { ...first.metadata, uid: 'other', creationTimestamp: '1999-01-01T00:00:00Z' };
    const second = await updateResource(store, { ...first, metadata: lie, spec: { cidr: '10.0.0.0/8' } });
    expect(second).toEqual({
      kind: 'IPPool',
      apiVersion: 'projectcalico.org/v3',
      metadata: { name: 'a', uid: 'uid-1', creationTimestamp: '2026-11-23T11:18:07Z', resourceVersion: '3' },
      spec: { cidr: '10.0.0.0/8' },
    });
    await expect(updateResource(store, first)).rejects.toMatchObject({
      code: 'conflict',
      message: 'update conflict: IPPool(a)',
    });
    await expect(updateResource(store, pool('b'))).rejects.toMatchObject({
      code: 'not-found',
      message: 'resource does not exist: IPPool(b)',
    });
    await expect(updateResource(store, pool('a', {}, { resourceVersion: '3x' }))).rejects.toMatchObject({
      code: 'invalid',
      message: 'read resourceVersion "3x" of IPPool(a): wanted a positive integer',
    });
  });

  test('is deleted, if wanted only at its revision, and handed back', async () => {
    const store = openMemoryDatastore();
    const created = await createResource(store, pool('a'));
    await expect(deleteResource(store, { kind: 'IPPool', name: 'a', resourceVersion: '9' })).rejects.toMatchObject({
      code: 'conflict',
    });
    expect(await deleteResource(store, { kind: 'IPPool', name: 'a' })).toEqual(created);
    await expect(deleteResource(store, { kind: 'IPPool', name: 'a' })).rejects.toMatchObject({ code: 'not-found' });
    await expect(getResource(store, { kind: 'IPPool', name: 'a' })).rejects.toMatchObject({
      code: 'not-found',
      message: 'resource does not exist: IPPool(a)',
    });
  });

  test('needs a namespace if its kind has one, and only then', async () => {
    const store = openMemoryDatastore();
    await expect(createResource(store, pool('a', {}, { namespace: 'x' }))).rejects.toThrow(
      'name IPPool "a": it has namespace "x", wanted none',
    );
    await expect(getResource(store, { kind: 'NetworkSet', name: 'a' })).rejects.toThrow(
      'name NetworkSet "a": it has no namespace, wanted one',
    );
    await expect(getResource(store, { kind: 'Pod', name: 'a' })).rejects.toThrow('name kind "Pod": unknown');
  });
});

describe('values that are no resources', () => {
  const pooled = (rest: string) => `{"kind":"IPPool","apiVersion":"projectcalico.org/v3","metadata":${rest}}`;
  const values: readonly (readonly [string, string])[] = [
    ['x', 'its value is not JSON'],
    ['[]', 'its value is no JSON object'],
    ['{"kind":"Node","metadata":{"name":"a"}}', 'kind is "Node", wanted "IPPool"'],
    ['{"kind":"IPPool","metadata":{"name":"a"}}', 'apiVersion is missing, wanted "projectcalico.org/v3"'],
    ['{"kind":"IPPool","apiVersion":"v"}', 'apiVersion is "v", wanted "projectcalico.org/v3"'],
    [pooled('[]'), 'metadata is no object'],
    [pooled('{"name":"b"}'), 'metadata.name is "b"'],
    [pooled('{"name":"a","namespace":"x"}'), 'metadata.namespace is "x"'],
    [pooled('{"name":"a","uid":7}'), 'metadata.uid is no string'],
    [pooled('{"name":"a","labels":{"a":1}}'), 'metadata.labels is no map of strings'],
    [pooled('{"name":"a"},"spec":[]'), 'spec is no object'],
  ];
  for (const [value, message] of values)
    test(message, () => {
      const read = () => parseStoredResource({ key: `${P}/a`, value, modRevision: 2 });
      expect(read).toThrow(`read resource "${P}/a": ${message}`);
    });

  test('are listed apart, and can be replaced and deleted', async () => {
    const store = openMemoryDatastore();
    await createResource(store, pool('good'));
    for (const key of [`${P}/bad`, `${P}/worse`])
      await store.commit({ conditions: [], writes: [{ kind: 'put', key, value: '{' }] });
    const listing = await listResources(store, 'IPPool');
    expect(listing.resources.map(({ metadata }) => metadata.name)).toEqual(['good']);
    expect(listing.unreadable.map(({ code, message }) => `${code} ${message}`)).toEqual([
      `corrupt read resource "${P}/bad": its value is not JSON`,
      `corrupt read resource "${P}/worse": its value is not JSON`,
    ]);
    expect(summaries(await updateMany(store, [pool('bad')]))).toEqual(['wrote bad@5']);
    expect(summaries(await deleteMany(store, [{ kind: 'IPPool', name: 'worse' }]))).toEqual(['wrote worse@4']);
    expect((await listResources(store, 'IPPool')).resources.length).toBe(2);
  });
});

describe('many resources', () => {
  const many = (count: number) => Array.from({ length: count }, (_, at) => pool(`pool-${at}`));

  test('are created in few transactions, with an outcome each', async () => {
    const store = openMemoryDatastore();
    await createResource(store, pool('pool-130'));
    const outcomes = summaries(await createMany(store, many(300)));
    expect(outcomes.length).toBe(300);
    expect(outcomes[130]).toBe('already-exists resource already exists: IPPool(pool-130)');
    expect(outcomes.filter((summary) => summary.startsWith('created')).length).toBe(299);
    expect((await store.list(P)).revision).toBe(2 + 3);
  });

  test('are applied: created, replaced, refused; one bad item harms no other', async () => {
    const store = openMemoryDatastore();
    await createResource(store, pool('old'), undefined, systemFields);
    const outcomes = await applyMany(
      store,
      [
        pool('old', { cidr: '10.1.0.0/16' }),
        pool('new'),
        pool('a/b'),
        pool('huge', { text: 'x'.repeat(2_000_000) }),
        pool('gone', {}, { resourceVersion: '2' }),
        pool('old', {}, { resourceVersion: '2' }),
      ],
      undefined,
      { ...systemFields, uid: () => 'uid-2' },
    );
    expect(summaries(outcomes)).toEqual([
      'wrote old@4',
      'created new@4',
      'invalid name "a/b": it is empty or has a slash, and no resource is called so',
      expect.stringMatching(/^invalid commit transaction: 2000\d\d\d bytes, at most 1572864 fit$/),
      'created gone@3',
      'conflict update conflict: IPPool(old)',
    ]);
    const uids = (await listResources(store, 'IPPool')).resources.map(({ metadata }) => metadata.uid);
    expect(uids).toEqual(['uid-2', 'uid-2', 'uid-1']);
  });

  test('that name one key twice are written one after the other', async () => {
    const store = openMemoryDatastore();
    expect(summaries(await applyMany(store, [pool('a', { n: 1 }), pool('b'), pool('a', { n: 2 })]))).toEqual([
      'created a@2',
      'created b@2',
      'wrote a@3',
    ]);
    expect((await getResource(store, { kind: 'IPPool', name: 'a' })).spec).toEqual({ n: 2 });
  });

  test('fail each with the reason when the store is away', async () => {
    const store = openMemoryDatastore();
    store.setAvailable(false);
    const outcomes = await createMany(store, many(200));
    expect(new Set(summaries(outcomes))).toEqual(
      new Set(['unavailable reach datastore "memory": it has been made unavailable']),
    );
    expect(outcomes.length).toBe(200);
  });

  test('concurrent updates without a revision all land, one after the other', async () => {
    const store = openMemoryDatastore();
    await createResource(store, pool('a'));
    const updates = Array.from({ length: 20 }, (_, n) => updateMany(store, [pool('a', { n })]));
    expect(
      (await Promise.all(updates)).flatMap(summaries).filter((summary) => summary.startsWith('wrote')).length,
    ).toBe(20);
    expect((await store.list(P)).revision).toBe(2 + 20);
  });
});

test('a watch tells of resources set and removed, and of values that cannot be read', async () => {
  const store = openMemoryDatastore();
  const { revision, cluster } = await listResources(store, 'IPPool');
  const stop = new AbortController();
  const events = watchResources(store, 'IPPool', undefined, { revision: revision + 1, cluster }, stop.signal);
  const created: StoredResource = await createResource(store, pool('a'));
  await store.commit({ conditions: [], writes: [{ kind: 'put', key: `${P}/bad`, value: '{' }] });
  await deleteResource(store, { kind: 'IPPool', name: 'a' });
  const seen: ResourceEvent[] = [];
  for await (const batch of events) {
    seen.push(...batch);
    if (seen.length >= 3) stop.abort();
  }
  expect(seen).toEqual([
    { kind: 'set', resource: created },
    { kind: 'unreadable', error: expect.objectContaining({ code: 'corrupt' }) },
    { kind: 'removed', name: { kind: 'IPPool', namespace: undefined, name: 'a' }, modRevision: 4 },
  ]);
});
