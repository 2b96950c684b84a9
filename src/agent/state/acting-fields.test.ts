// Nothing is accepted in silence: every field without a mark in model/idle/marks.ts acts. Each is given two values, and
// what the agent makes of the two resources must differ: rules, sets, BIRD's configuration, pools, the name of an endpoint.
// A field that is new, or that nothing reads any more, fails here until it acts or is marked.
import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { documentOf } from '../../../test/support/model/documents.ts';
import { defaultFirewallConfig } from '../../firewall/config.ts';
import { parsePool, parseReservation } from '../../ipam/pool.ts';
import { type EndpointIdentity, tryComputeEndpointName } from '../../model/endpoint/workload-endpoint-name.ts';
import { enclosingIdleMark, findIdle, idleMarksOf, leafPathsOf } from '../../model/idle/idle.ts';
import { NOTES } from '../../model/idle/marks.ts';
import { kinds } from '../../model/kinds.ts';
import { type Kind, readResource } from '../../model/meta/kind.ts';
import type { CalicoNodeStatusSpec } from '../../model/node/calico-node-status.ts';
import { parseIp } from '../../net/ip.ts';
import { parsePolicyUpdate } from '../../policy/input/parse.ts';
import { computeBirdConfig } from '../../routing/bird/config.ts';
import type { RoutingWorkload } from '../../routing/input.ts';
import { fieldsBelow } from '../../schema/describe.ts';
import { membersOf } from '../../schema/document.ts';
import type { Shape } from '../../schema/schema.ts';
import { openLog } from '../../sys/log.ts';
import { type ClusterState, createClusterState } from './cluster-state.ts';
import { parseQuestion } from './node-status-answer.ts';
import { reportNodeStatus } from './node-status-report.ts';
import { createSettingsConsumers } from './settings-consumers.ts';

const OWN = 'host-1';
const NAMES: Readonly<Record<string, string>> = {
  FelixConfiguration: 'default',
  BGPConfiguration: 'default',
  Node: 'host-2',
};
const apiVersion = 'projectcalico.org/v3';
const node = (name: string, last: number) => ({
  kind: 'Node',
  metadata: { name, labels: { rack: 'a' } },
  spec: {
    bgp: { ipv4Address: `10.0.0.${last}/24`, ipv6Address: `fd00::${last}/64` },
    ...{ ipv4VXLANTunnelAddr: `10.8.${last}.1`, ipv6VXLANTunnelAddr: `fd08::${last}00` },
  },
});
const peer = {
  kind: 'BGPPeer',
  metadata: { name: 'other' },
  spec: { peerIP: '10.0.0.9', asNumber: 65009, filters: ['name'] },
};
const peer6 = { ...peer, metadata: { name: 'six' }, spec: { ...peer.spec, peerIP: 'fd00::9' } };
/** Workloads of the host as peers, and one that is there. */
const inner = {
  kind: 'BGPPeer',
  metadata: { name: 'workloads' },
  spec: { localWorkloadSelector: 'all()', asNumber: 65100 },
};
const peering = {
  kind: 'BGPConfiguration',
  metadata: { name: 'default' },
  spec: { localWorkloadPeeringIPV4: '169.254.9.9', localWorkloadPeeringIPV6: 'fd09:9::9' },
};
const WORKLOADS: readonly RoutingWorkload[] = [
  {
    ...{ id: 'ns/one', interfaceName: 'cali1', labels: new Map([['a', 'b']]) },
    addresses: ['10.9.0.1', 'fd09::1'].map(parseIp),
  },
];
const own = ['10.9.0.0/26', 'fd09::/122', '10.8.1.0/26'];
const others = ['10.9.2.0/26', '10.8.2.0/26', 'fd08::200/122', '10.1.2.0/26'];
/** The other resources beside the one under test. */
const WORLD: readonly { readonly kind: string; readonly metadata: { readonly name: string }; readonly spec: object }[] =
  [
    ...[node(OWN, 1), node('host-2', 2), node('host-3', 3), peer, peer6, inner, peering],
    {
      kind: 'FelixConfiguration',
      metadata: { name: 'default' },
      spec: { wireguardEnabled: true, wireguardEnabledV6: true },
    },
    { kind: 'IPPool', metadata: { name: 'four' }, spec: { cidr: '10.9.0.0/16', nodeSelector: 'all()' } },
    { kind: 'IPPool', metadata: { name: 'vxlan' }, spec: { cidr: '10.8.0.0/16', vxlanMode: 'Always' } },
    { kind: 'IPPool', metadata: { name: 'six' }, spec: { cidr: 'fd08::/64', vxlanMode: 'CrossSubnet' } },
    { kind: 'IPPool', metadata: { name: 'ipip' }, spec: { cidr: '10.7.0.0/16', ipipMode: 'Always' } },
  ];

type Entry = readonly [path: string, value: unknown];
const RULE = /^spec\.(ingress|egress)\./;

/** What a kind needs at least. */
const LEAST: Readonly<Record<string, object>> = {
  IPPool: { cidr: '10.1.0.0/16' },
  BGPPeer: { peerIP: '10.0.0.8', asNumber: 65008 },
  IPReservation: { reservedCIDRs: ['10.0.0.0/30'] },
  WorkloadEndpoint: {
    ...{ orchestrator: 'cni', node: OWN, containerID: 'c', endpoint: 'eth0', interfaceName: 'calic' },
    ipNetworks: ['10.1.0.1/32'],
  },
  Node: {
    bgp: { ipv4Address: '10.0.0.2/24', ipv6Address: 'fd00::2/64' },
    ...{ ipv4VXLANTunnelAddr: '10.8.2.1', ipv6VXLANTunnelAddr: 'fd08::200' },
  },
  CalicoNodeStatus: { node: OWN, classes: ['BGP'], updatePeriodSeconds: 10 },
  HostEndpoint: { node: OWN, interfaceName: 'eth0' },
};

/** What must stand beside a field, by the first pattern that its path matches. */
const BESIDE: readonly (readonly [RegExp, readonly Entry[]])[] = [
  [
    /^spec\.\w+V6\.(prefixLength|matchOperator)/,
    [
      ['action', 'Accept'],
      ['cidr', 'fd00::/8'],
      ['matchOperator', 'In'],
    ],
  ],
  [
    /^spec\.\w+V[46]\.(prefixLength|matchOperator)/,
    [
      ['action', 'Accept'],
      ['cidr', '10.0.0.0/8'],
      ['matchOperator', 'In'],
    ],
  ],
  [
    /^spec\.\w+V[46]\.cidr/,
    [
      ['action', 'Accept'],
      ['matchOperator', 'In'],
    ],
  ],
  [/^spec\.\w+V[46]\./, [['action', 'Accept']]],
  [
    /^spec\.\w+gress\.(icmp|notICMP)\.code/,
    [
      ['action', 'Allow'],
      ['protocol', 'ICMP'],
      ['icmp.type', 8],
      ['notICMP.type', 3],
    ],
  ],
  [
    /^spec\.\w+gress\.(icmp|notICMP)/,
    [
      ['action', 'Allow'],
      ['protocol', 'ICMP'],
    ],
  ],
  [/^spec\.\w+gress\.(protocol|ipVersion)/, [['action', 'Allow']]],
  [
    RULE,
    [
      ['action', 'Allow'],
      ['protocol', 'TCP'],
    ],
  ],
  [
    /^spec\.communities\./,
    [
      ['name', 'edge'],
      ['value', '65000:1'],
    ],
  ],
  [
    /secretKeyRef/,
    [
      ['secretKeyRef.name', 'rack'],
      ['secretKeyRef.key', 'bgp'],
    ],
  ],
  [
    /^spec\.prefixAdvertisements\./,
    [
      ['cidr', '10.9.0.0/16'],
      ['communities', ['65000:1']],
    ],
  ],
  [/^spec\.failsafe\w+HostPorts\./, [['port', 22]]],
  [
    /^spec\.qosControls\.(in|e)gress(Burst|Peakrate|Minburst)/,
    [
      ['ingressBandwidth', 4_000],
      ['egressBandwidth', 4_000],
    ],
  ],
  [
    /^spec\.qosControls\.(in|e)gressPacketBurst/,
    [
      ['ingressPacketRate', 40],
      ['egressPacketRate', 40],
    ],
  ],
  [
    /^spec\.ipNATs\./,
    [
      ['internalIP', '10.1.0.1'],
      ['externalIP', '10.2.0.1'],
    ],
  ],
  [
    /^spec\.ports\./,
    [
      ['name', 'web'],
      ['protocol', 'TCP'],
      ['port', 80],
    ],
  ],
];

/** Other fields of the spec that a field needs, by its path or with its kind; undefined takes one away. */
const WITH: Readonly<Record<string, object>> = {
  'spec.localWorkloadSelector': { peerIP: undefined },
  'spec.communities.name': { prefixAdvertisements: [{ cidr: '10.9.0.0/16', communities: ['edge'] }] },
  'spec.communities.value': { prefixAdvertisements: [{ cidr: '10.9.0.0/16', communities: ['edge'] }] },
  'spec.peerSelector': { peerIP: undefined, asNumber: undefined },
  'spec.reversePeering': { peerIP: undefined, asNumber: undefined, node: 'host-2', peerSelector: `rack == 'a'` },
  'IPPool spec.namespaceSelector': { allowedUses: ['Workload'] },
  'spec.doNotTrack': { applyOnForward: true },
  'spec.preDNAT': { applyOnForward: true },
  'spec.orchestrator': { workload: 'w' },
  'spec.workload': { orchestrator: 'rkt' },
  'FelixConfiguration spec.nodeSelector': { logPrefix: 'x' },
  'spec.externalNodesList': { natOutgoingExclusions: 'IPPoolsAndHostIPs' },
  'spec.ipNATs.internalIP': { ipNetworks: ['10.1.0.1/32', '10.1.0.2/32'] },
  'FelixConfiguration spec.wireguardThreadingEnabled': { wireguardEnabled: true },
  'FelixConfiguration spec.wireguardListeningPort': { wireguardEnabled: true },
  'FelixConfiguration spec.wireguardListeningPortV6': { wireguardEnabledV6: true },
  'FelixConfiguration spec.wireguardRoutingRulePriority': { wireguardEnabled: true },
  'FelixConfiguration spec.wireguardInterfaceName': { wireguardEnabled: true },
  'FelixConfiguration spec.wireguardInterfaceNameV6': { wireguardEnabledV6: true },
  'FelixConfiguration spec.wireguardHostEncryptionEnabled': { wireguardEnabled: true },
  'FelixConfiguration spec.wireguardKeepAlive': { wireguardEnabled: true },
  'FelixConfiguration spec.routeTableRange.min': { wireguardEnabled: true, routeTableRange: { min: 1, max: 250 } },
  'FelixConfiguration spec.routeTableRange.max': { wireguardEnabledV6: true, routeTableRange: { min: 1, max: 250 } },
  'FelixConfiguration spec.routeTableRanges.min': { wireguardEnabled: true, routeTableRanges: [{ min: 1, max: 250 }] },
  'FelixConfiguration spec.routeTableRanges.max': {
    wireguardEnabledV6: true,
    routeTableRanges: [
      { min: 1, max: 250 },
      { min: 300, max: 300 },
    ],
  },
  'spec.pod': { orchestrator: 'k8s', containerID: undefined },
};

/** Two values for fields of a name, the first pattern counts; undefined is no value. */
const VALUES: readonly (readonly [RegExp, unknown, unknown])[] = [
  [/^spec\.classes$/, ['BGP'], ['Agent']],
  [/^spec\.updatePeriodSeconds$/, 0, 10],
  [/V6\.cidr$/, 'fd00::/16', 'fd01::/16'],
  [/^spec\.cidr$|\.cidr$/, '10.1.0.0/16', '10.2.0.0/16'],
  [/stagedAction$/, 'Set', 'Ignore'],
  [/\.action$/, undefined, undefined], // below, by kind of rule
  [/prefixLength\.(min|max)$/, undefined, 20],
  [/\.source$/, undefined, 'RemotePeers'],
  [/\.interface$/, undefined, 'eth*'],
  [/\.matchOperator$/, 'In', 'NotIn'],
  [/\.peerType$/, undefined, 'eBGP'],
  [/communities\.values$/, ['65000:7'], ['65000:8']],
  [/asPathPrefix$|prependASPath\.prefix$/, [65001], [65002]],
  [/setPriority\.value$|\.priority$/, 7, 8],
  [/addCommunity\.value$/, '65000:1', '65000:2'],
  [/\.ipVersion$/, undefined, 4],
  [/\.protocol$/, 'UDP', 'TCP'],
  [/\.notProtocol$/, undefined, 'UDP'],
  [/(icmp|notICMP)\.(type|code)$/, 1, 2],
  [/\.nets$|\.notNets$/, undefined, ['10.0.0.0/8']],
  [/serviceAccounts\.names$/, undefined, ['robot']],
  [/nodeSelector$/, undefined, `has(rack)`],
  [/^spec\.peerSelector$/, 'has(rack)', 'has(other)'],
  [/localWorkloadSelector$/, `a == 'c'`, `a == 'b'`],
  [/[sS]elector$/, undefined, `a == 'b'`],
  [/\.(ports|notPorts)$/, undefined, [80]],
  [/metadata\.annotations$/, undefined, { note: 'x' }],
  [/\.order$/, undefined, 7],
  [/\.tier$/, 'default', 'other'],
  [/\.types$/, ['Ingress'], ['Ingress', 'Egress']],
  [/performanceHints$/, undefined, ['AssumeNeededOnEveryNode']],
  [/defaultAction$/, 'Deny', 'Pass'],
  [/labelsToApply$/, undefined, { a: 'b' }],
  [/reservedCIDRs$/, ['10.0.0.0/30'], ['10.0.0.0/29']],
  [/natOutgoing$|^spec\.disabled$|disableBGPExport$/, false, true],
  [/blockSize$/, 26, 28],
  [/allowedUses$/, ['Workload'], ['Tunnel']],
  [/assignmentMode$/, 'Automatic', 'Manual'],
  [/secretKeyRef\.(name|key)$/, 'rack', 'row'],
  [/nodeMeshMaxRestartTime$|maxRestartTime$/, '30s', '60s'],
  [/keepaliveTime$/, '30s', '60s'],
  [/logSeverityScreen$/, 'Info', 'Debug'],
  [/nodeToNodeMeshEnabled$/, true, false],
  [/asNumber$|localASNumber$/, 65010, 65011],
  [/listenPort$/, 179, 1179],
  [/bindMode$/, 'None', 'NodeIP'],
  [/localWorkloadPeeringIPV4$/, '169.254.1.1', '169.254.1.2'],
  [/localWorkloadPeeringIPV6$/, 'fd01::1', 'fd01::2'],
  [/ignoredInterfaces$/, undefined, ['eth9']],
  [/programClusterRoutes$/, 'Enabled', 'Disabled'],
  [/NormalRoutePriority$/, undefined, 2000],
  [/communities\.name$/, 'edge', 'core'],
  [/communities\.value$/, '65000:1', '65000:2'],
  [/prefixAdvertisements\.communities$/, ['65000:1'], ['65000:2']],
  [/^spec\.peerIP$/, '10.0.0.8', '10.0.0.7'],
  [/keepOriginalNextHop$/, false, true],
  [/nextHopMode$/, 'Auto', 'Keep'],
  [/sourceAddress$/, 'UseNodeIP', 'None'],
  [/numAllowedLocalASNumbers$/, undefined, 2],
  [/ttlSecurity$/, undefined, 2],
  [/reachableBy$/, undefined, '10.0.0.254'],
  [/filters$/, undefined, ['name']],
  [/reversePeering$/, 'Auto', 'Manual'],
  [/ipv4Address$/, '10.0.0.2/24', '10.0.0.4/24'],
  [/ipv6Address$/, 'fd00::2/64', 'fd00::4/64'],
  [/routeReflectorClusterID$/, undefined, '1.2.3.4'],
  [/defaultEndpointToHostAction$/, 'Drop', 'Accept'],
  [/failsafe\w+HostPorts\.protocol$/, 'TCP', 'UDP'],
  [/failsafe\w+HostPorts\.port$/, 22, 2222],
  [/failsafe\w+HostPorts\.net$/, undefined, '10.0.0.0/8'],
  [/doNotTrack$|preDNAT$|applyOnForward$/, false, true],
  [/expectedIPs$/, ['10.0.0.1'], ['10.0.0.3']],
  [/wireguard(Enabled(V6)?|ThreadingEnabled|HostEncryptionEnabled)$/, false, true],
  [/wireguardListeningPort(V6)?$|wireguardRoutingRulePriority$/, undefined, 7000],
  [/wireguardInterfaceName(V6)?$/, undefined, 'wg0'],
  [/wireguardMTU(V6)?$/, undefined, 1400],
  [/wireguardKeepAlive$/, undefined, '25s'],
  [/routeTableRanges?\.min$/, 1, 7],
  [/routeTableRanges?\.max$/, 250, 1],
  [/interfaceIPv4Address$/, undefined, '10.8.2.9'],
  [/interfaceIPv6Address$/, undefined, 'fd08::209'],
  [/logPrefix$/, 'a', 'b'],
  [/natPortRange$/, undefined, '1024:2000'],
  [/natOutgoingAddress$/, undefined, '192.0.2.7'],
  [/natOutgoingExclusions$/, 'IPPoolsOnly', 'IPPoolsAndHostIPs'],
  [/NATOutgoingInterfaceFilter$/, undefined, 'eth+'],
  [/externalNodesList$/, undefined, ['192.0.2.0/24']],
  [/floatingIPs$/, 'Disabled', 'Enabled'],
  [/disableConntrackInvalidCheck$|endpointReportingEnabled$/, false, true],
  [/workloadSourceSpoofing$/, 'Disabled', 'Any'],
  [/mtuIfacePattern$/, undefined, '^lan'],
  [/RefreshInterval$|reportingInterval$|reportingTTL$|endpointReportingDelay$/, undefined, '7s'],
  [/openstackRegion$/, undefined, 'north'],
  [/gress(Bandwidth|Burst|Peakrate|Minburst|PacketRate|PacketBurst|MaxConnections)$/, 5_000, 6_000],
  [/\.dscp$/, 10, 'EF'],
  [/ipNATs\.internalIP$/, '10.1.0.1', '10.1.0.2'],
  [/ipNATs\.externalIP$/, '10.2.0.1', '10.2.0.2'],
  [/logActionRateLimit$/, undefined, '7/minute'],
  [/logActionRateLimitBurst$/, undefined, 9],
  [/ipForwarding$/, 'Enabled', 'Disabled'],
  [/vxlanPort$/, 4789, 4790],
  [/(vxlan|ipip)Enabled$/, undefined, false],
  [/vxlanVNI$/, undefined, 5000],
  [/(vxlanMTU(V6)?|ipipMTU)$/, undefined, 1400],
  [/(vxlan|ipip)Mode$/, 'Always', 'CrossSubnet'],
  [/ipv4IPIPTunnelAddr$/, '10.7.0.1', '10.7.0.2'],
  [/ipv4VXLANTunnelAddr$/, undefined, '10.8.2.9'],
  [/ipv6VXLANTunnelAddr$/, undefined, 'fd08::209'],
  [/vxlanTunnelMACAddr(V6)?$/, undefined, 'ca:fe:1d:52:bb:e9'],
  [/PacketsFromWorkloads$/, false, true],
  [/nftablesFilterDenyAction$/, 'Drop', 'Reject'],
  [/^spec\.orchestrator$/, 'rkt', 'other'],
  [/^spec\.(workload|pod|containerID|endpoint|serviceAccountName)$/, 'one', 'two'],
  [/^spec\.node$/, OWN, 'host-2'],
  [/ipNetworks$/, ['10.1.0.1/32'], ['10.1.0.2/32']],
  [/profiles$/, undefined, ['network1']],
  [/interfaceName$/, 'cali1', 'cali2'],
  [/\.mac$/, undefined, 'ca:fe:1d:52:bb:e9'],
  [/ports\.name$/, 'web', 'api'],
  [/ports\.port$/, 80, 81],
  [/allowSpoofedSourcePrefixes$/, undefined, ['10.88.0.0/16']],
];

function valuesFor(kind: Kind, path: string): readonly [unknown, unknown] {
  if (kind.name === 'FelixConfiguration' && path === 'spec.nodeSelector') return ['has(other)', 'has(rack)'];
  if (path.endsWith('.action')) return kind.name === 'BGPFilter' ? ['Accept', 'Reject'] : ['Allow', 'Deny'];
  const entry = VALUES.find(([pattern]) => pattern.test(path));
  if (entry === undefined)
    throw new Error(`${kind.name} ${path} has no mark in model/idle/marks.ts and no values here`);
  return [entry[1], entry[2]];
}

/** The object with a value at a path; a list on the way gets one item. */
function setAt(value: unknown, names: readonly string[], shape: Shape | undefined, wanted: unknown): unknown {
  const [name, ...rest] = names;
  if (name === undefined) return wanted;
  if (shape?.shape === 'list') return [setAt(Array.isArray(value) ? value[0] : undefined, names, shape.item, wanted)];
  const members = membersOf(value) ?? {};
  const below = shape === undefined ? undefined : fieldsBelow(shape)[name]?.schema;
  const set = setAt(members[name], rest, below, wanted);
  const { [name]: _, ...others } = members;
  return set === undefined ? others : { ...others, [name]: set };
}

function specOf(kind: Kind, path: string, value: unknown): unknown {
  const shape = kind.schema.fields.spec?.schema;
  const [, first = '', ...deeper] = path.split('.');
  const beside = deeper.length === 0 ? [] : (BESIDE.find(([pattern]) => pattern.test(path))?.[1] ?? []);
  let spec: unknown = { ...LEAST[kind.name] };
  for (const [name, one] of Object.entries(WITH[path] ?? WITH[`${kind.name} ${path}`] ?? {}))
    spec = setAt(spec, [name], shape, one);
  for (const [name, one] of beside) spec = setAt(spec, [first, ...name.split('.')], shape, one);
  return setAt(spec, [first, ...deeper], shape, value);
}

function stateWith(kind: Kind, stored: unknown): string {
  const log = openLog(() => undefined);
  const clusterState = createClusterState({
    nodeName: OWN,
    routerId: undefined,
    felix: {},
    log,
  });
  const put = (name: string, resourceKind: never, value: unknown) =>
    clusterState.update({ kind: 'resource', resourceKind, namespace: undefined, name }, JSON.stringify(value));
  for (const one of WORLD) put(one.metadata.name, one.kind as never, { apiVersion, ...one });
  put(nameIn(kind, membersOf(stored)?.spec), kind.name as never, stored);
  for (const cidr of others)
    clusterState.update({ kind: 'block', cidr }, `{"cidr":"${cidr}","affinity":"host:host-2","attributes":[]}`);
  for (const cidr of own) {
    clusterState.update({ kind: 'affinity', owner: { kind: 'host', name: OWN }, cidr }, '{"state":"confirmed"}');
    clusterState.update({ kind: 'block', cidr }, `{"cidr":"${cidr}","affinity":"host:${OWN}"}`);
  }
  const input = clusterState.routingInput();
  clusterState.settleRoutes();
  return [
    input && computeBirdConfig({ ...input, workloads: WORKLOADS }),
    show(clusterState.natPools()),
    show(clusterState.natDirect()),
    show(consumedOf(clusterState)),
    show(clusterState.usesIpv6()),
    show(routesOf(clusterState)),
    show([clusterState.encryption(4), clusterState.encryption(6)]),
  ].join('\n');
}

function routesOf({ clusterRoutes }: ClusterState): unknown {
  return ([4, 6] as const).map((family) => {
    const { vxlan, ipip, peers, routes, blackholes } = clusterRoutes[family];
    return [vxlan, ipip, [...peers], [...routes], [...blackholes]];
  });
}

/** What the consumers of settings are given. */
function consumedOf(clusterState: ClusterState): readonly unknown[] {
  const parts: unknown[] = [];
  const note = (part: unknown) => void parts.push(part);
  const targets = {
    dataplane: { setConfig: note },
    workloads: { setAllowed: note },
    hostMtu: { setUplinkPattern: note, setTunnels: note },
    refresher: { setTimes: note },
    reporter: { setReports: note },
    forwarding: { setEnabled: note },
    log: { setLevel: note },
  };
  for (const consumer of createSettingsConsumers({ base: defaultFirewallConfig, ...targets }))
    consumer.follow(clusterState.settings());
  return parts;
}

const show = (value: unknown) => Bun.inspect(value, { depth: 20 });

/** Whether a question is this node's, how often it is answered, and by what. */
function answerTo({ node: asked, classes = [], updatePeriodSeconds }: CalicoNodeStatusSpec): string {
  const status = { version: '2', routerId: '10.0.0.1', startedAt: 'then', configuredAt: 'now' };
  return show([asked === OWN, updatePeriodSeconds, reportNodeStatus(classes, { status, protocols: [], routes: [] })]);
}

/** A configuration for some nodes is called neither `default` nor `node.NAME`; an IP-in-IP device is its own host's alone. */
function nameIn(kind: Kind, spec: unknown): string {
  if (membersOf(membersOf(spec)?.bgp)?.ipv4IPIPTunnelAddr !== undefined) return OWN;
  const isScoped = kind.name === 'FelixConfiguration' && membersOf(spec)?.nodeSelector !== undefined;
  return isScoped ? 'some' : (NAMES[kind.name] ?? 'name');
}

/** All that the agent makes of a resource. */
function outcomeOf(kind: Kind, stored: { readonly spec: unknown }): string {
  const text = JSON.stringify(stored);
  const name = nameIn(kind, stored.spec);
  const key = { kind: kind.name, name, ...(kind.namespaced ? { namespace: 'ns' } : {}) };
  const parts = [
    show(parsePolicyUpdate(key, stored, OWN)?.update),
    stateWith(kind, stored),
    kind.name === 'IPPool' ? show(parsePool(name, text)) : '',
    kind.name === 'IPReservation' ? show(parseReservation(name, text)) : '',
    kind.name === 'WorkloadEndpoint' ? tryComputeEndpointName(stored.spec as EndpointIdentity) : '',
    kind.name === 'CalicoNodeStatus' ? answerTo(parseQuestion(name, text)) : '',
  ];
  return parts.join('\n');
}

function outcomeWith(kind: Kind, path: string, value: unknown): string {
  const spec = specOf(kind, path, value);
  const identity = kind.name === 'WorkloadEndpoint' ? tryComputeEndpointName(spec as EndpointIdentity) : undefined;
  const metadata = { name: identity ?? nameIn(kind, spec), ...(kind.namespaced ? { namespace: 'ns' } : {}) };
  const read = readResource(kind, documentOf(kind, spec, metadata), 'document');
  if (read.kind === 'invalid') throw new Error(`${path} ${JSON.stringify(spec)}: ${JSON.stringify(read.issues)}`);
  return outcomeOf(kind, kind.toStored(read.value));
}

/** Names that something else of the resource refers to: that acts through them. */
const REFERRED: ReadonlySet<string> = new Set(['spec.communities.name']);

function actingPaths(kind: Kind): readonly string[] {
  const isNote = (path: string) => (NOTES[kind.name] ?? []).some((note) => path.startsWith(`${note}.`));
  return leafPathsOf(kind).filter(
    (path) => enclosingIdleMark(kind.name, path) === undefined && !isNote(path) && !REFERRED.has(path),
  );
}

for (const kind of kinds.filter(({ readOnly }) => !readOnly))
  for (const path of actingPaths(kind))
    test(`${kind.name} ${path} acts`, () => {
      const [one, other] = valuesFor(kind, path);
      expect(outcomeWith(kind, path, one) === outcomeWith(kind, path, other)).toBe(false);
    });

/** The resource without what its marks name. */
function withoutMarked(kind: Kind, resource: object): unknown {
  return idleMarksOf(kind.name).reduce<unknown>((rest, { path }) => without(rest, path.split('.')), resource);
}

function without(value: unknown, names: readonly string[]): unknown {
  if (Array.isArray(value)) return value.map((item) => without(item, names));
  const [name = '', ...rest] = names;
  const members = membersOf(value);
  if (members?.[name] === undefined) return value;
  const { [name]: below, ...others } = members;
  return rest.length === 0 ? others : { ...others, [name]: without(below, rest) };
}

/** Other marks close something: a rule, a pool, a policy. */
const PASSIVE = ['FelixConfiguration', 'BGPConfiguration', 'BGPPeer', 'WorkloadEndpoint'];

test.each(PASSIVE)('what is marked of %s does nothing, as the mark says', async (name) => {
  const kind = kinds.find((one) => one.name === name);
  const plural = kind?.plural ?? '';
  const text = await Bun.file(join(import.meta.dir, `../../model/meta/cases/${plural}.txt`)).text();
  const [, example = ''] = text.split('\n');
  const read = kind && readResource(kind, JSON.parse(example), 'document');
  if (kind === undefined || read?.kind !== 'valid') throw new Error(`no example of ${name}`);
  const marked = findIdle(kind, read.value).filter(({ path }) => path !== '');
  expect(marked.length).toBeGreaterThan(0);
  expect(outcomeOf(kind, withoutMarked(kind, read.value) as typeof read.value)).toBe(outcomeOf(kind, read.value));
});
