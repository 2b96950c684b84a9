import { expect, test } from 'bun:test';
import { usualBgp } from '../../../test/support/routing/bgp-settings.ts';
import { parseCidr } from '../../net/cidr.ts';
import { type Family, ipv4Of, ipv6Of, parseIp } from '../../net/ip.ts';
import type { BgpSettings, RoutingInput } from '../input.ts';
import { computeBirdConfig } from './config.ts';

const BGP: BgpSettings = { ...usualBgp, logLevel: 'none' };

const FULL: RoutingInput = {
  nodeName: 'host-1',
  nodes: [
    {
      name: 'host-1',
      ipv4: ipv4Of(0x0a000001),
      ipv6: ipv6Of(0xfd000000000000000000000000000001n),
      labels: new Map(),
      routeReflectorClusterId: ipv4Of(0x01000001),
    },
    {
      name: 'host-2',
      ipv4: ipv4Of(0x0a000002),
      ipv6: ipv6Of(0xfd000000000000000000000000000002n),
      labels: new Map(),
      asNumber: 64513,
      listenPort: 180,
    },
    { name: 'host-3', ipv4: ipv4Of(0x0a000003), labels: new Map([['rack', '3']]) },
  ],
  pools: [
    { cidr: parseCidr('10.65.0.0/16'), encapsulation: 'none', exported: true },
    { cidr: parseCidr('10.66.0.0/16'), encapsulation: 'vxlan', exported: false },
    { cidr: parseCidr('fd65::/48'), encapsulation: 'none', exported: true },
  ],
  ownBlocks: ['10.65.1.0/26', '10.65.0.0/26', '10.65.9.9/32', 'fd65::/122'].map(parseCidr),
  bgp: {
    ...BGP,
    bindToNodeIp: true,
    ignoredInterfaces: ['eth9*'],
    advertisements: [
      {
        cidr: parseCidr('10.65.0.0/16'),
        communities: [
          [64512, 100],
          [1, 2, 3],
        ],
      },
    ],
    logLevel: 'info',
  },
  peers: [
    {
      name: 'rack',
      scope: { kind: 'node', name: 'host-1' },
      target: { kind: 'nodes', selector: { kind: 'has', label: 'rack' } },
      nextHop: 'keep',
      fromNodeIp: false,
      reverse: true,
    },
    {
      name: 'router',
      scope: { kind: 'all' },
      target: { kind: 'address', address: parseIp('10.9.9.9'), port: 1790, asNumber: 65001 },
      localAsNumber: 64999,
      nextHop: 'self',
      fromNodeIp: true,
      reverse: true,
      reachableBy: parseIp('10.0.0.254'),
      ttlSecurityHops: 2,
      keepaliveSeconds: 10,
      maxRestartSeconds: 60,
      allowedLocalAsNumbers: 1,
      filters: ['edge', 'gone'],
    },
  ],
  filters: [
    {
      name: 'edge',
      4: {
        exportRules: [
          {
            match: {
              range: { cidr: parseCidr('10.0.0.0/8'), operator: 'in', maxPrefixLength: 24 },
              peers: 'external',
              fromPeers: true,
              interfacePattern: 'eth*',
              community: [1, 2],
              asPathPrefix: [65001],
              priority: 7,
            },
            accept: true,
            operations: [
              { kind: 'prepend', asNumbers: [1, 2] },
              { kind: 'set-priority', priority: 100 },
              { kind: 'add-community', community: [1, 2, 3] },
            ],
          },
        ],
        importRules: [
          {
            match: { range: { cidr: parseCidr('0.0.0.0/0'), operator: 'equal' } },
            accept: false,
            operations: [],
          },
          { match: { peers: 'internal' }, accept: true, operations: [] },
        ],
      },
      6: { exportRules: [], importRules: [] },
    },
  ],
};

const BARE: RoutingInput = { nodeName: 'new', nodes: [], pools: [], ownBlocks: [], bgp: BGP, peers: [] };

/** What a family has before all else: where next hops are looked up, and what goes into the kernel. */
const kernelText = (family: Family, others?: string) => `# IPv${family}

ipv${family} table hops_v${family};

protocol pipe to_hops_v${family} {
  table master${family};
  peer table hops_v${family};
  export where source != RTS_BGP && ifname !~ "cali*";
  import none;
}

filter to_kernel_v${family} {
${others === undefined ? '' : `  # pools whose routes the agent makes\n  if net ~ [ ${others} ] then reject;\n`}  if source = RTS_STATIC then accept;
  if source != RTS_BGP then reject;
  if defined(bgp_local_pref) then krt_metric = 2147483647 - bgp_local_pref; else krt_metric = 1024;
  # a single address behind the route of a workload that is here
  if net.len = ${family === 4 ? 32 : 128} && krt_metric = 1024 then krt_metric = 1025;
  accept;
}

protocol kernel kernel_v${family} {
  learn;
  persist;
  scan time 1;
  merge paths on;
  metric 0;
  ipv${family} {
    import filter { if ifname ~ "cali*" then preference = 200; accept; };
    export filter to_kernel_v${family};
  };
}
`;

const FULL_TEXT = `# Written by calico-node, and written anew when the cluster changes.
# closed: BGPPeer(router): BGPFilter(gone) is not there
router id 10.0.0.1;
log stderr all;
timeformat protocol iso short;
graceful restart wait 5;
debug protocols { states };

protocol device {
  scan time 2;
}

protocol direct {
  ipv4;
  ipv6;
  interface -"eth9*", -"cali*", -"tunl0", -"vxlan.calico", -"vxlan-v6.calico", -"wireguard.cali", -"wg-v6.cali", "*";
}

${kernelText(4, '10.66.0.0/16+')}
protocol static blocks_v4 {
  ipv4;
  route 10.65.0.0/26 blackhole;
  route 10.65.1.0/26 blackhole;
}

protocol static gateways_v4 {
  ipv4;
  route 10.9.9.9/32 via 10.0.0.254;
}

function prefer_v4() {
  if proto = "held_v4" then reject;
  if source != RTS_BGP then bgp_local_pref = 2147482623;
  if source != RTS_BGP && defined(krt_metric) then bgp_local_pref = 2147483647 - krt_metric;
}

function to_peers_v4() {
  # pools with disableBGPExport
  if net ~ [ 10.66.0.0/16+ ] then reject;
  if net ~ [ 10.65.0.0/16+ ] then {
    bgp_community.add((64512, 100));
    bgp_large_community.add((1, 2, 3));
  }
  # own blocks go out whole; of their addresses only those that another node has borrowed
  if net ~ [ 10.65.0.0/26, 10.65.1.0/26, 10.65.9.9/32 ] then accept;
  if net ~ [ 10.65.0.0/26+, 10.65.1.0/26+, 10.65.9.9/32+ ] && source != RTS_BGP then reject;
  if (source = RTS_BGP || ifname ~ "cali*") && net ~ [ 10.65.0.0/16+ ] then accept;
  reject;
}

function 'import_v4:edge'(bool same_as) {
  if net = 0.0.0.0/0 then { reject; }
  if same_as then { accept; }
}

function 'export_v4:edge'(bool same_as) {
  if !same_as && net ~ [ 10.0.0.0/8{8,24} ] && source = RTS_BGP && ifname ~ "eth*" && (1, 2) ~ bgp_community && bgp_path ~ [= 65001 * =] && defined(bgp_local_pref) && bgp_local_pref = 2147483640 then { bgp_path.prepend(2); bgp_path.prepend(1); bgp_local_pref = 2147483547; bgp_large_community.add((1, 2, 3)); accept; }
}

function 'import_v4:gone'(bool same_as) {
  reject; # there is no such BGPFilter
}

function 'export_v4:gone'(bool same_as) {
  reject; # there is no such BGPFilter
}

template bgp peers_v4 {
  connect delay time 1;
  connect retry time 5;
  error wait time 5, 30;
  graceful restart;
  ipv4 {
    import all;
    export filter { prefer_v4(); to_peers_v4(); };
    gateway recursive;
    igp table hops_v4;
    add paths on;
  };
}

protocol bgp Global_10_9_9_9_port_1790 from peers_v4 {
  local 10.0.0.1 port 179 as 64999;
  strict bind on;
  neighbor 10.9.9.9 port 1790 as 65001;
  multihop 2;
  ttl security on;
  graceful restart time 60;
  keepalive time 10;
  allow local as 1;
  ipv4 {
    next hop self;
    import filter { 'import_v4:edge'(false); 'import_v4:gone'(false); accept; };
    export filter { prefer_v4(); 'export_v4:edge'(false); 'export_v4:gone'(false); to_peers_v4(); };
  };
}

protocol bgp Node_10_0_0_3 from peers_v4 {
  local port 179 as 64512;
  neighbor 10.0.0.3 as 64512;
  multihop;
  passive on;
  rr client;
  rr cluster id 1.0.0.1;
  ipv4 {
    next hop keep;
  };
}

${kernelText(6)}
protocol static blocks_v6 {
  ipv6;
  route fd65::/122 blackhole;
}

function prefer_v6() {
  if proto = "held_v6" then reject;
  if source != RTS_BGP then bgp_local_pref = 2147482623;
  if source != RTS_BGP && defined(krt_metric) then bgp_local_pref = 2147483647 - krt_metric;
}

function to_peers_v6() {
  # own blocks go out whole; of their addresses only those that another node has borrowed
  if net ~ [ fd65::/122 ] then accept;
  if net ~ [ fd65::/122+ ] && source != RTS_BGP then reject;
  if (source = RTS_BGP || ifname ~ "cali*") && net ~ [ fd65::/48+ ] then accept;
  reject;
}

template bgp peers_v6 {
  connect delay time 1;
  connect retry time 5;
  error wait time 5, 30;
  graceful restart;
  ipv6 {
    import all;
    export filter { prefer_v6(); to_peers_v6(); };
    gateway recursive;
    igp table hops_v6;
    add paths on;
  };
}
`;

const BARE_TEXT = `# Written by calico-node, and written anew when the cluster changes.
router id 17.80.122.14;
log stderr all;
timeformat protocol iso short;
graceful restart wait 5;

protocol device {
  scan time 2;
}

protocol direct {
  ipv4;
  ipv6;
  interface -"cali*", -"tunl0", -"vxlan.calico", -"vxlan-v6.calico", -"wireguard.cali", -"wg-v6.cali", "*";
}

${kernelText(4)}
# The node has no IPv4 address for BGP.

${kernelText(6)}
# The node has no IPv6 address for BGP.
`;

test('a route reflector with pools, blocks, a router, filters and both families', () => {
  expect(computeBirdConfig(FULL)).toBe(FULL_TEXT);
});

test('a node that is not in the store yet, in a cluster without pools', () => {
  expect(computeBirdConfig(BARE)).toBe(BARE_TEXT);
});

test('routes to other nodes are left to somebody else when told so', () => {
  const filter = computeBirdConfig({ ...FULL, bgp: { ...FULL.bgp, programsRoutes: false } }).split('\n\n')[6];
  expect(filter).toContain('  if net ~ [ 10.65.0.0/16+, 10.66.0.0/16+ ] then reject;\n');
});

test('words that would end a text of the file are refused', () => {
  const input = { ...FULL, bgp: { ...FULL.bgp, ignoredInterfaces: ['x"; };'] } };
  expect(() => computeBirdConfig(input)).toThrow('"x\\"; };" is not an interface pattern');
});
