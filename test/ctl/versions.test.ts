import { afterEach, beforeEach, expect, test } from 'bun:test';
import { COMMIT, VERSION } from '../../src/base/version.ts';
import { openSession, type Session } from './session.ts';

const KEY = '/calico/resources/v3/projectcalico.org/clusterinformations/default';

let session: Session;
beforeEach(() => {
  session = openSession();
});
afterEach(() => session.close());

async function storeCluster(value: string): Promise<void> {
  await session.datastore.commit({ conditions: [], writes: [{ kind: 'put', key: KEY, value }] });
}

function cluster(calicoVersion: string, datastoreReady = true): string {
  const spec = { clusterGUID: 'abc', clusterType: 'rkt', calicoVersion, datastoreReady };
  return JSON.stringify({
    kind: 'ClusterInformation',
    apiVersion: 'projectcalico.org/v3',
    metadata: { name: 'default', uid: 'u', creationTimestamp: '2026-01-01T00:00:00Z' },
    spec,
  });
}

const PROFILE = 'kind: Profile\napiVersion: projectcalico.org/v3\nmetadata: {name: p}\n';

const REFUSAL = {
  status: 1,
  out: '',
  err: `version mismatch.
Client Version:   ${VERSION}
Cluster Version:  3.33.0
Use --allow-version-mismatch to override
`,
};

const CHECKED = [
  'get profiles',
  'get profiles -w',
  'apply -f -',
  'create -f -',
  'replace -f -',
  'delete profile p',
  'diff -f -',
  'patch profile p -p {}',
  'label profile p a=b',
  'edit profile p',
  'wait profile p',
  'ipam show',
  'ipam check',
  'ipam release --ip 10.0.0.1',
  'ipam configure --strictaffinity true',
  'ipam split 2 --name a',
  'datastore migrate lock',
  'datastore migrate unlock',
  'datastore migrate export',
  'datastore migrate-policy-names',
];

test.each(CHECKED)('%s refuses a cluster of another version', async (line) => {
  await storeCluster(cluster('v3.33.0-rc1'));
  const status = line.startsWith('diff') ? 2 : 1;
  expect(await session.run(line, PROFILE)).toEqual({ ...REFUSAL, status });
  const before = await session.datastore.list('/calico/');
  expect(before.kvs.map(({ key }) => key)).toEqual([KEY]);
});

test('--allow-version-mismatch goes on, and keeps the version that another program wrote', async () => {
  await storeCluster(cluster('v3.33.0'));
  expect(await session.run('apply --allow-version-mismatch -f -', PROFILE)).toEqual({
    status: 0,
    out: "Successfully applied 1 'Profile' resource(s)\n",
    err: '',
  });
  expect((await session.datastore.get(KEY)).kv?.value).toBe(cluster('v3.33.0'));
});

test.each([`v${VERSION}`, VERSION, `v${VERSION}-12-gabcdef`, ''])('version "%s" is taken', async (version) => {
  await storeCluster(cluster(version));
  expect(await session.run('get profiles')).toEqual({ status: 0, out: 'NAME\n', err: '' });
});

test('what needs no version works with any', async () => {
  await storeCluster(cluster('v3.33.0'));
  expect(await session.run('version')).toEqual({
    status: 0,
    out: `Client Version:    v${VERSION}\nGit commit:        ${COMMIT}\nCluster Version:   v3.33.0\nCluster Type:      rkt\n`,
    err: '',
  });
  expect((await session.run('validate -f -', PROFILE)).status).toBe(0);
  expect((await session.run("__complete -- get clusterinformation ''")).out).toBe('default\n');
});

test('a version that cannot be read is refused too', async () => {
  await storeCluster('{"kind":"Clust');
  expect(await session.run('get profiles')).toEqual({
    status: 1,
    out: '',
    err: expect.stringMatching(
      /^unable to get Cluster Information to verify version mismatch: .*\nUse --allow-version-mismatch to override(: .*)?\n$/,
    ),
  });
  expect((await session.run('get profiles --allow-version-mismatch')).status).toBe(0);
});

test('a new store names no version', async () => {
  await session.run('apply -f -', PROFILE);
  const { kv } = await session.datastore.get(KEY);
  expect(JSON.parse(kv?.value ?? '{}').spec).toEqual({
    clusterGUID: expect.stringMatching(/^[0-9a-f]{32}$/),
    clusterType: 'rkt',
    calicoVersion: '',
    datastoreReady: true,
  });
});

test('global flags that cannot mean anything are refused', async () => {
  expect(await session.run('get profiles --context east')).toEqual({
    status: 1,
    out: '',
    err: '--context "east": the store is etcd, not a Kubernetes cluster; choose it with --config or ETCD_ENDPOINTS\n',
  });
  expect((await session.run('version --client -l loud')).err).toBe(
    'unknown log level: loud, expected one of: panic, fatal, error, warn, info, debug\n',
  );
});

// The lock stops agents and network plugins; whoever locked the store goes on working in it, as with Calico's calicoctl.
test('a locked store takes what calicoctl writes, and stays locked', async () => {
  await storeCluster(cluster('', false));
  for (const line of [
    'create -f -',
    'apply -f -',
    'replace -f -',
    'label profile p a=b',
    'patch profile p -p {"spec":{}}',
    'delete profile p',
    'ipam configure --strictaffinity true',
  ]) {
    expect([line, await session.run(line, PROFILE)]).toEqual([line, expect.objectContaining({ status: 0, err: '' })]);
  }
  expect((await session.datastore.get(KEY)).kv?.value).toBe(cluster('', false));
});

const POOL =
  'kind: IPPool\napiVersion: projectcalico.org/v3\nmetadata: {name: a}\nspec: {cidr: 10.0.0.0/24, blockSize: 26}\n';

const DRY: readonly (readonly [line: string, out: string])[] = [
  ['apply -f -', "Successfully applied 1 'IPPool' resource(s) (dry run)\n"],
  ['replace -f -', "Successfully replaced 1 'IPPool' resource(s) (dry run)\n"],
  ['delete ippool a', "Successfully deleted 1 'IPPool' resource(s) (dry run)\n"],
  ['patch ippool a -p {"spec":{"natOutgoing":true}}', "Successfully patched 1 'IPPool' resource (dry run)\n"],
  ['label ippool a b=c', 'Successfully set label b on ippool a (dry run)\n'],
  ['ipam configure --strictaffinity true', 'Successfully set StrictAffinity to: true (dry run)\n'],
  ['datastore migrate unlock', 'Datastore unlocked. (dry run)\n'],
  ['datastore migrate lock', 'Datastore locked. (dry run)\n'],
  [
    'ipam split 2 --name a',
    'IP Pool a was successfully split into 2 smaller pools. (dry run)\nCreated split-a-0 with CIDR 10.0.0.0/25.\n' +
      'Created split-a-1 with CIDR 10.0.0.128/25.\nUnlock the store with `calicoctl datastore migrate unlock`.\n',
  ],
];

test('--dry-run of everything that changes something changes nothing', async () => {
  await session.run('apply -f -', POOL);
  await session.run('datastore migrate lock');
  const before = await session.datastore.list('/');
  for (const [line, out] of DRY) {
    expect([line, await session.run(`${line} --dry-run`, POOL)]).toEqual([line, { status: 0, out, err: '' }]);
  }
  expect((await session.run('patch ippool a --dry-run -p {"spec":{"cidr":"x"}}')).status).toBe(1);
  expect((await session.run('label ippool nosuch b=c --dry-run')).err).toBe('ippool nosuch not found\n');
  expect(await session.datastore.list('/')).toEqual(before);
});

test('diff: 0 same, 1 different, 2 failed', async () => {
  await session.run('apply -f -', POOL);
  expect((await session.run('diff -f -', POOL)).status).toBe(0);
  expect((await session.run('diff -f -', POOL.replace('name: a', 'name: b'))).status).toBe(1);
  for (const line of ['diff -f /nonexistent', 'diff', 'diff --foo', '-l debug diff --foo', 'diff -f - -c /nonexistent'])
    expect([line, (await session.run(line, 'kind: Foo\n')).status]).toEqual([line, 2]);
  expect((await session.run('diff -f -', '')).status).toBe(2);
  expect((await session.run('diff -f - --skip-empty', '')).status).toBe(0);
});
