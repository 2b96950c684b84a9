// The same documents through Calico's own calicoctl and through this one: the same JSON in the store, the same tables.
// Runs when OCICAT_PEERS names a folder with Calico's programs; without it the tests say that they were skipped.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import { join } from 'node:path';
import { parseDatastoreConfig } from '../../src/datastore/config.ts';
import { openDatastore } from '../../src/datastore/open.ts';
import type { Datastore } from '../../src/datastore/port.ts';
import { type EtcdServer, startEtcd } from '../store/etcd-server.ts';
import { documents } from './calico-documents.ts';
import { openSession, type Session, steady } from './session.ts';

setDefaultTimeout(60_000);

const peers = process.env.OCICAT_PEERS;
const compare = test.skipIf(peers === undefined);
const RESOURCES = '/calico/resources/v3/projectcalico.org/';

let theirs: EtcdServer;
let ours: EtcdServer;
let store: Datastore;
let theirStore: Datastore;
let session: Session;

function openAt(endpoint: string): Promise<Datastore> {
  return openDatastore(parseDatastoreConfig({ kind: 'environment', environment: { ETCD_ENDPOINTS: endpoint } }));
}

function runCalico(
  endpoint: string,
  words: readonly string[],
  input = '',
): { readonly out: string; readonly err: string } {
  const result = Bun.spawnSync([join(peers ?? '', 'calicoctl'), ...words], {
    env: { DATASTORE_TYPE: 'etcdv3', ETCD_ENDPOINTS: endpoint },
    stdin: Buffer.from(input),
  });
  return { out: result.stdout.toString(), err: result.stderr.toString() };
}

beforeAll(async () => {
  if (peers === undefined) return;
  [theirs, ours] = await Promise.all([startEtcd(), startEtcd()]);
  [theirStore, store] = await Promise.all([openAt(theirs.endpoint), openAt(ours.endpoint)]);
  session = openSession(store);
  expect(runCalico(theirs.endpoint, ['apply', '-f', '-'], documents)).toEqual({
    out: expect.stringContaining('Successfully applied'),
    err: '',
  });
  const applied = await session.run('apply -f -', documents);
  expect([applied.out, applied.err]).toEqual([expect.stringContaining('Successfully applied'), '']);
});

afterAll(async () => {
  await Promise.all([store?.close(), theirStore?.close()]);
  await Promise.all([theirs?.stop(), ours?.stop()]);
  session?.close();
});

/** Stored values by key, without what differs from run to run and from program to program. */
async function storedValues(datastore: Datastore): Promise<Readonly<Record<string, string>>> {
  const { kvs } = await datastore.list(RESOURCES);
  const values = kvs.filter(({ key }) => !key.includes('/clusterinformations/'));
  return Object.fromEntries(
    values.map(({ key, value }) => [
      key.slice(RESOURCES.length),
      value
        .replace(/"uid":"[^"]*"/, '"uid":""')
        .replace(/"creationTimestamp":"[^"]*"/, '"creationTimestamp":""')
        .replace('"lastUpdated":null,', ''),
    ]),
  );
}

compare('the same JSON is stored', async () => {
  expect(await storedValues(store)).toEqual(await storedValues(theirStore));
});

const TABLES = [
  ...[
    'get bgpconfig',
    'get bgpconfig -o wide',
    'get bgppeers',
    'get nodestatus',
    'get felixconfig',
    'get felixconfig -o wide',
  ],
  ...['get gnp', 'get gnp -o wide', 'get np', 'get np -A', 'get np -n shop -o wide', 'get sgnp', 'get snp -A -o wide'],
  ...['get gnetsets', 'get gnetsets -o wide', 'get netsets', 'get netsets -A -o wide', 'get hep', 'get hep -o wide'],
  ...[
    'get ippool',
    'get ippool -o wide',
    'get reservation',
    'get reservation -o wide',
    'get nodes',
    'get nodes -o wide',
  ],
  ...[
    'get tier',
    'get wep',
    'get wep -A',
    'get profile network1 -o yaml',
    'get gnp -o yaml',
    'get np -A -o json',
    'get ippool pool4 -o json',
  ],
  ...[
    'get ippool pool4 pool6 -o yaml',
    'get felixconfig default -o yaml',
    'get nodes -o custom-columns=NAME,ASN',
    'get wep -o yaml',
  ],
  ...[
    'get bgpfilter f1 -o yaml',
    'ipam show',
    'ipam show --show-blocks',
    'ipam show --ip 10.88.0.1',
    'ipam show --show-borrowed',
  ],
];

compare.each(TABLES)('%s prints the same', async (line) => {
  const theirOutput = runCalico(ours.endpoint, line.split(' '));
  const { out, err } = await session.run(line);
  // Calico ends JSON without a line break, and counts no higher than 2^63.
  expect({ out: out.trimEnd(), err }).toEqual({
    out: steady(theirOutput.out).replaceAll('9.2234e+18', '1.2089e+24').trimEnd(),
    err: theirOutput.err,
  });
});

compare('what this one stores, Calico takes back', async () => {
  const shown = await session.run('get gnp security.web -o yaml --export');
  expect(runCalico(theirs.endpoint, ['apply', '-f', '-'], shown.out).out).toBe(
    "Successfully applied 1 'GlobalNetworkPolicy' resource(s)\n",
  );
});

compare('what Calico refuses is refused here too', async () => {
  const wrong = [
    'kind: GlobalNetworkPolicy\nspec: {ingress: [{action: foo}]}',
    'kind: Profile\nspec: {ingress: [{action: Allow, source: {ports: [80]}}]}',
    'kind: Profile\nspec: {ingress: [{action: Allow, source: {nets: [10.0.0.1]}}]}',
    'kind: Profile\nspec: {foo: 1}',
    'kind: GlobalNetworkPolicy\nspec: {selector: "a == b"}',
    'kind: GlobalNetworkPolicy\nspec: {preDNAT: true}',
    'kind: GlobalNetworkPolicy\nspec: {tier: nosuch}',
    'kind: IPPool\nspec: {cidr: 10.0.0.1/16}',
    'kind: IPPool\nspec: {cidr: 10.88.1.0/24}',
    'kind: IPPool\nspec: {cidr: 10.1.0.0/16, ipipMode: Always, vxlanMode: Always}',
    'kind: BGPPeer\nspec: {peerIP: 10.0.0.1, peerSelector: all()}',
    'kind: BGPPeer\nspec: {peerIP: 10.0.0.1, asNumber: 1, filters: [nosuch]}',
    'kind: HostEndpoint\nspec: {interfaceName: eth0}',
    'kind: HostEndpoint\nspec: {node: n}',
    'kind: Node\nspec: {bgp: {}}',
    'kind: BGPConfiguration\nspec: {asNumber: 1}',
    'kind: Tier\nspec: {defaultAction: Allow}',
  ];
  for (const text of wrong) {
    const document = `apiVersion: projectcalico.org/v3\nmetadata: {name: wrong}\n${text}\n`;
    const here = await session.run('apply -f -', document);
    const there = runCalico(ours.endpoint, ['apply', '-f', '-'], document);
    expect([text, here.out, here.status, there.out]).toEqual([text, '', 1, '']);
  }
});
