import { expect, test } from 'bun:test';
import { openMemoryDatastore } from '../../../test/support/datastore/memory.ts';
import { isOcicatError } from '../../base/errors.ts';
import { assignExact } from '../../blocks/assign.ts';
import { attributeAt, createBlock, heldOrdinals } from '../../blocks/block.ts';
import { parseBlock, printBlock } from '../../blocks/block-json.ts';
import { printKey } from '../../datastore/keys.ts';
import type { Datastore } from '../../datastore/port.ts';
import { DEFAULT_SETTINGS } from '../../datastore/resource/default-settings.ts';
import { initialiseDatastore } from '../../datastore/resource/initialise.ts';
import { holderKey, printHolder } from '../../datastore/resource/node-holder.ts';
import { createResource } from '../../datastore/resource/resources.ts';
import { API_VERSION } from '../../model/meta/resource.ts';
import { parseCidr } from '../../net/cidr.ts';
import { parseIp } from '../../net/ip.ts';
import { isLocked } from '../store/datastore-lock.ts';
import { checkMove, type MovedStores, moveContent } from './content.ts';

const { signal } = new AbortController();
const BLOCK = '192.168.7.0/26';

async function put(store: Datastore, key: string, value: string): Promise<void> {
  await store.commit({ conditions: [], writes: [{ kind: 'put', key, value }] });
}

async function create(store: Datastore, kind: string, name: string, spec: unknown, namespace?: string): Promise<void> {
  await createResource(store, { kind, apiVersion: API_VERSION, metadata: { name, namespace }, spec });
}

function blockOf(host: string, holders: Readonly<Record<string, string>>): string {
  let block = createBlock(parseCidr(BLOCK), host, 1);
  for (const [address, handleId] of Object.entries(holders)) {
    const outcome = assignExact(block, parseIp(address), { handleId, secondary: { node: host } });
    if (outcome.kind === 'assigned') block = outcome.block;
  }
  return printBlock(block);
}

const blockKey = printKey({ kind: 'block', cidr: BLOCK });
const affinityKey = (name: string) => printKey({ kind: 'affinity', owner: { kind: 'host', name }, cidr: BLOCK });
const handleKey = (handleId: string) => printKey({ kind: 'handle', handleId });
const holderOf = (hostname: string) =>
  printHolder({ machine: hostname, boot: 'x', network: 'net:[1]', instance: hostname, hostname, since: 'now' });

async function fillHost(store: Datastore, node: string, address: string, holders: Readonly<Record<string, string>>) {
  await initialiseDatastore(store);
  await create(store, 'Node', node, { bgp: { ipv4Address: `${address}/24` } });
  await create(store, 'IPPool', 'default-ipv4-ippool', {
    cidr: '192.168.0.0/16',
    blockSize: 26,
    nodeSelector: 'all()',
  });
  for (const { kind, name, spec } of DEFAULT_SETTINGS) await create(store, kind, name, spec);
  await create(store, 'Profile', 'net1', { ingress: [{ action: 'Allow' }] });
  await put(store, blockKey, blockOf(node, holders));
  await put(store, affinityKey(node), '{"state":"confirmed","deleted":false}');
  for (const handle of Object.values(holders))
    await put(store, handleKey(handle), `{"block":{"${BLOCK}":1},"deleted":false}`);
  for (const part of ['agent', 'host'] as const) await put(store, holderKey(node, part), holderOf(node));
}

async function openStores(): Promise<MovedStores> {
  const own = openMemoryDatastore();
  await fillHost(own, 'a', '10.0.0.1', { '192.168.7.1': 'net1.pod-a' });
  return { own, cluster: openMemoryDatastore() };
}

/** What stands in a store, but for revisions. */
async function dump(store: Datastore): Promise<Readonly<Record<string, string>>> {
  const { kvs } = await store.list('');
  return Object.fromEntries(kvs.map(({ key, value }) => [key, value]));
}

async function conflictsOf(stores: MovedStores): Promise<readonly string[]> {
  try {
    await checkMove(stores, signal);
    return [];
  } catch (error) {
    if (!isOcicatError(error, 'already-exists')) throw error;
    return error.message.split('\n  ').slice(1);
  }
}

test('an empty cluster has all that the machine had, unlocked, and the machine’s own store is locked', async () => {
  const stores = await openStores();
  const before = await dump(stores.own);
  await moveContent(stores, signal);
  const holders = Object.keys(before).filter((key) => key.includes('/ocicat/'));
  expect(holders).toHaveLength(2);
  const wanted = Object.fromEntries(Object.entries(before).filter(([key]) => !holders.includes(key)));
  expect(await dump(stores.cluster)).toEqual(wanted);
  expect([await isLocked(stores.own, signal), await isLocked(stores.cluster, signal)]).toEqual([true, false]);
});

test('a cluster with another host keeps what it has, and gets the rest; addresses of one block come together', async () => {
  const stores = await openStores();
  await fillHost(stores.cluster, 'b', '10.0.0.2', { '192.168.7.2': 'net1.pod-b' });
  const theirs = await dump(stores.cluster);
  await create(stores.own, 'GlobalNetworkPolicy', 'mine', { order: 1 });
  await moveContent(stores, signal);
  const { [blockKey]: merged = '', ...rest } = await dump(stores.cluster);
  const { [blockKey]: _, ...standing } = theirs;
  expect(rest).toMatchObject(standing);
  const block = parseBlock(merged);
  expect(heldOrdinals(block).map((ordinal) => attributeAt(block, ordinal)?.handleId)).toEqual([
    'net1.pod-a',
    'net1.pod-b',
  ]);
  expect(block.affinity).toBe('host:b');
  const added = Object.keys(rest).filter((key) => !Object.hasOwn(standing, key));
  expect(added.map((key) => key.split('/').slice(-2).join('/')).sort()).toEqual([
    'globalnetworkpolicies/mine',
    'handle/net1.pod-a',
    'nodes/a',
  ]);
});

test('what cannot be both is refused as a whole, with every conflict named, and nothing is locked or written', async () => {
  const stores = await openStores();
  const { own, cluster } = stores;
  await fillHost(cluster, 'b', '10.0.0.1', { '192.168.7.1': 'net1.other' });
  await put(cluster, holderKey('a', 'host'), holderOf('c'));
  await create(own, 'IPPool', 'mine', { cidr: '10.1.0.0/16' });
  await create(cluster, 'IPPool', 'theirs', { cidr: '10.0.0.0/8' });
  await create(own, 'GlobalNetworkPolicy', 'p', { order: 1, ingress: [{ action: 'Deny' }] });
  await create(cluster, 'GlobalNetworkPolicy', 'p', { order: 1, ingress: [{ action: 'Allow' }] });
  await create(own, 'NetworkPolicy', 'q', { order: 1 }, 'default');
  await create(cluster, 'NetworkPolicy', 'q', { order: 1, selector: 'all()' }, 'default');
  await put(own, handleKey('x'), '{"block":{"192.168.9.0/26":1}}');
  await put(cluster, handleKey('x'), '{"block":{"192.168.9.0/26":2}}');
  await put(own, printKey({ kind: 'ipam-config' }), '{"strictAffinity":true}');
  await put(cluster, printKey({ kind: 'ipam-config' }), '{"strictAffinity":false}');
  const before = [await dump(own), await dump(cluster)];
  expect([...(await conflictsOf(stores))].sort()).toEqual([
    '"/calico/ipam/v2/config" is another one in the cluster',
    '"/calico/ipam/v2/handle/x" is another one in the cluster',
    'GlobalNetworkPolicy(p) is another one in the cluster: spec.ingress',
    'IPPool(mine) (10.1.0.0/16) overlaps IPPool(theirs) (10.0.0.0/8) of the cluster',
    'NetworkPolicy(default/q) is another one in the cluster: spec.selector',
    'Node(a) has an address of Node(b) of the cluster',
    'address 192.168.7.1 of "net1.pod-a" is somebody else\'s in the cluster',
    'node "a" of the cluster is another host, hostname "c", machine c, since now',
  ]);
  expect(moveContent(stores, signal)).rejects.toThrow('nothing is moved');
  expect([await dump(own), await dump(cluster)]).toEqual(before);
});

/** Ends with the write of this number, counted from 0 over both: before it is carried out, or after. Nothing is written then. */
function dyingAt({ own, cluster }: MovedStores, number: number, when: 'before' | 'after'): MovedStores {
  let commits = 0;
  const dying = (store: Datastore): Datastore => ({
    ...store,
    async commit(transaction, commitSignal) {
      const place = commits++;
      if (place > number || (place === number && when === 'before')) throw new Error('killed');
      const result = await store.commit(transaction, commitSignal);
      if (place === number) throw new Error('killed');
      return result;
    },
  });
  return { own: dying(own), cluster: dying(cluster) };
}

test.each(['before', 'after'] as const)(
  'a kill %s any write leaves what the next run brings to the same end',
  async (when) => {
    const whole = await fillLarge();
    await moveContent(whole, signal);
    const end = await dump(whole.cluster);
    let commits = 0;
    for (let killed = true; killed; commits += 1) {
      const stores = await fillLarge();
      killed = await moveContent(dyingAt(stores, commits, when), signal).then(
        () => false,
        () => true,
      );
      await moveContent(stores, signal);
      expect(await dump(stores.cluster)).toEqual(expect.objectContaining(pick(end)));
      expect(Object.keys(await dump(stores.cluster)).sort()).toEqual(Object.keys(end).sort());
    }
    expect(commits).toBeGreaterThanOrEqual(6);
  },
);

/** But for what is random or a clock's. */
function pick(all: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(all).filter(([key]) => key.includes('/set-') || key.includes('/handle/')));
}

/** More than two transactions, in a cluster that shares a block. */
async function fillLarge(): Promise<MovedStores> {
  const stores = await openStores();
  await fillHost(stores.cluster, 'b', '10.0.0.2', { '192.168.7.2': 'net1.pod-b' });
  for (let n = 0; n < 300; n += 1)
    await put(
      stores.own,
      printKey({ kind: 'resource', resourceKind: 'GlobalNetworkSet', namespace: undefined, name: `set-${n}` }),
      `{"kind":"GlobalNetworkSet","metadata":{"name":"set-${n}"},"spec":{}}`,
    );
  return stores;
}

test('policies come after all else, and those first that judge first', async () => {
  const stores = await openStores();
  await create(stores.own, 'Tier', 'early', { order: 1, defaultAction: 'Pass' });
  await create(stores.own, 'GlobalNetworkPolicy', 'second', { order: 5, tier: 'default' });
  await create(stores.own, 'GlobalNetworkPolicy', 'last', { tier: 'default' });
  await create(stores.own, 'NetworkPolicy', 'first', { order: 90, tier: 'early' }, 'default');
  const { writes } = await checkMove(stores, signal);
  expect(writes.slice(-3).map(({ key }) => key.split('/').at(-1))).toEqual(['first', 'second', 'last']);
});
