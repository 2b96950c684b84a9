// One stored thing has one meaning: routing, outgoing NAT, address assignment, calicoctl and the agent that makes the default pools
// take the same pools for readable, and the agent and calicoctl the same settings.
import { expect, test } from 'bun:test';
import { openMemoryDatastore } from '../../../test/support/datastore/memory.ts';
import { readIpamConfig } from '../../ctl/ipam/config.ts';
import { readPools } from '../../ctl/ipam/read.ts';
import { printKey, tryParseKey } from '../../datastore/keys.ts';
import { openIpamView } from '../../ipam/view.ts';
import { formatCidr } from '../../net/cidr.ts';
import { openLog } from '../../sys/log.ts';
import { createClusterState } from './cluster-state.ts';

const RESOURCES = '/calico/resources/v3/projectcalico.org';
const POOL = `${RESOURCES}/ippools/a`;
const NODE = `${RESOURCES}/nodes/host`;
const SETTINGS = printKey({ kind: 'ipam-config' });
const { signal } = new AbortController();

const apiVersion = 'projectcalico.org/v3';
const spec = { cidr: '10.7.0.0/16', natOutgoing: true };
const pool = { kind: 'IPPool', apiVersion, metadata: { name: 'a' }, spec };
const node = { kind: 'Node', apiVersion, metadata: { name: 'host' }, spec: { bgp: { ipv4Address: '10.0.0.1/24' } } };

/** The ranges of the pools that each reader knows. */
async function readersOf(text: string): Promise<Readonly<Record<string, readonly string[]>>> {
  const store = openMemoryDatastore();
  const values = [
    [NODE, JSON.stringify(node)],
    [POOL, text],
  ] as const;
  const state = createClusterState({
    nodeName: 'host',
    routerId: undefined,
    felix: {},
    log: openLog(() => {}),
  });
  for (const [key, value] of values) {
    await store.commit({ conditions: [], writes: [{ kind: 'put', key, value }] });
    const named = tryParseKey(key);
    if (named !== undefined) state.update(named, value);
  }
  const view = openIpamView(store, 'host');
  await view.refresh(signal);
  const ranges = (pools: readonly { readonly cidr: Parameters<typeof formatCidr>[0] }[] = []) =>
    pools.map(({ cidr }) => formatCidr(cidr));
  return {
    routing: ranges(state.routingInput()?.pools),
    nat: ranges(state.natPools()),
    assignment: ranges(view.pools()),
    calicoctl: (await readPools(store, signal)).resources.map((one) => one.spec.cidr),
  };
}

const everybody = (...ranges: readonly string[]) => ({
  routing: ranges,
  nat: ranges,
  assignment: ranges,
  calicoctl: ranges,
});

const readable: readonly (readonly [string, unknown])[] = [
  ['as it is written', pool],
  ['with a field of another version', { ...pool, spec: { ...spec, later: 1 } }],
  ['with nulls, as Go writes them', { ...pool, metadata: { name: 'a', creationTimestamp: null, labels: null } }],
  ['with the defaults spelt out', { ...pool, spec: { ...spec, blockSize: 26, vxlanMode: 'Never' } }],
];

test.each(readable)('a pool %s is one for all who read it', async (_, value) => {
  expect(await readersOf(JSON.stringify(value))).toEqual(everybody('10.7.0.0/16'));
});

const damaged: readonly (readonly [string, unknown])[] = [
  ['of another kind', { ...pool, kind: 'Node' }],
  ['of another version', { ...pool, apiVersion: 'v1' }],
  ['with the name of another', { ...pool, metadata: { name: 'b' } }],
  ['in a namespace', { ...pool, metadata: { name: 'a', namespace: 'x' } }],
  ['without metadata', { ...pool, metadata: undefined }],
  ['whose labels are no text', { ...pool, metadata: { name: 'a', labels: { a: 1 } } }],
  ['without a spec', { ...pool, spec: undefined }],
  ['whose spec is a list', { ...pool, spec: [] }],
  ['whose status is a text', { ...pool, status: 'ready' }],
  ['without a range', { ...pool, spec: { natOutgoing: true } }],
  ['whose range has host bits', { ...pool, spec: { ...spec, cidr: '10.7.0.1/16' } }],
  ['with a word that is none', { ...pool, spec: { ...spec, vxlanMode: 'Sometimes' } }],
  ['with a text for a flag', { ...pool, spec: { ...spec, natOutgoing: 'yes' } }],
  ['with blocks of the other family', { ...pool, spec: { ...spec, blockSize: 122 } }],
  ['with a selector that is none', { ...pool, spec: { ...spec, nodeSelector: '(' } }],
  ['that is no object', []],
];

test.each(damaged)('a pool %s is none for all who read it', async (_, value) => {
  expect(await readersOf(JSON.stringify(value))).toEqual(everybody());
});

test('a pool that is no JSON is none for all who read it', async () => {
  expect(await readersOf('{')).toEqual(everybody());
});

const settings: readonly string[] = [
  '{"strict_affinity":true,"auto_allocate_blocks":true}',
  '{}',
  '{"maxBlocksPerHost":3,"later":1}',
  '{"maxBlocksPerHost":"3"}',
  '{"strict_affinity":1}',
  '{"ipCooldownSeconds":-1}',
  '[]',
  '{',
];

test.each(settings)('the settings %s mean the same to address assignment and to calicoctl', async (value) => {
  const store = openMemoryDatastore();
  await store.commit({ conditions: [], writes: [{ kind: 'put', key: SETTINGS, value }] });
  const view = openIpamView(store, 'host');
  await view.refresh(signal);
  const attempt = async (read: () => unknown): Promise<unknown> => {
    try {
      return await read();
    } catch (error) {
      return (error as Error).message;
    }
  };
  const assigned = await attempt(() => [view.settings().strictAffinity, view.settings().autoAllocateBlocks]);
  const shown = await attempt(async () => {
    const { fields } = await readIpamConfig(store, signal);
    return [fields.strict_affinity, fields.auto_allocate_blocks];
  });
  expect(assigned).toEqual(shown);
});
