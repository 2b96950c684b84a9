import { expect, test } from 'bun:test';
import { documentOf, issuesOf, storedText } from '../../../test/support/model/documents.ts';
import { bgpConfiguration } from '../bgp/bgp-configuration.ts';
import { bgpFilter } from '../bgp/bgp-filter.ts';
import { bgpPeer } from '../bgp/bgp-peer.ts';
import { felixConfiguration } from '../felix/felix-configuration.ts';
import { blockAffinity } from '../ipam/block-affinity.ts';
import { ipPool } from '../ipam/ip-pool.ts';
import { ipReservation } from '../ipam/ip-reservation.ts';
import { ipamConfiguration } from '../ipam/ipam-configuration.ts';
import { findKind, findKindByAlias, kinds } from '../kinds.ts';
import { calicoNodeStatus } from '../node/calico-node-status.ts';
import { clusterInformation } from '../node/cluster-information.ts';
import type { Kind } from './kind.ts';

/** The stored spec (and status) of a document. */
function storedSpec(kind: Kind, spec: unknown, name = 'name'): string {
  const text = storedText(kind, documentOf(kind, spec, { name }));
  return /"spec":(.*)\}$/.exec(text)?.[1] ?? text;
}

const poolDefaults = '"vxlanMode":"Never","ipipMode":"Never"';
const poolEnd = '"nodeSelector":"all()","allowedUses":["Workload","Tunnel"],"assignmentMode":"Automatic"';

test.each<[string, Kind, unknown, string]>([
  ['a pool', ipPool, { cidr: '10.77.0.0/16' }, `{"cidr":"10.77.0.0/16",${poolDefaults},"blockSize":26,${poolEnd}}`],
  [
    'an IPv6 pool',
    ipPool,
    { cidr: 'FD00:88::/48' },
    `{"cidr":"fd00:88::/48",${poolDefaults},"blockSize":122,${poolEnd}}`,
  ],
  [
    'a full pool',
    ipPool,
    {
      blockSize: 28,
      cidr: '10.88.0.0/16',
      natOutgoing: true,
      disabled: false,
      allowedUses: ['Workload'],
      namespaceSelector: 'has(x)',
    },
    '{"cidr":"10.88.0.0/16","vxlanMode":"Never","ipipMode":"Never","natOutgoing":true,"blockSize":28,"nodeSelector":"all()","namespaceSelector":"has(x)","allowedUses":["Workload"],"assignmentMode":"Automatic"}',
  ],
  [
    'a reservation',
    ipReservation,
    { reservedCIDRs: ['10.77.0.0/30', '10.77.0.9'] },
    '{"reservedCIDRs":["10.77.0.0/30","10.77.0.9"]}',
  ],
  [
    'a BGP configuration',
    bgpConfiguration,
    {},
    '{"logSeverityScreen":"Info","serviceLoadBalancerAggregation":"Enabled"}',
  ],
  [
    'a peer',
    bgpPeer,
    { filters: ['f1'], asNumber: '0.64512', peerIP: '10.99.0.254', nodeSelector: 'all()' },
    '{"nodeSelector":"all()","peerIP":"10.99.0.254","asNumber":64512,"filters":["f1"]}',
  ],
  ['a peer without anything', bgpPeer, { keepOriginalNextHop: false, asNumber: 0 }, '{}'],
  [
    'a filter',
    bgpFilter,
    {
      importV4: [{ action: 'Reject', matchOperator: 'NotIn', cidr: '10.77.0.0/16' }],
      exportV6: [{ action: 'Accept' }],
    },
    '{"importV4":[{"cidr":"10.77.0.0/16","matchOperator":"NotIn","action":"Reject"}],"exportV6":[{"action":"Accept"}]}',
  ],
  [
    'a felix configuration',
    felixConfiguration,
    {
      iptablesRefreshInterval: '90s',
      logSeverityScreen: 'INFO',
      failsafeInboundHostPorts: [{ port: 22, protocol: 'TCP' }],
      failsafeOutboundHostPorts: [],
    },
    '{"iptablesRefreshInterval":"1m30s","logSeverityScreen":"Info","failsafeInboundHostPorts":[{"protocol":"TCP","port":22}],"failsafeOutboundHostPorts":[],"nftablesMode":"Auto","nftablesFlowTableOffload":"Disabled","bpfLogLevel":"","bpfConnectTimeLoadBalancing":"TCP","bpfHostNetworkedNATWithoutCTLB":"Enabled","floatingIPs":"Disabled"}',
  ],
  [
    'a node status',
    calicoNodeStatus,
    { node: 'n', classes: ['BGP'], updatePeriodSeconds: 0 },
    '{"node":"n","classes":["BGP"],"updatePeriodSeconds":0},"status":{"agent":{"birdV4":{},"birdV6":{}},"bgp":{"numberEstablishedV4":0,"numberNotEstablishedV4":0,"numberEstablishedV6":0,"numberNotEstablishedV6":0},"routes":{}}',
  ],
])('stored: %s', (_name, kind, spec, expected) => {
  const fixed = kind === bgpConfiguration || kind === ipamConfiguration ? 'default' : 'name';
  expect(storedSpec(kind, spec, fixed)).toBe(expected);
});

const pool = (spec: object) => ({ cidr: '10.0.0.0/16', ...spec });

test.each<[string, Kind, unknown, string, readonly string[]]>([
  ['no range', ipPool, {}, 'p', ['spec.cidr: found nothing, wanted a range such as 10.0.0.0/8, host bits zero']],
  ['no spec', ipPool, undefined, 'p', ['spec.cidr: found nothing, wanted a range such as 10.0.0.0/8, host bits zero']],
  [
    'host bits',
    ipPool,
    { cidr: '10.0.0.1/16' },
    'p',
    ['spec.cidr: found "10.0.0.1/16", wanted a range such as 10.0.0.0/8, host bits zero'],
  ],
  [
    'small',
    ipPool,
    { cidr: '10.0.0.0/27' },
    'p',
    ['spec.cidr: found "10.0.0.0/27", wanted a range that holds a block of /26'],
  ],
  ['small but disabled', ipPool, { cidr: '10.0.0.0/27', disabled: true }, 'p', []],
  [
    'block size',
    ipPool,
    pool({ blockSize: 19 }),
    'p',
    ['spec.blockSize: found 19, wanted a whole number from 20 to 32 for IPv4, from 116 to 128 for IPv6'],
  ],
  [
    'two tunnels',
    ipPool,
    pool({ ipipMode: 'Always', vxlanMode: 'CrossSubnet' }),
    'p',
    ['spec.ipipMode: found "Always", wanted Never beside a vxlanMode'],
  ],
  [
    'IPv6 in IPIP',
    ipPool,
    { cidr: 'fd00::/64', ipipMode: 'Always' },
    'p',
    ['spec.ipipMode: found "Always", wanted Never for an IPv6 pool'],
  ],
  [
    'link local',
    ipPool,
    { cidr: '169.254.0.0/17' },
    'p',
    ['spec.cidr: found "169.254.0.0/17", wanted a range outside of 169.254.0.0/16 and fe80::/10'],
  ],
  [
    'old fields',
    ipPool,
    pool({ ipip: { enabled: true }, 'nat-outgoing': true }),
    'p',
    [
      'spec.ipip: found a field that is not known, wanted one of cidr, vxlanMode, ipipMode, natOutgoing, disabled, disableBGPExport, blockSize, nodeSelector, namespaceSelector, allowedUses, assignmentMode',
      'spec.nat-outgoing: found a field that is not known, wanted "natOutgoing"',
    ],
  ],
  [
    'namespaces for tunnels',
    ipPool,
    pool({ namespaceSelector: 'has(x)' }),
    'p',
    ['spec.namespaceSelector: found "has(x)", wanted nothing for a pool whose allowedUses has Tunnel'],
  ],
  [
    'load balancers',
    ipPool,
    pool({
      allowedUses: ['LoadBalancer', 'Workload'],
      disableBGPExport: true,
      nodeSelector: 'has(x)',
      vxlanMode: 'Always',
    }),
    'p',
    [
      'spec.allowedUses: found LoadBalancer, Workload, wanted LoadBalancer alone',
      'spec.allowedUses: found LoadBalancer, wanted a pool with ipipMode and vxlanMode Never',
      'spec.disableBGPExport: found true, wanted false for a pool for LoadBalancer',
      'spec.nodeSelector: found "has(x)", wanted all() for a pool for LoadBalancer',
    ],
  ],
  ['another name', bgpConfiguration, {}, 'x', ['metadata.name: found "x", wanted "default" or "node." and a node']],
  [
    'mesh of one node',
    bgpConfiguration,
    { nodeToNodeMeshEnabled: false, asNumber: 1 },
    'node.a',
    [
      'spec.nodeToNodeMeshEnabled: found false, wanted nothing: only "default" may set it',
      'spec.asNumber: found 1, wanted nothing: only "default" may set it',
    ],
  ],
  [
    'restart time without a mesh',
    bgpConfiguration,
    { nodeToNodeMeshEnabled: false, nodeMeshMaxRestartTime: '1s' },
    'default',
    ['spec.nodeMeshMaxRestartTime: found "1s", wanted nothing without a mesh'],
  ],
  [
    'unused communities',
    bgpConfiguration,
    { communities: [{ name: 'c', value: '1:2' }] },
    'default',
    ['spec.prefixAdvertisements: found nothing, wanted advertisements that use the communities'],
  ],
  [
    'an unknown community',
    bgpConfiguration,
    { prefixAdvertisements: [{ cidr: '10.0.0.0/8', communities: ['1:2', 'c'] }] },
    'default',
    ['spec.prefixAdvertisements[0].communities[1]: found "c", wanted a name among communities'],
  ],
  [
    'two selectors of nodes',
    bgpPeer,
    { node: 'a', nodeSelector: 'all()' },
    'p',
    ['spec.nodeSelector: found "all()", wanted nothing beside node'],
  ],
  [
    'two peers',
    bgpPeer,
    { peerIP: '10.0.0.1', peerSelector: 'all()', asNumber: 1 },
    'p',
    [
      'spec.peerSelector: found "all()", wanted nothing beside peerIP',
      'spec.asNumber: found 1, wanted nothing beside peerSelector',
    ],
  ],
  [
    'local workloads',
    bgpPeer,
    { localWorkloadSelector: 'all()' },
    'p',
    ['spec.asNumber: found nothing, wanted an AS number beside localWorkloadSelector'],
  ],
  [
    'a gateway to nowhere',
    bgpPeer,
    { reachableBy: '10.0.0.1' },
    'p',
    ['spec.reachableBy: found "10.0.0.1", wanted nothing without peerIP'],
  ],
  [
    'a gateway of another family',
    bgpPeer,
    { peerIP: '[fd00::1]:180', reachableBy: '10.0.0.1' },
    'p',
    ['spec.reachableBy: found "10.0.0.1", wanted an address of the family of peerIP'],
  ],
  [
    'next hops',
    bgpPeer,
    { nextHopMode: 'Keep', keepOriginalNextHop: true },
    'p',
    ['spec.keepOriginalNextHop: found true, wanted nothing beside nextHopMode'],
  ],
  [
    'half a match',
    bgpFilter,
    { exportV4: [{ action: 'Accept', cidr: '10.0.0.0/8' }] },
    'f',
    ['spec.exportV4[0].matchOperator: found nothing, wanted an operator beside cidr'],
  ],
  [
    'another family',
    bgpFilter,
    { exportV4: [{ action: 'Accept', cidr: 'fd00::/8', matchOperator: 'In' }] },
    'f',
    ['spec.exportV4[0].cidr: found "fd00::/8", wanted an IPv4 range, host bits zero'],
  ],
  [
    'lengths without a range',
    bgpFilter,
    { importV6: [{ action: 'Accept', prefixLength: { min: 9, max: 8 } }] },
    'f',
    [
      'spec.importV6[0].cidr: found nothing, wanted a range beside prefixLength',
      'spec.importV6[0].prefixLength.min: found 9, wanted at most max, 8',
    ],
  ],
  [
    'changes of refused routes',
    bgpFilter,
    { importV6: [{ action: 'Reject', operations: [{ setPriority: { value: 1 } }] }] },
    'f',
    ['spec.importV6[0].operations: found a list of 1, wanted nothing beside action Reject'],
  ],
  [
    'two changes in one',
    bgpFilter,
    { importV6: [{ action: 'Accept', operations: [{ setPriority: { value: 1 }, addCommunity: { value: '1:2' } }] }] },
    'f',
    ['spec.importV6[0].operations[0]: found addCommunity and setPriority, wanted one operation'],
  ],
  [
    'selected default',
    felixConfiguration,
    { nodeSelector: 'all()' },
    'default',
    ['spec.nodeSelector: found "all()", wanted nothing for the name "default"'],
  ],
  [
    'tables twice',
    felixConfiguration,
    { routeTableRange: { min: 1, max: 2 }, routeTableRanges: [{ min: 3, max: 1 }] },
    'default',
    [
      'spec.routeTableRanges[0].min: found 3, wanted at most max, 1',
      'spec.routeTableRange: found an object, wanted nothing beside routeTableRanges',
    ],
  ],
  [
    'tables out of range',
    felixConfiguration,
    { routeTableRange: { min: 0, max: 251 } },
    'default',
    [
      'spec.routeTableRange.min: found 0, wanted a whole number from 1 to 250',
      'spec.routeTableRange.max: found 251, wanted a whole number from 1 to 250',
    ],
  ],
  [
    'a number for a time',
    felixConfiguration,
    { reportingInterval: 30 },
    'default',
    ['spec.reportingInterval: found 30, wanted a duration such as 90s, 1m30s or 1h: 0s or at least 1ms'],
  ],
  [
    'an expression',
    felixConfiguration,
    { mtuIfacePattern: '(' },
    'default',
    ['spec.mtuIfacePattern: found "(", wanted a regular expression in RE2 syntax'],
  ],
  [
    'an unknown setting',
    felixConfiguration,
    { foo: 1 },
    'default',
    ['spec.foo: found a field that is not known, wanted a field that the reference names'],
  ],
  ['not the default', clusterInformation, {}, 'x', ['metadata.name: found "x", wanted "default"']],
  ['not the default', ipamConfiguration, {}, 'x', ['metadata.name: found "x", wanted "default"']],
  [
    'a deleted affinity',
    blockAffinity,
    { state: 'confirmed', node: 'n', cidr: '10.0.0.0/26', deleted: 'true' },
    'x',
    ['spec.deleted: found "true", wanted one of false'],
  ],
  [
    'too rarely',
    calicoNodeStatus,
    { node: 'host1', classes: ['BGP'], updatePeriodSeconds: 86401 },
    'x',
    ['spec.updatePeriodSeconds: found 86401, wanted a whole number from 0 to 86400'],
  ],
])('refused: %s', (_name, kind, spec, name, expected) => {
  expect(issuesOf(kind, documentOf(kind, spec, { name }))).toEqual(expected);
});

test('limits of communities', () => {
  const communities = (count: number) =>
    Array.from({ length: count }, (_, index) => ({ name: `c${index}`, value: `1:${index}` }));
  const advertisements = (count: number) =>
    Array.from({ length: count }, () => ({ cidr: '10.0.0.0/8', communities: ['c0'] }));
  const issues = (spec: object) => issuesOf(bgpConfiguration, documentOf(bgpConfiguration, spec, { name: 'default' }));
  expect(issues({ communities: communities(500), prefixAdvertisements: advertisements(500) })).toEqual([]);
  expect(issues({ communities: communities(501), prefixAdvertisements: advertisements(501) })).toEqual([
    'spec.communities: found 501 items, wanted at most 500',
    'spec.prefixAdvertisements: found 501 items, wanted at most 500',
  ]);
  const used = { cidr: '10.0.0.0/8', communities: Array.from({ length: 51 }, (_, index) => `1:${index}`) };
  expect(issues({ prefixAdvertisements: [used] })).toEqual([
    'spec.prefixAdvertisements[0].communities: found 51 items, wanted at most 50',
  ]);
});

test('metadata', () => {
  const big = 'x'.repeat(256 * 1024);
  expect(
    issuesOf(ipPool, {
      kind: 'IPPool',
      apiVersion: 'v1',
      metadata: { name: 'P', labels: { a: 1.5 }, foo: 1 },
      spec: pool({}),
    }),
  ).toEqual([
    'apiVersion: found "v1", wanted one of projectcalico.org/v3',
    'metadata.name: found "P", wanted lower-case letters, digits, "-" and "." that start and end with a letter or digit, at most 253 characters',
    'metadata.labels.a: found 1.5, wanted a label value: at most 63 letters, digits, "-", "_" and "."',
    'metadata.foo: found a field that is not known, wanted one of name, namespace, uid, resourceVersion, creationTimestamp, labels, annotations',
  ]);
  expect(issuesOf(ipPool, documentOf(ipPool, pool({}), { annotations: { a: big } }))).toEqual([
    'metadata.annotations: found 262145 characters, wanted at most 262144 in all annotations together',
  ]);
});

test('every kind has its names, headings and a sentence for every field', () => {
  const names = kinds.flatMap((kind) => [kind.plural, ...kind.aliases]);
  expect(new Set(names).size).toBe(names.length);
  for (const kind of kinds) {
    expect(findKind(kind.name)).toBe(kind);
    expect(findKindByAlias(kind.name)).toBe(kind);
    expect(findKindByAlias(kind.plural.toUpperCase())).toBe(kind);
    const headings = kind.columns.map((column) => column.heading);
    for (const heading of [...kind.table, ...kind.wideTable]) expect(headings).toContain(heading);
  }
  expect(findKindByAlias('foo')).toBeUndefined();
});
