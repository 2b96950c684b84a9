// Every field that reaches BIRD's configuration, at its limits and with what Calico's calicoctl stores beyond them, held
// against the real BIRD. A field that is not here fails.
import { afterAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClusterState } from '../../src/agent/state/cluster-state.ts';
import { createRouter } from '../../src/agent/state/router.ts';
import { openBird } from '../../src/bird/bird.ts';
import { tryParseKey } from '../../src/datastore/keys.ts';
import { bgpConfiguration } from '../../src/model/bgp/bgp-configuration.ts';
import { bgpFilter } from '../../src/model/bgp/bgp-filter.ts';
import { bgpPeer } from '../../src/model/bgp/bgp-peer.ts';
import { ipPool } from '../../src/model/ipam/ip-pool.ts';
import { type Kind, readResource } from '../../src/model/meta/kind.ts';
import { node } from '../../src/model/node/node.ts';
import { parseIp } from '../../src/net/ip.ts';
import { computeBirdConfig } from '../../src/routing/bird/config.ts';
import type { RoutingWorkload } from '../../src/routing/input.ts';
import type { Shape } from '../../src/schema/schema.ts';
import * as libc from '../../src/sys/libc.ts';
import { createNetns } from '../../src/sys/netns.ts';

const directory = mkdtempSync(join(tmpdir(), 'ocitest-limits-'));
const netns = createNetns();
const bird = openBird({ runDirectory: directory, netnsFd: netns, log: () => undefined });
afterAll(async () => {
  await bird.stop();
  libc.close(netns);
  rmSync(directory, { recursive: true });
});

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined, debug: () => undefined };

interface Stored {
  readonly kind: Kind;
  readonly name: string;
  readonly spec: object;
}

/** What an agent on host `a` knows whose store has these; a resource of the same name takes another's place. */
function clusterOf(resources: readonly Stored[]) {
  const clusterState = createClusterState({
    nodeName: 'a',
    routerId: undefined,
    felix: {},

    log: silent,
  });
  for (const { kind, name, spec } of resources) {
    const key = tryParseKey(`/calico/resources/v3/projectcalico.org/${kind.plural}/${name}`);
    if (key === undefined) throw new Error(name);
    const document = { apiVersion: 'projectcalico.org/v3', kind: kind.name, metadata: { name }, spec };
    clusterState.update(key, JSON.stringify(document));
  }
  return clusterState;
}

const FILTER = { importV4: [{ action: 'Accept' }], exportV4: [{ action: 'Accept' }], importV6: [{ action: 'Accept' }] };
const CLUSTER: readonly Stored[] = [
  { kind: node, name: 'a', spec: { bgp: { ipv4Address: '10.0.0.1/24', ipv6Address: 'fd00::1/64' } } },
  { kind: node, name: 'b', spec: { bgp: { ipv4Address: '10.0.0.2/24', ipv6Address: 'fd00::2/64' } } },
  { kind: ipPool, name: 'p4', spec: { cidr: '10.65.0.0/16' } },
  { kind: ipPool, name: 'p6', spec: { cidr: 'fd65::/48' } },
  { kind: bgpConfiguration, name: 'default', spec: { logSeverityScreen: 'Error' } },
  { kind: bgpFilter, name: 'f', spec: FILTER },
  { kind: bgpPeer, name: 'inner', spec: { localWorkloadSelector: 'all()', asNumber: 65100 } },
  { kind: bgpPeer, name: 'tor', spec: { peerIP: '10.0.0.9', asNumber: 65001, filters: ['f'] } },
];

/** One of this host. */
const WORKLOADS: readonly RoutingWorkload[] = [
  {
    ...{ id: 'ns/one', interfaceName: 'cali1', labels: new Map() },
    addresses: ['10.65.0.1', 'fd65::1'].map(parseIp),
  },
];

async function birdSays(resources: readonly Stored[]): Promise<string> {
  const input = clusterOf(resources).routingInput();
  if (input === undefined) throw new Error('the node itself is not known');
  try {
    await bird.check(computeBirdConfig({ ...input, workloads: WORKLOADS }));
    return 'taken';
  } catch (error) {
    return String(error).replace(/^.*:\d+:\d+ /s, '');
  }
}

/** What stands in the store for a field; `beyond`: what may stand there, although it may not be written here. */
interface Row {
  readonly within: readonly unknown[];
  readonly beyond?: readonly unknown[];
  /** Beside the field, for it to have an effect. */
  readonly beside?: object;
}

const AS_NUMBERS: Row = { within: [1, 23456, 65535, 65536, 4294967295, '65535.65535'], beyond: [0] };
const RESTART: Row = { within: ['0s', '1ms', '4095s'], beyond: ['-1s', '4096s', '18h', '2562047h', '-2562047h'] };
const IDLE: Row = { within: [] };
const PRIORITY: Row = { within: [1, 2147483646] };
const SELECTOR: Row = { within: ['all()', 'has(x) || !(y in { \'a\', "b" })'] };
const ranges = (family: 4 | 6): readonly string[] =>
  family === 4
    ? ['0.0.0.0/0', '10.65.0.0/16', '255.255.255.255/32', '240.0.0.0/4', '127.0.0.0/8']
    : ['::/0', 'fd65::/48', '::/128', 'ff00::/8', 'fe80::/10', '::ffff:10.0.0.0/120', '2001:db8::1/128'];

function filterRows(family: 4 | 6): Readonly<Record<string, Row>> {
  const bits = family === 4 ? 32 : 128;
  const cidr = family === 4 ? '10.0.0.0/8' : 'fd00::/8';
  const operators = ['Equal', 'NotEqual', 'In', 'NotIn'];
  const rule = (more: object) => ({ action: 'Accept', ...more });
  const window = (prefixLength: object) =>
    operators.map((matchOperator) => rule({ cidr, matchOperator, prefixLength }));
  const operation = (one: object) => rule({ operations: [one] });
  const communities = ['0:0', '65535:65535', '0:0:0', '4294967295:4294967295:4294967295'];
  return {
    cidr: {
      within: ranges(family).flatMap((range) => operators.map((matchOperator) => rule({ cidr: range, matchOperator }))),
    },
    prefixLength: {
      within: [{ min: 0 }, { min: 8, max: 8 }, { max: 8 }, { min: bits, max: bits }, { min: 0, max: bits }].flatMap(
        window,
      ),
      beyond: [{ max: 0 }, { max: 7 }, { min: 4, max: 7 }, { min: 24, max: 23 }].flatMap(window),
    },
    source: { within: [rule({ source: 'RemotePeers' })] },
    interface: {
      within: ['*', 'a', '.', '-', '_', '***************', 'eth0.1-a_b*'].map((name) => rule({ interface: name })),
    },
    matchOperator: { within: operators.map((matchOperator) => rule({ cidr, matchOperator })) },
    peerType: { within: ['eBGP', 'iBGP'].map((peerType) => rule({ peerType })) },
    communities: { within: communities.map((value) => rule({ communities: { values: [value] } })) },
    asPathPrefix: {
      within: [[1], [4294967295], Array.from({ length: 1000 }, () => 4294967295)].map((asPathPrefix) =>
        rule({ asPathPrefix }),
      ),
      beyond: [rule({ asPathPrefix: [0] })],
    },
    priority: { within: [1, 2147483646].map((priority) => rule({ priority })) },
    action: { within: [{ action: 'Accept' }, { action: 'Reject' }] },
    operations: {
      within: [
        ...communities.map((value) => operation({ addCommunity: { value } })),
        operation({ prependASPath: { prefix: Array.from({ length: 10 }, () => 4294967295) } }),
        ...[1, 2147483646].map((value) => operation({ setPriority: { value } })),
      ],
      beyond: [operation({ prependASPath: { prefix: [0] } })],
    },
  };
}

/** One row for each field of each kind; fields that routing does not read are IDLE. */
const TABLES: readonly (readonly [kind: Kind, name: string, rows: Readonly<Record<string, Row>>])[] = [
  [
    bgpConfiguration,
    'default',
    {
      logSeverityScreen: { within: ['Trace', 'Debug', 'Info', 'Warning', 'Error', 'Fatal'] },
      nodeToNodeMeshEnabled: { within: [true, false] },
      asNumber: AS_NUMBERS,
      serviceLoadBalancerIPs: IDLE,
      serviceExternalIPs: IDLE,
      serviceClusterIPs: IDLE,
      serviceLoadBalancerAggregation: IDLE,
      communities: {
        within: [[{ name: 'x'.repeat(253), value: '65535:65535' }]],
        beside: { prefixAdvertisements: [{ cidr: '10.0.0.0/8', communities: ['x'.repeat(253)] }] },
      },
      prefixAdvertisements: {
        within: [...ranges(4), ...ranges(6)].map((cidr) => [
          { cidr, communities: Array.from({ length: 50 }, (_, index) => `${index}:65535:4294967295`) },
        ]),
      },
      listenPort: { within: [1, 65535] },
      nodeMeshPassword: { within: [{}, { secretKeyRef: { name: 'rack', key: 'bgp' } }] },
      nodeMeshMaxRestartTime: RESTART,
      bindMode: { within: ['None', 'NodeIP'] },
      ignoredInterfaces: {
        within: [['a*'], ['.-_*'], ['x'.repeat(15)], Array.from({ length: 500 }, (_, i) => `eth${i}`)],
      },
      localWorkloadPeeringIPV4: { within: ['169.254.0.179', '10.0.0.1', '255.255.255.254', '127.0.0.1'] },
      localWorkloadPeeringIPV6: { within: ['fd12::1', '2001:db8::1', '::ffff:1.2.3.4', 'fe80::1'] },
      programClusterRoutes: { within: ['Enabled', 'Disabled', 'EnabledIPIPOnly', 'EnabledNoEncapOnly'] },
      ipv4NormalRoutePriority: PRIORITY,
      ipv6NormalRoutePriority: PRIORITY,
    },
  ],
  [
    bgpPeer,
    'tor',
    {
      node: { within: ['a'] },
      nodeSelector: SELECTOR,
      peerIP: {
        within: ['10.0.0.2', '255.255.255.254', '[2001:db8::1]:65535', '169.254.0.1:1', '::ffff:1.2.3.4', '10.0.0.1'],
        beyond: ['0.0.0.0', '127.0.0.1:179', '224.0.0.1', '255.255.255.255', '::1', 'ff02::1'],
        beside: { asNumber: 65001 },
      },
      asNumber: { ...AS_NUMBERS, beyond: [], beside: { peerIP: '10.0.0.9' } },
      localASNumber: { ...AS_NUMBERS, beside: { peerIP: '10.0.0.9', asNumber: 65001 } },
      peerSelector: SELECTOR,
      keepOriginalNextHop: { within: [true], beside: { peerIP: '10.0.0.9', asNumber: 65001 } },
      nextHopMode: { within: ['Auto', 'Self', 'Keep'], beside: { peerIP: '10.0.0.9', asNumber: 65001 } },
      password: {
        within: [{}, { secretKeyRef: { name: 'rack', key: 'bgp' } }],
        beside: { peerIP: '10.0.0.9', asNumber: 65001 },
      },
      sourceAddress: { within: ['UseNodeIP', 'None'], beside: { peerIP: 'fd00::9', asNumber: 65001 } },
      maxRestartTime: { ...RESTART, beside: { peerIP: '10.0.0.9', asNumber: 65001 } },
      keepaliveTime: {
        within: ['1s', '1.999s', '80s', '240s', '241s', '21845s'],
        beyond: ['0s', '-1s', '1ns', '500ms', '21846s', '65536s', '2562047h'],
        beside: { peerIP: '10.0.0.9', asNumber: 65001 },
      },
      numAllowedLocalASNumbers: { within: [0, 1, 2147483647], beside: { peerIP: '10.0.0.9', asNumber: 65001 } },
      ttlSecurity: { within: [0, 1, 2, 254, 255], beside: { peerIP: '10.0.0.9', asNumber: 65001 } },
      reachableBy: {
        within: ['0.0.0.0', '127.0.0.1', '224.0.0.1', '255.255.255.255', '10.0.0.9'],
        beside: { peerIP: '10.0.0.9', asNumber: 65001 },
      },
      filters: {
        within: [['f'], ['f', 'gone', 'f'], ['x'.repeat(253), `${'x'.repeat(252)}y`]],
        beside: { peerIP: '10.0.0.9', asNumber: 65001 },
      },
      localWorkloadSelector: { within: ['all()'], beside: { asNumber: 65001 } },
      reversePeering: { within: ['Auto', 'Manual'], beside: { peerSelector: 'all()' } },
    },
  ],
  [
    ipPool,
    'p4',
    {
      cidr: { within: ['10.0.0.0/8', '0.0.0.0/1', 'fd00::/8', '::/1', '240.0.0.0/4', '127.0.0.0/20', 'ff00::/116'] },
      vxlanMode: { within: ['Never', 'Always', 'CrossSubnet'], beside: { cidr: '10.0.0.0/8' } },
      ipipMode: { within: ['Never', 'Always', 'CrossSubnet'], beside: { cidr: '10.0.0.0/8' } },
      natOutgoing: IDLE,
      disabled: { within: [true, false], beside: { cidr: '10.0.0.0/8' } },
      disableBGPExport: { within: [true, false], beside: { cidr: '10.0.0.0/8' } },
      blockSize: { within: [20, 32], beside: { cidr: '10.0.0.0/8' } },
      nodeSelector: IDLE,
      namespaceSelector: IDLE,
      allowedUses: IDLE,
      assignmentMode: IDLE,
    },
  ],
];

const BGP_OF_NODE: Readonly<Record<string, Row>> = {
  asNumber: { ...AS_NUMBERS, beside: { ipv4Address: '10.0.0.3' } },
  ipv4Address: {
    within: ['10.0.0.3', '10.0.0.0/24', '255.255.255.254/0', '169.254.1.1/16', '10.0.0.2/24', '10.0.0.1/24'],
    beyond: ['0.0.0.0', '127.0.0.1/8', '224.0.0.1', '255.255.255.255'],
  },
  ipv6Address: {
    within: ['fd00::3', '2001:db8::/0', '::ffff:1.2.3.4', '::1.2.3.4', 'ffff::1'.replace('ffff', 'fdff')],
    beyond: ['::', '::1', 'fe80::1/64', 'ff02::1'],
  },
  ipv4IPIPTunnelAddr: IDLE,
  routeReflectorClusterID: {
    within: ['0.0.0.0', '255.255.255.255', '224.0.0.1'],
    beside: { ipv4Address: '10.0.0.3', asNumber: 65001 },
  },
};

function fieldsOf(shape: Shape | undefined): readonly string[] {
  return shape?.shape === 'object' ? Object.keys(shape.fields) : [];
}

function specOf(kind: Kind): Shape | undefined {
  return kind.schema.fields.spec?.schema;
}

function isWritable({ kind, name, spec }: Stored): boolean {
  const document = { apiVersion: 'projectcalico.org/v3', kind: kind.name, metadata: { name }, spec };
  return readResource(kind, document, 'document').kind === 'valid';
}

/** Both ways: beside what the cluster has, and in the place of what has its name. */
async function expectTaken(stored: Stored, isWithin: boolean): Promise<void> {
  const what = `${stored.kind.name}(${stored.name}) ${JSON.stringify(stored.spec).slice(0, 200)}`;
  expect(`${what}: ${isWritable(stored) ? 'may be written' : 'refused'}`).toBe(
    `${what}: ${isWithin ? 'may be written' : 'refused'}`,
  );
  const rest = CLUSTER.filter(({ kind, name }) => kind !== stored.kind || name !== stored.name);
  const isUnique = stored.kind !== bgpConfiguration && stored.kind !== ipPool;
  for (const cluster of isUnique ? [rest, CLUSTER] : [rest])
    expect(`${what}: ${await birdSays([...cluster, stored])}`).toBe(`${what}: taken`);
}

async function expectRows(rows: Readonly<Record<string, Row>>, storedWith: (fields: object) => Stored): Promise<void> {
  for (const [field, { within, beyond = [], beside = {} }] of Object.entries(rows)) {
    for (const value of within) await expectTaken(storedWith({ ...beside, [field]: value }), true);
    for (const value of beyond) await expectTaken(storedWith({ ...beside, [field]: value }), false);
  }
}

for (const [kind, name, rows] of TABLES) {
  test(`BIRD takes every field of ${kind.name} at its limits`, async () => {
    expect(Object.keys(rows).sort()).toEqual([...fieldsOf(specOf(kind))].sort());
    await expectRows(rows, (spec) => ({ kind, name, spec }));
  }, 60_000);
}

test('BIRD takes every field of bgp of a Node at its limits, its own node and another', async () => {
  const spec = specOf(node);
  expect(Object.keys(BGP_OF_NODE).sort()).toEqual(
    [...fieldsOf(spec?.shape === 'object' ? spec.fields.bgp?.schema : undefined)].sort(),
  );
  for (const name of ['a', 'c', 'x'.repeat(253)])
    await expectRows(BGP_OF_NODE, (bgp) => ({ kind: node, name, spec: { bgp } }));
}, 60_000);

for (const list of ['importV4', 'exportV4', 'importV6', 'exportV6'] as const) {
  test(`BIRD takes every field of ${list} of a BGPFilter at its limits, whatever its name`, async () => {
    const rows = filterRows(list.endsWith('4') ? 4 : 6);
    const spec = specOf(bgpFilter);
    const shape = spec?.shape === 'object' ? spec.fields[list]?.schema : undefined;
    expect(Object.keys(rows).sort()).toEqual([...fieldsOf(shape?.shape === 'list' ? shape.item : undefined)].sort());
    for (const { within, beyond = [] } of Object.values(rows)) {
      for (const rule of within) await expectTaken({ kind: bgpFilter, name: 'f', spec: { [list]: [rule] } }, true);
      for (const rule of beyond) await expectTaken({ kind: bgpFilter, name: 'f', spec: { [list]: [rule] } }, false);
    }
  }, 60_000);
}

test('names of filters as long as names may be are told apart', async () => {
  const names = [1, 53, 54, 55, 64, 100, 253].map((length) => 'x'.repeat(length));
  const others = ['x.y-z.0', `${'x'.repeat(252)}y`, `${'x'.repeat(54)}y`];
  const filters = [...names, ...others].map((name) => ({ kind: bgpFilter, name, spec: FILTER }));
  const peer = { peerIP: '10.0.0.9', asNumber: 65001, filters: filters.map(({ name }) => name) };
  expect(await birdSays([...CLUSTER, ...filters, { kind: bgpPeer, name: 'all', spec: peer }])).toBe('taken');
});

test('nodes that share an address, with ports of their own, are no two sessions of one name', async () => {
  const bgp = { bgp: { ipv4Address: '10.0.0.2/24' } };
  expect(
    await birdSays([
      ...CLUSTER,
      { kind: node, name: 'c', spec: bgp },
      { kind: bgpConfiguration, name: 'node.c', spec: { listenPort: 180 } },
    ]),
  ).toBe('taken');
});

/** Runs the agent's router over a store until BIRD has followed; what the log says. */
async function route(resources: readonly Stored[]): Promise<readonly string[]> {
  const lines: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const log = {
    ...silent,
    error: (line: string) => void lines.push(line),
    info: (line: string) => void lines.push(line),
  };
  const applied = {
    ...bird,
    apply: async (config: string) => {
      const outcome = await bird.apply(config);
      setTimeout(resolve, 1);
      return outcome;
    },
  };
  const router = createRouter(applied, () => clusterOf(resources).routingInput(), log);
  router.touch();
  await promise;
  router.close();
  return lines;
}

test('what BIRD refuses is found, left out and named, and the rest goes on', async () => {
  const bad = { kind: bgpPeer, name: 'bad', spec: { peerIP: 'fe80::1', asNumber: 65001 } };
  expect(await birdSays([...CLUSTER, bad])).toBe('Link-local addresses require defined interface');
  // BIRD starts with it in the store
  expect(await route([...CLUSTER, bad])).toEqual([
    "BGPPeer(bad) is left out of BIRD's configuration: Link-local addresses require defined interface",
  ]);
  const names = async () =>
    (await bird.observeProtocols()).flatMap(({ name, bgp }) => (bgp === undefined ? [] : [name]));
  expect(await names()).toEqual(['Global_10_0_0_9', 'Mesh_10_0_0_2', 'Mesh_fd00__2']);
  const more = { kind: bgpPeer, name: 'more', spec: { peerIP: '10.0.0.8', asNumber: 65001 } };
  await route([...CLUSTER, bad, more]);
  expect(await names()).toEqual(['Global_10_0_0_8', 'Global_10_0_0_9', 'Mesh_10_0_0_2', 'Mesh_fd00__2']);
}, 20_000);
