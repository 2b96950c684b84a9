// The same documents through Calico's own calicoctl and through this one: the same JSON in the store, the same tables.
// Where OCICAT_PEERS names no folder with Calico's programs, what they answered is read from recorded/.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import type { Datastore } from '../../src/datastore/port.ts';
import { type EtcdServer, startEtcd } from '../support/etcd/etcd-server.ts';
import { type RecordedStore, type Recording, settle } from '../support/recording.ts';
import { documents } from './calico-documents.ts';
import { openSession, type Session, steady } from './session.ts';
import { openPeer, openStoreAt } from './side-by-side-programs.ts';

setDefaultTimeout(60_000);

const RESOURCES = '/calico/resources/v3/projectcalico.org/';

interface Side extends RecordedStore {
  readonly server: EtcdServer;
}

async function openSide(): Promise<Side> {
  const server = await startEtcd();
  return { server, endpoint: server.endpoint, store: await openStoreAt(server.endpoint) };
}

let theirs: Side;
let ours: Side;
let session: Session;
let peer: Recording;

beforeAll(async () => {
  [theirs, ours] = await Promise.all([openSide(), openSide()]);
  session = openSession(ours.store);
  peer = openPeer('tables');
  const taken = { status: 0, out: expect.stringContaining('Successfully applied'), err: '' };
  expect(await peer.openScene('before all', theirs)(['apply', '-f', '-'], documents)).toEqual(taken);
  const applied = await session.run('apply -f -', documents);
  expect({ ...applied, err: '' }).toEqual(taken);
});

afterAll(async () => {
  peer?.close();
  session?.close();
  for (const side of [ours, theirs]) {
    await side?.store.close();
    await side?.server.stop();
  }
});

/** Stored values by key, without what differs from run to run and from program to program. */
async function storedValues(datastore: Datastore): Promise<Readonly<Record<string, string>>> {
  const { kvs } = await datastore.list(RESOURCES);
  const values = kvs.filter(({ key }) => !key.includes('/clusterinformations/'));
  return Object.fromEntries(
    values.map(({ key, value }) => [key.slice(RESOURCES.length), settle(value).replace('"lastUpdated":null,', '')]),
  );
}

test('the same JSON is stored', async () => {
  expect(await storedValues(ours.store)).toEqual(await storedValues(theirs.store));
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

test.each(TABLES)('%s prints the same', async (line) => {
  const theirOutput = await peer.openScene(line, ours)(line.split(' '));
  const { out, err } = await session.run(line);
  // Calico ends JSON without a line break, and counts no higher than 2^63.
  expect({ out: out.trimEnd(), err }).toEqual({
    out: steady(theirOutput.out).replaceAll('9.2234e+18', '1.2089e+24').trimEnd(),
    err: theirOutput.err,
  });
});

test('what this one stores, Calico takes back', async () => {
  const calicoctl = peer.openScene('takes back', theirs);
  const shown = await session.run('get gnp security.web -o yaml --export');
  expect((await calicoctl(['apply', '-f', '-'], shown.out)).out).toBe(
    "Successfully applied 1 'GlobalNetworkPolicy' resource(s)\n",
  );
});

test('what Calico refuses is refused here too', async () => {
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
    const there = await peer.openScene(`refused: ${text}`, ours)(['apply', '-f', '-'], document);
    expect([text, here.out, here.status, there.out]).toEqual([text, '', 1, '']);
  }
});
