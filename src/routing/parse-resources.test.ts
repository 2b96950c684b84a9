import { expect, test } from 'bun:test';
import { usualBgp } from '../../test/support/routing/bgp-settings.ts';
import { type BGPConfigurationSpec, bgpConfiguration } from '../model/bgp/bgp-configuration.ts';
import { bgpPeer } from '../model/bgp/bgp-peer.ts';
import { ipPool } from '../model/ipam/ip-pool.ts';
import type { Kind } from '../model/meta/kind.ts';
import type { Resource } from '../model/meta/resource.ts';
import { parseStored } from '../model/meta/stored.ts';
import { node } from '../model/node/node.ts';
import { parseCidr } from '../net/cidr.ts';
import { parseIp } from '../net/ip.ts';
import { parseSelector } from '../selector/parse.ts';
import type { BgpPeer, BgpSettings, RoutingNode, RoutingPool } from './input.ts';
import { parseBgpSettings, parseRoutingNode, parseRoutingPool, tryParseBgpPeer } from './parse-resources.ts';

function stored<R extends Resource>(kind: Kind<R>, name: string, spec: object, labels?: Record<string, string>): R {
  const metadata = { name, ...(labels === undefined ? {} : { labels }) };
  return parseStored(kind, { apiVersion: 'projectcalico.org/v3', kind: kind.name, metadata, spec });
}

const nodes: readonly (readonly [string, object, object | undefined, Partial<RoutingNode>])[] = [
  ['nothing', {}, undefined, {}],
  [
    'both families',
    { bgp: { ipv4Address: '10.0.0.1/24', ipv6Address: 'fd00::1/64' } },
    undefined,
    {
      ipv4: parseIp('10.0.0.1') as NonNullable<RoutingNode['ipv4']>,
      ipv6: parseIp('fd00::1') as NonNullable<RoutingNode['ipv6']>,
    },
  ],
  [
    'an AS number and a cluster of reflectors',
    { bgp: { asNumber: 65001, routeReflectorClusterID: '1.0.0.9' } },
    undefined,
    {
      asNumber: 65001,
      routeReflectorClusterId: parseIp('1.0.0.9') as NonNullable<RoutingNode['ipv4']>,
    },
  ],
  ['a port of its own', {}, { listenPort: 1790 }, { listenPort: 1790 }],
];

test.each(nodes)('a node with %s', (_name, spec, configuration, expected) => {
  const own = configuration && stored(bgpConfiguration, 'node.host-1', configuration);
  const parsed = parseRoutingNode(stored(node, 'host-1', spec, { rack: 'a' }), own);
  expect(parsed).toEqual({ name: 'host-1', labels: new Map([['rack', 'a']]), ...expected });
});

const pools: readonly (readonly [object, Omit<RoutingPool, 'cidr'>])[] = [
  [{}, { encapsulation: 'none', exported: true }],
  [{ ipipMode: 'Always' }, { encapsulation: 'ipip', exported: true }],
  [{ ipipMode: 'CrossSubnet' }, { encapsulation: 'ipip', isCrossSubnet: true, exported: true }],
  [{ vxlanMode: 'CrossSubnet' }, { encapsulation: 'vxlan', isCrossSubnet: true, exported: true }],
  [
    { vxlanMode: 'Always', disableBGPExport: true },
    { encapsulation: 'vxlan', exported: false },
  ],
];

test.each(pools)('a pool with %j', (more, expected) => {
  const pool = stored(ipPool, 'p', { cidr: '10.1.0.0/16', ...more });
  expect(parseRoutingPool(pool)).toEqual({ cidr: parseCidr('10.1.0.0/16'), ...expected });
});

type Spec = Partial<BGPConfigurationSpec>;
const settings: readonly (readonly [string, Spec | undefined, Spec | undefined, Partial<BgpSettings>])[] = [
  ['no configuration at all', undefined, undefined, {}],
  ['empty ones', {}, {}, {}],
  [
    'the cluster’s',
    { asNumber: 65000, nodeMeshMaxRestartTime: '2m30s', listenPort: 1179 },
    undefined,
    { asNumber: 65000, meshMaxRestartSeconds: 150, listenPort: 1179 },
  ],
  [
    'the node’s before the cluster’s, but for the port, which is its alone',
    { listenPort: 1179, bindMode: 'NodeIP', ignoredInterfaces: ['eth9'], logSeverityScreen: 'Debug' },
    { listenPort: 1180, bindMode: 'None', ignoredInterfaces: ['docker0'], logSeverityScreen: 'Error' },
    { listenPort: 1179, ignoredInterfaces: ['docker0'], logLevel: 'none' },
  ],
  [
    'what only the cluster says',
    { bindMode: 'NodeIP', logSeverityScreen: 'Debug' },
    {},
    { bindToNodeIp: true, logLevel: 'debug' },
  ],
  ['no mesh', { nodeToNodeMeshEnabled: false }, {}, { meshEnabled: false }],
  [
    'communities by number and by name, the node’s list instead of the cluster’s',
    {
      communities: [{ name: 'edge', value: '65000:7' }],
      prefixAdvertisements: [{ cidr: '10.0.0.0/8', communities: ['edge'] }],
    },
    {
      communities: [{ name: 'own', value: '65000:8' }],
      prefixAdvertisements: [{ cidr: '10.9.0.0/16', communities: ['own', '1:2:3'] }],
    },
    {
      advertisements: [
        {
          cidr: parseCidr('10.9.0.0/16'),
          communities: [
            [65000, 8],
            [1, 2, 3],
          ],
        },
      ],
    },
  ],
];

test.each(settings)('BGP settings: %s', (_name, cluster, own, expected) => {
  const parsed = parseBgpSettings(
    cluster && stored(bgpConfiguration, 'default', cluster),
    own && stored(bgpConfiguration, 'node.host-1', own),
    true,
  );
  expect(parsed).toEqual({ ...usualBgp, ...expected });
});

const plainPeer: BgpPeer = {
  name: 'peer',
  scope: { kind: 'all' },
  target: { kind: 'address', address: parseIp('10.0.0.9'), asNumber: 65009 },
  nextHop: 'auto',
  fromNodeIp: true,
  reverse: true,
};
const target = { peerIP: '10.0.0.9', asNumber: 65009 };

const peers: readonly (readonly [string, object, Partial<BgpPeer>])[] = [
  ['the least', target, {}],
  [
    'a port',
    { ...target, peerIP: '10.0.0.9:1179' },
    {
      target: { kind: 'address', address: parseIp('10.0.0.9'), port: 1179, asNumber: 65009 },
    },
  ],
  [
    'IPv6 and a port',
    { ...target, peerIP: '[fd00::9]:1179' },
    {
      target: { kind: 'address', address: parseIp('fd00::9'), port: 1179, asNumber: 65009 },
    },
  ],
  ['one node', { ...target, node: 'host-1' }, { scope: { kind: 'node', name: 'host-1' } }],
  [
    'some nodes',
    { ...target, nodeSelector: 'has(rack)' },
    {
      scope: { kind: 'nodes', selector: parseSelector('has(rack)') },
    },
  ],
  [
    'nodes to nodes',
    { peerSelector: "rr == 'yes'", reversePeering: 'Manual' },
    {
      target: { kind: 'nodes', selector: parseSelector("rr == 'yes'") },
      reverse: false,
    },
  ],
  ['filters, in their order', { ...target, filters: ['second', 'first'] }, { filters: ['second', 'first'] }],
  ['no filters', { ...target, filters: [] }, {}],
  [
    'next hop and source',
    { ...target, nextHopMode: 'Self', sourceAddress: 'None' },
    { nextHop: 'self', fromNodeIp: false },
  ],
  ['the old word for the next hop', { ...target, keepOriginalNextHop: true }, { keepOriginalNextHop: true }],
  [
    'numbers and times',
    {
      ...target,
      localASNumber: 65100,
      maxRestartTime: '90s',
      keepaliveTime: '20s',
      numAllowedLocalASNumbers: 2,
      ttlSecurity: 1,
      reachableBy: '10.0.0.254',
    },
    {
      localAsNumber: 65100,
      maxRestartSeconds: 90,
      keepaliveSeconds: 20,
      allowedLocalAsNumbers: 2,
      ttlSecurityHops: 1,
      reachableBy: parseIp('10.0.0.254'),
    },
  ],
  ['TTL security that is off', { ...target, ttlSecurity: 0 }, {}],
];

test.each(peers)('a peer: %s', (_name, spec, expected) => {
  expect(tryParseBgpPeer(stored(bgpPeer, 'peer', spec))).toEqual({ ...plainPeer, ...expected });
});

test('a peer that names nobody is none', () => {
  expect(tryParseBgpPeer(stored(bgpPeer, 'peer', { asNumber: 65009 }))).toBeUndefined();
});
