import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { usualBgp } from '../../../test/support/routing/bgp-settings.ts';
import { type StoreKey, tryParseKey } from '../../datastore/keys.ts';
import { defaultFirewallConfig } from '../../firewall/config.ts';
import type { FelixConfigurationSpec } from '../../model/felix/felix-configuration.ts';
import { parseCidr, sameCidr } from '../../net/cidr.ts';
import { parseIp } from '../../net/ip.ts';
import { parseSelector } from '../../selector/parse.ts';
import { openLog } from '../../sys/log.ts';
import { computeFirewallConfig } from '../config/felix-settings.ts';
import { type ClusterState, createClusterState } from './cluster-state.ts';

const RESOURCES = '/calico/resources/v3/projectcalico.org';

function keyOf(text: string): StoreKey {
  const key = tryParseKey(text);
  if (key === undefined) throw new Error(`no key: ${text}`);
  return key;
}

interface Entry {
  readonly key: string;
  readonly value: string;
}

function resource(kind: string, plural: string, name: string, spec: object): Entry {
  const document = { kind, apiVersion: 'projectcalico.org/v3', metadata: { name }, spec };
  return { key: `${RESOURCES}/${plural}/${name}`, value: JSON.stringify(document) };
}

const affinity = (node: string, block: string, state: string): Entry => ({
  key: `/calico/ipam/v2/host/${node}/ipv4/block/${block}`,
  value: JSON.stringify({ state, deleted: 'false' }),
});

const block = (owner: string | undefined, cidr: string): Entry => ({
  key: `/calico/ipam/v2/assignment/ipv4/block/${cidr}`,
  value: JSON.stringify({ cidr: cidr.replace('-', '/'), affinity: owner === undefined ? null : `host:${owner}` }),
});

const CLUSTER: readonly Entry[] = [
  resource('Node', 'nodes', 'host-1', { bgp: { ipv4Address: '10.0.0.1/24' } }),
  resource('Node', 'nodes', 'host-2', { bgp: { ipv4Address: '10.0.0.2/24', asNumber: 65002 } }),
  resource('IPPool', 'ippools', 'b-pool', { cidr: '192.168.0.0/16', natOutgoing: true }),
  resource('IPPool', 'ippools', 'a-pool', { cidr: '10.7.0.0/16', ipipMode: 'Always' }),
  resource('BGPConfiguration', 'bgpconfigurations', 'default', { asNumber: 65000 }),
  resource('BGPConfiguration', 'bgpconfigurations', 'node.host-2', { listenPort: 1790 }),
  resource('BGPPeer', 'bgppeers', 'rack', { peerIP: '10.0.0.9', asNumber: 65009, filters: ['edge'] }),
  resource('BGPPeer', 'bgppeers', 'workload', { localWorkloadSelector: 'all()', asNumber: 65010 }),
  resource('BGPFilter', 'bgpfilters', 'edge', {
    exportV4: [{ action: 'Reject', matchOperator: 'In', cidr: '10.7.0.0/16' }],
  }),
  resource('BGPFilter', 'bgpfilters', 'core', {}),
  resource('ClusterInformation', 'clusterinformations', 'default', { datastoreReady: true }),
  affinity('host-1', '192.168.0.64-26', 'confirmed'),
  affinity('host-1', '192.168.0.0-26', 'confirmed'),
  affinity('host-1', '192.168.0.128-26', 'pending'),
  affinity('host-2', '192.168.1.0-26', 'confirmed'),
  ...['192.168.0.64-26', '192.168.0.0-26', '192.168.0.128-26', '192.168.9.0-26'].map((cidr) => block('host-1', cidr)),
  block('host-2', '192.168.1.0-26'),
];

let logged: string[] = [];

function clusterStateOf(
  entries: readonly Entry[],
  routerId?: 'hash',
  felix: FelixConfigurationSpec = {},
): ClusterState {
  logged = [];
  const log = openLog((line) => logged.push(line.replace(/^\S+ /, '')));
  const clusterState = createClusterState({ nodeName: 'host-1', routerId, felix, log });
  for (const { key, value } of entries) clusterState.update(keyOf(key), value);
  return clusterState;
}

test('all of it arrives where routing looks', () => {
  const clusterState = clusterStateOf(CLUSTER);
  const none = { exportRules: [], importRules: [] };
  const range = { cidr: parseCidr('10.7.0.0/16'), operator: 'in' };
  expect<unknown>(clusterState.routingInput()).toEqual({
    nodeName: 'host-1',
    nodes: [
      { name: 'host-1', labels: new Map(), ipv4: parseIp('10.0.0.1') },
      { name: 'host-2', labels: new Map(), ipv4: parseIp('10.0.0.2'), asNumber: 65002, listenPort: 1790 },
    ],
    pools: [
      { cidr: parseCidr('10.7.0.0/16'), encapsulation: 'ipip', exported: true },
      { cidr: parseCidr('192.168.0.0/16'), encapsulation: 'none', exported: true },
    ],
    ownBlocks: [parseCidr('192.168.0.0/26'), parseCidr('192.168.0.64/26')],
    encryptedPeers: [],
    bgp: { ...usualBgp, asNumber: 65000 },
    peers: [
      {
        name: 'rack',
        scope: { kind: 'all' },
        target: { kind: 'address', address: parseIp('10.0.0.9'), asNumber: 65009 },
        nextHop: 'auto',
        fromNodeIp: true,
        reverse: true,
        filters: ['edge'],
      },
      {
        name: 'workload',
        scope: { kind: 'all' },
        target: { kind: 'workloads', selector: parseSelector('all()'), asNumber: 65010 },
        nextHop: 'auto',
        fromNodeIp: true,
        reverse: true,
      },
    ],
    filters: [
      { name: 'core', 4: none, 6: none },
      {
        name: 'edge',
        4: { exportRules: [{ match: { range }, accept: false, operations: [] }], importRules: [] },
        6: none,
      },
    ],
  });
  expect(clusterState.natPools()).toEqual([
    { cidr: parseCidr('10.7.0.0/16'), natOutgoing: false },
    { cidr: parseCidr('192.168.0.0/16'), natOutgoing: true },
  ]);
  expect(logged).toEqual([]);
});

test('without this node there is no routing; a router id is passed on', () => {
  expect(clusterStateOf(CLUSTER.slice(1)).routingInput()).toBeUndefined();
  expect(clusterStateOf(CLUSTER, 'hash').routingInput()?.routerId).toBe('hash');
});

test('the order in which it came, and what came between, leaves no trace', () => {
  const wanted = clusterStateOf(CLUSTER);
  const detour = CLUSTER.map(({ key }) => ({ key, value: '{}' }));
  const order = fc.shuffledSubarray([...CLUSTER], { minLength: CLUSTER.length });
  const before = fc.array(fc.constantFrom(...detour), { maxLength: 10 });
  fc.assert(
    fc.property(order, before, (entries, first) => {
      const clusterState = clusterStateOf([...first, ...entries]);
      expect(clusterState.routingInput()).toEqual(wanted.routingInput());
      expect(clusterState.natPools()).toEqual(wanted.natPools());
    }),
    { seed: 11, numRuns: 100 },
  );
});

const invalidations: readonly (readonly [string, string | undefined])[] = [
  [`${RESOURCES}/nodes/host-2`, 'routing'],
  [`${RESOURCES}/bgpconfigurations/default`, 'routing'],
  [`${RESOURCES}/bgppeers/rack`, 'routing'],
  [`${RESOURCES}/bgpfilters/edge`, 'routing'],
  [`${RESOURCES}/ippools/a-pool`, 'pools'],
  [`${RESOURCES}/felixconfigurations/default`, 'felix'],
  [`${RESOURCES}/clusterinformations/default`, undefined],
  ['/calico/ipam/v2/host/host-1/ipv4/block/192.168.0.0-26', 'routing'],
  ['/calico/ipam/v2/host/host-2/ipv4/block/192.168.1.0-26', undefined],
  [`${RESOURCES}/profiles/network1`, undefined],
];

test.each(invalidations)('%s makes %s out of date, also when it goes', (key, invalidation) => {
  const clusterState = clusterStateOf(CLUSTER);
  expect(clusterState.update(keyOf(key), '{}')).toBe(invalidation as ReturnType<ClusterState['update']>);
  expect(clusterState.update(keyOf(key), undefined)).toBe(invalidation as ReturnType<ClusterState['update']>);
});

const blocks: readonly (readonly [what: string, entries: readonly Entry[], isOwn: boolean])[] = [
  ['there and this host’s', [block('host-1', '192.168.7.0-26')], true],
  ['missing', [], false],
  ['another host’s', [block('host-2', '192.168.7.0-26')], false],
  ['another’s of a like name', [block('host-10', '192.168.7.0-26')], false],
  ['nobody’s', [block(undefined, '192.168.7.0-26')], false],
  ['gone', [block('host-1', '192.168.7.0-26'), { ...block('host-1', '192.168.7.0-26'), value: '' }], false],
  ['not to be read', [{ ...block('host-1', '192.168.7.0-26'), value: '{"affinity":"host:host-1"' }], false],
];

test.each(blocks)(
  'a block that is %s, with a confirmed affinity, in whatever order they come',
  (_what, entries, isOwn) => {
    const all = [...entries, affinity('host-1', '192.168.7.0-26', 'confirmed')];
    for (const order of [all, [affinity('host-1', '192.168.7.0-26', 'confirmed'), ...entries]]) {
      const clusterState = clusterStateOf(CLUSTER);
      for (const { key, value } of order) clusterState.update(keyOf(key), value === '' ? undefined : value);
      const own = clusterState.routingInput()?.ownBlocks.some((one) => sameCidr(one, parseCidr('192.168.7.0/26')));
      expect(own).toBe(isOwn);
    }
  },
);

test('a block without an affinity is not this host’s, and another address in it is no news for routing', () => {
  const clusterState = clusterStateOf(CLUSTER);
  const entry = block('host-1', '192.168.7.0-26');
  expect(clusterState.update(keyOf(entry.key), entry.value)).toBe('routing');
  expect(clusterState.update(keyOf(entry.key), entry.value.replace('{', '{"allocations":[0],'))).toBe('blocks');
  expect(clusterState.routingInput()?.ownBlocks).toHaveLength(2);
});

test('what has gone, and what cannot be read, is not there', () => {
  const clusterState = clusterStateOf(CLUSTER);
  for (const { key } of CLUSTER.slice(1)) clusterState.update(keyOf(key), undefined);
  expect(clusterState.routingInput()).toMatchObject({ pools: [], ownBlocks: [], peers: [], filters: [] });
  clusterState.update(keyOf(`${RESOURCES}/bgpfilters/edge`), '{"kind":"BGPFilter"');
  expect(clusterState.routingInput()?.filters).toEqual([]);
  expect(logged.join('')).toMatch(/^ERROR BGPFilter\(edge\) cannot be used: read stored BGPFilter: /);
});

const felix: readonly (readonly [object | undefined, object | undefined, object])[] = [
  [undefined, undefined, {}],
  [{ defaultEndpointToHostAction: 'Accept' }, undefined, { endpointToHostAction: 'accept' }],
  [
    { defaultEndpointToHostAction: 'Accept' },
    { defaultEndpointToHostAction: 'Return' },
    { endpointToHostAction: 'return' },
  ],
  [{ nftablesFilterDenyAction: 'Reject' }, {}, { denyAction: 'reject' }],
  [{ vxlanPort: 4790, logPrefix: 'x' }, { logPrefix: 'y' }, { vxlanPort: 4790, logPrefix: 'y' }],
  [{}, { allowVXLANPacketsFromWorkloads: true }, { allowVxlanFromWorkloads: true }],
  [{ allowIPIPPacketsFromWorkloads: true }, {}, { allowIpipFromWorkloads: true }],
];

test.each(felix)('Felix configuration %j, the node’s %j', (cluster, own, expected) => {
  const entries = [
    cluster && resource('FelixConfiguration', 'felixconfigurations', 'default', cluster),
    own && resource('FelixConfiguration', 'felixconfigurations', 'node.host-1', own),
    resource('FelixConfiguration', 'felixconfigurations', 'node.host-2', { logPrefix: 'other' }),
  ].filter((entry) => entry !== undefined);
  expect(computeFirewallConfig(defaultFirewallConfig, clusterStateOf(entries).settings())).toEqual({
    ...defaultFirewallConfig,
    ...expected,
  });
  expect(logged).toEqual([]);
});

test('what this host says goes before what the store says', () => {
  const store = resource('FelixConfiguration', 'felixconfigurations', 'default', {
    defaultEndpointToHostAction: 'Return',
    logPrefix: 'store',
  });
  const clusterState = clusterStateOf([store], undefined, { defaultEndpointToHostAction: 'Accept' });
  expect(clusterState.settings()).toEqual({
    defaultEndpointToHostAction: 'Accept',
    logPrefix: 'store',
  });
});

test('a pool that cannot be read has no routes and no NAT, and is named', () => {
  const clusterState = clusterStateOf([
    ...CLUSTER,
    resource('IPPool', 'ippools', 'a-pool', { cidr: '10.7.0.0/16', vxlanMode: 'Sometimes', natOutgoing: true }),
  ]);
  expect(clusterState.routingInput()?.pools.map((pool) => pool.cidr)).toEqual([parseCidr('192.168.0.0/16')]);
  expect(clusterState.natPools().map((pool) => pool.cidr)).toEqual([parseCidr('192.168.0.0/16')]);
  expect(logged.join('')).toContain(
    'ERROR IPPool(a-pool) cannot be used: read stored IPPool: spec.vxlanMode: found "Sometimes"',
  );
});

test.each([
  ['{"state":"confirmed"}', true],
  ['{"state":""}', true],
  ['{"state":null}', true],
  ['{}', true],
  ['{"state":"pending"}', false],
  ['{"state":"Confirmed"}', false],
  ['{"state":5}', false],
  ['confirmed', false],
])('the affinity %s is read as address assignment reads it', (value, isOwn) => {
  const clusterState = clusterStateOf(CLUSTER);
  clusterState.update({ kind: 'affinity', owner: { kind: 'host', name: 'host-1' }, cidr: '192.168.9.0/26' }, value);
  expect(clusterState.routingInput()?.ownBlocks.some((one) => sameCidr(one, parseCidr('192.168.9.0/26')))).toBe(isOwn);
  expect(logged.length > 0).toBe(!isOwn && !value.includes('pending'));
});
