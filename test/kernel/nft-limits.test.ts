// Every field that reaches the kernel's rules, at its limits, held against the real nf_tables: the rules are taken as they
// are, read back as they are, and nft can list them. A field of a rule that is not here fails.
import { afterAll, expect, test } from 'bun:test';
import { computeFirewallConfig } from '../../src/agent/config/felix-settings.ts';
import { createClusterState } from '../../src/agent/state/cluster-state.ts';
import { createDataplane } from '../../src/agent/state/dataplane.ts';
import { createEventDispatcher } from '../../src/agent/state/event-dispatcher.ts';
import { createWorkloads } from '../../src/agent/state/workloads.ts';
import { defaultFirewallConfig } from '../../src/firewall/config.ts';
import { globalNetworkSet } from '../../src/model/endpoint/global-network-set.ts';
import { hostEndpoint } from '../../src/model/endpoint/host-endpoint.ts';
import { workloadEndpoint } from '../../src/model/endpoint/workload-endpoint.ts';
import { felixConfiguration } from '../../src/model/felix/felix-configuration.ts';
import type { ACTING_FELIX_FIELDS } from '../../src/model/idle/felix-marks.ts';
import { ipPool } from '../../src/model/ipam/ip-pool.ts';
import { type Kind, readResource } from '../../src/model/meta/kind.ts';
import { globalNetworkPolicy } from '../../src/model/policy/global-network-policy.ts';
import { profile } from '../../src/model/policy/profile.ts';
import { rule } from '../../src/model/policy/rule.ts';
import { tier } from '../../src/model/policy/tier.ts';
import type { Shape } from '../../src/schema/schema.ts';
import { addNetns, listRuleset, openFirewallIn, removeAllNetns } from '../support/firewall/firewall-net.ts';

const netns = addNetns();
const kernel = openFirewallIn(netns);
afterAll(() => {
  kernel.close();
  removeAllNetns();
});

interface Stored {
  readonly kind: Kind;
  readonly name: string;
  readonly spec: object;
}

const LONG = 'x'.repeat(253);
const WORKLOAD = 'a-rkt-w-eth0';
const ENDPOINT = {
  orchestrator: 'rkt',
  workload: 'w',
  node: 'a',
  endpoint: 'eth0',
  interfaceName: 'cali1',
  ipNetworks: ['10.65.0.1/32', 'fd65::1/128'],
  profiles: ['p'],
};

function keyOf({ kind, name }: Stored): string {
  const prefix = `/calico/resources/v3/projectcalico.org/${kind.plural}`;
  return kind.namespaced ? `${prefix}/default/${name}` : `${prefix}/${name}`;
}

function documentOf({ kind, name, spec }: Stored) {
  const metadata = kind.namespaced ? { name, namespace: 'default' } : { name };
  return { apiVersion: 'projectcalico.org/v3', kind: kind.name, metadata, spec };
}

/** Puts a store's content into the kernel, as the agent does, and says what it logged on the way. */
function load(resources: readonly Stored[]): readonly string[] {
  const lines: string[] = [];
  const say = (message: string, error?: unknown) => void lines.push(`${message} ${error ?? ''}`);
  const log = { debug: () => undefined, info: say, warn: say, error: say };
  const dataplane = createDataplane({
    kernel,
    log,
    forget: () => undefined,
    forgetPorts: () => undefined,
    publishRefused: () => undefined,
  });
  const clusterState = createClusterState({
    nodeName: 'a',
    routerId: undefined,
    felix: {},
    log,
  });
  const events = createEventDispatcher({
    workloadPeers: { update: () => false },
    nodeName: 'a',
    dataplane,
    clusterState,
    workloads: createWorkloads(log),
    resolver: { update: () => undefined },
    nodeStatuses: { note: () => undefined },
    log,
  });
  for (const [index, stored] of resources.entries())
    events.dispatch({ key: keyOf(stored), value: JSON.stringify(documentOf(stored)), modRevision: index + 1 });
  dataplane.setPools(clusterState.natPools(), clusterState.natDirect());
  dataplane.setConfig(computeFirewallConfig(defaultFirewallConfig, clusterState.settings()));
  dataplane.start();
  dataplane.flush();
  dataplane.resync();
  expect(listRuleset(netns).length).toBeGreaterThan(10);
  return lines;
}

/** What stands beside a row's resource; one of its kind and name takes another's place. */
const CLUSTER: readonly Stored[] = [
  { kind: profile, name: 'p', spec: { ingress: [{ action: 'Allow' }], egress: [{ action: 'Allow' }] } },
  { kind: workloadEndpoint, name: WORKLOAD, spec: ENDPOINT },
];

function expectLoaded(...stored: readonly Stored[]): void {
  const what = stored
    .map(({ kind, name, spec }) => `${kind.name}(${name}) ${JSON.stringify(spec).slice(0, 200)}`)
    .join();
  for (const one of stored) {
    const read = readResource(one.kind, documentOf(one), 'document');
    expect(`${what}: ${read.kind === 'valid' ? 'may be written' : JSON.stringify(read.issues)}`).toBe(
      `${what}: may be written`,
    );
  }
  const rest = CLUSTER.filter(({ kind, name }) => !stored.some((one) => one.kind === kind && one.name === name));
  // an HTTP match is closed, and said so
  const lines = load([...rest, ...stored]).filter(
    (line) => !/wanted what the kernel can see|^no effect here: .*\.http:/.test(line),
  );
  expect([what, ...lines]).toEqual([what]);
}

function withRule(one: object): Stored {
  const rules = [{ action: 'Allow', ...one }];
  const lists = { ingress: rules, egress: 'http' in one ? [] : rules };
  return { kind: globalNetworkPolicy, name: 'g', spec: { selector: 'all()', types: ['Ingress', 'Egress'], ...lists } };
}

const many = <T>(count: number, make: (index: number) => T): readonly T[] =>
  Array.from({ length: count }, (_, i) => make(i));
const RANGES: readonly (readonly string[])[] = [
  ['0.0.0.0/0'],
  ['::/0'],
  ['255.255.255.255/32'],
  ['ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128'],
  ['0.0.0.0/1', '128.0.0.0/1', '10.0.0.0/8', '10.1.0.0/16', '10.1.1.1/32'],
  ['::/1', '8000::/1', '::ffff:0.0.0.0/96', 'fd00::/8'],
  many(256, (index) => `10.${index >> 8}.${index & 255}.0/24`),
];
const PORTS: readonly (readonly (number | string)[])[] = [
  [1],
  [65535],
  ['1:65535'],
  ['1:2', '2:3', '3:4'],
  many(15, (index) => index + 1),
  ['a'.repeat(15)],
  [80, '8000:8010', 'http'],
];
const PROTOCOLS = ['TCP', 'UDP', 'ICMP', 'ICMPv6', 'SCTP', 'UDPLite', 1, 2, 254, 255];
const ICMP = [{ type: 0 }, { type: 254 }, { type: 254, code: 255 }, { type: 0, code: 0 }];
const sides = (entity: object) => [{ source: entity }, { destination: entity }];

/** A row for each field of a rule: what stands in a rule. */
const RULES: Readonly<Record<string, readonly object[]>> = {
  action: ['Allow', 'Deny', 'Pass', 'Log'].map((action) => ({ action })),
  ipVersion: [{ ipVersion: 4 }, { ipVersion: 6 }],
  protocol: PROTOCOLS.map((protocol) => ({ protocol })),
  icmp: ['ICMP', 'ICMPv6'].flatMap((protocol) => ICMP.map((icmp) => ({ protocol, icmp }))),
  notProtocol: PROTOCOLS.map((notProtocol) => ({ notProtocol })),
  notICMP: ['ICMP', 'ICMPv6'].flatMap((protocol) => ICMP.map((notICMP) => ({ protocol, notICMP }))),
  source: [
    ...RANGES.flatMap((nets) => sides({ nets })),
    ...RANGES.filter(([first]) => !first?.endsWith('::/0') && first !== '0.0.0.0/0').flatMap((notNets) =>
      sides({ notNets }),
    ),
    ...PORTS.flatMap((ports) => [...sides({ ports }), ...sides({ notPorts: ports })]).flatMap((one) =>
      ['TCP', 'UDP', 'SCTP'].map((protocol) => ({ protocol, ...one })),
    ),
    ...sides({ selector: `has(${'k'.repeat(63)}) || ${'k'.repeat(63)} == '${'v'.repeat(500)}'` }),
    ...sides({ notSelector: 'all()', namespaceSelector: 'global()' }),
  ],
  destination: sides({ selector: 'all()', ports: [1] }).map((one) => ({ protocol: 'TCP', ...one })),
  http: [{ protocol: 'TCP', http: { methods: ['GET'], paths: [{ exact: '/"\\$' }] } }],
  metadata: ['"', '\\', '\n', 'é'.repeat(300), 'x'.repeat(5000)].map((why) => ({ metadata: { annotations: { why } } })),
};

function fieldsOf(shape: Shape): readonly string[] {
  return shape.shape === 'object' ? Object.keys(shape.fields) : [];
}

test('the kernel takes every field of a rule at its limits', () => {
  expect(Object.keys(RULES).sort()).toEqual([...fieldsOf(rule)].sort());
  for (const rows of Object.values(RULES)) for (const one of rows) expectLoaded(withRule(one));
}, 60_000);

test('the kernel takes names as long as they may be', () => {
  const labels = { tier: 't'.repeat(63), other: `${'t'.repeat(62)}u` };
  const policies = Object.values(labels).map((name) => ({
    kind: globalNetworkPolicy,
    name: `${name}.${'x'.repeat(189)}`,
    spec: { ...withRule({ action: 'Log' }).spec, tier: name },
  }));
  const tiers = Object.values(labels).map((name) => ({ kind: tier, name, spec: { order: 1 } }));
  const profiles = [LONG, `${LONG.slice(1)}y`].map((name) => ({
    kind: profile,
    name,
    spec: { ingress: [{ action: 'Deny' }] },
  }));
  const spec = { ...ENDPOINT, profiles: profiles.map(({ name }) => name), interfaceName: 'cali-._45678901' };
  expectLoaded(...policies, ...tiers, ...profiles, { kind: workloadEndpoint, name: WORKLOAD, spec });
});

/** Fields of an endpoint that reach the rules. */
const ENDPOINTS: readonly object[] = [
  { interfaceName: 'cali' },
  { interfaceName: 'calia.b-c_d' },
  { mac: 'ff:ff:ff:ff:ff:ff' },
  { mac: '00:00:00:00:00:00' },
  { ipNetworks: ['0.0.0.0/32', '255.255.255.255/32', '::/128', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128'] },
  { ipNetworks: [] },
  { qosControls: { ingressPacketRate: 1, egressPacketRate: 10_000 } },
  { qosControls: { ingressPacketRate: 10_000, ingressPacketBurst: 10_000, egressPacketRate: 1, egressPacketBurst: 1 } },
  { qosControls: { ingressMaxConnections: 1, egressMaxConnections: 0xffffffff } },
  ...[0, 63, 'EF', 'AF43'].map((dscp) => ({ qosControls: { dscp } })),
  { ports: [1, 65535].map((port) => ({ name: 'a'.repeat(15), protocol: 'TCP', port })) },
  { allowSpoofedSourcePrefixes: ['0.0.0.0/0', '::/0'] },
  { allowSpoofedSourcePrefixes: ['10.0.0.0/8', '10.1.0.0/16', '10.65.0.1', '255.255.255.255/32', 'ffff::/16'] },
];

test('the kernel takes every field of an endpoint at its limits', () => {
  for (const more of ENDPOINTS) {
    const named = withRule({ protocol: 'TCP', destination: { ports: ['a'.repeat(15)] } });
    expectLoaded({ kind: workloadEndpoint, name: WORKLOAD, spec: { ...ENDPOINT, ...more } }, named);
  }
}, 30_000);

test('the kernel takes network sets and pools at their limits', () => {
  for (const nets of RANGES)
    expectLoaded(
      { kind: globalNetworkSet, name: LONG, spec: { nets } },
      withRule({ source: { selector: 'all()', namespaceSelector: 'global()' } }),
    );
  for (const cidr of ['0.0.0.0/1', '128.0.0.0/3', '10.0.0.0/8', '::/1', 'fd00::/8', '255.255.240.0/20'])
    for (const natOutgoing of [true, false]) expectLoaded({ kind: ipPool, name: LONG, spec: { cidr, natOutgoing } });
}, 30_000);

const FAILSAFES = [
  [],
  [
    { protocol: 'TCP', port: 65535, net: '0.0.0.0/0' },
    { protocol: 'udp', port: 1, net: 'fd00::1' },
  ],
  Array.from({ length: 1000 }, (_, port) => ({ protocol: 'UDP', port: port + 1 })),
  Array.from({ length: 300 }, (_, port) => ({ protocol: 'TCP', port: 7, net: `10.0.${port & 255}.0/24` })),
];

const HOST: Stored = { kind: hostEndpoint, name: LONG, spec: { node: 'a', interfaceName: 'x'.repeat(15) } };

test('the kernel takes host endpoints and all kinds of their policies at their limits', () => {
  const flags = [{}, { applyOnForward: true }, { applyOnForward: true, doNotTrack: true }];
  for (const interfaceName of ['*', 'x'.repeat(15), 'a.b-c_d'])
    for (const [index, more] of [...flags, { applyOnForward: true, preDNAT: true }].entries()) {
      const types = index === 3 ? ['Ingress'] : ['Ingress', 'Egress'];
      const rules = [{ action: 'Log' }, { action: 'Pass' }, { action: 'Allow', protocol: 'TCP' }, { action: 'Deny' }];
      const policy = { types, ingress: rules, ...(index === 3 ? {} : { egress: rules }), ...more };
      for (const nftablesFilterDenyAction of ['Drop', 'Reject'])
        expectLoaded(
          { ...HOST, spec: { node: 'a', interfaceName, profiles: ['p'] } },
          { kind: globalNetworkPolicy, name: LONG, spec: policy },
          { kind: felixConfiguration, name: 'default', spec: { nftablesFilterDenyAction } },
        );
    }
}, 30_000);

/** A row for each field of FelixConfiguration that acts. */
const FELIX: Readonly<Record<(typeof ACTING_FELIX_FIELDS)[number], readonly unknown[]>> = {
  defaultEndpointToHostAction: ['Drop', 'Accept', 'Return', 'drop'],
  nftablesFilterDenyAction: ['Drop', 'Reject', 'reject'],
  logPrefix: ['x', ' ', '%n%k', ': /_-', 'x'.repeat(127), 'x'.repeat(128), 'x'.repeat(10_000)],
  logActionRateLimit: ['', '1/second', '9999/second', '7/minute', '7/hour', '1/day', '9999/day'],
  logActionRateLimitBurst: [0, 1, 9999],
  vxlanPort: [1, 65535],
  vxlanEnabled: [true, false],
  vxlanVNI: [1, 0xffffff],
  ipipEnabled: [true, false],
  ipipMTU: [0, 65535],
  vxlanMTU: [0, 65535],
  vxlanMTUV6: [0, 65535],
  programClusterRoutes: ['Enabled', 'Disabled', 'EnabledIPIPOnly', 'EnabledNoEncapOnly'],
  allowVXLANPacketsFromWorkloads: [true, false],
  allowIPIPPacketsFromWorkloads: [true, false],
  ipForwarding: ['Enabled', 'Disabled'],
  logSeverityScreen: ['Trace', 'Fatal'],
  failsafeInboundHostPorts: FAILSAFES,
  failsafeOutboundHostPorts: FAILSAFES,
  natPortRange: ['1', '65535', '1:65535', '1024:2000'],
  natOutgoingAddress: ['0.0.0.0', '255.255.255.255', '192.0.2.1'],
  natOutgoingExclusions: ['IPPoolsOnly', 'IPPoolsAndHostIPs'],
  iptablesNATOutgoingInterfaceFilter: ['+', 'e+', 'eth0', 'a'.repeat(15), `${'a'.repeat(14)}+`, ':._+-', '+a'],
  externalNodesList: [
    ['0.0.0.0/0', '::/0'],
    ['192.0.2.1', 'fd00::1', '10.0.0.0/8', '10.1.0.0/16'],
  ],
  floatingIPs: ['Enabled', 'Disabled'],
  nodeSelector: [], // none with the name `default`
  disableConntrackInvalidCheck: [true, false],
  workloadSourceSpoofing: ['Any', 'Disabled', 'any'],
  mtuIfacePattern: ['^x', '.*'],
  nftablesRefreshInterval: ['0s', '1ms', '1000h'],
  routeRefreshInterval: ['0s', '1ms', '1000h'],
  reportingInterval: ['0s', '1ms', '1000h'],
  reportingTTL: ['0s', '1ms', '1000h'],
  endpointReportingEnabled: [true, false],
  endpointReportingDelay: ['0s', '1ms', '1000h'],
  openstackRegion: ['a'.repeat(46)],
  routeTableRange: [{ min: 1, max: 250 }],
  routeTableRanges: [[{ min: 4_294_901_761, max: 4_294_967_295 }], []],
  wireguardEnabled: [true, false],
  wireguardEnabledV6: [true, false],
  wireguardHostEncryptionEnabled: [true, false],
  wireguardInterfaceName: ['a', 'x'.repeat(15), 'a_b-c'],
  wireguardInterfaceNameV6: ['a', 'x'.repeat(15), 'a_b-c'],
  wireguardKeepAlive: ['0s', '1ms', '1000h'],
  wireguardListeningPort: [1, 65535],
  wireguardListeningPortV6: [1, 65535],
  wireguardMTU: [0, 65535],
  wireguardMTUV6: [0, 65535],
  wireguardRoutingRulePriority: [1, 32765],
  wireguardThreadingEnabled: [true, false],
};

test('the kernel takes every field of FelixConfiguration that acts, at its limits', () => {
  for (const [field, values] of Object.entries(FELIX)) {
    for (const value of values) {
      const spec = { wireguardEnabled: true, wireguardEnabledV6: true, [field]: value };
      expectLoaded({ kind: felixConfiguration, name: 'default', spec }, withRule({ action: 'Log' }), HOST);
    }
  }
}, 30_000);
