import { expect, test } from 'bun:test';
import { formatIssue, isOcicatError } from '../../base/errors.ts';
import { parseCidr } from '../../net/cidr.ts';
import { parseIp } from '../../net/ip.ts';
import { type AgentSettings, parseAgentSettings } from './settings.ts';

const defaults: AgentSettings = {
  nodeName: undefined,
  takeOver: undefined,
  nodeNameFile: '/var/lib/calico/nodename',
  hostName: undefined,
  felixConfigFile: '/etc/calico/felix.cfg',
  ipv4: { kind: 'keep' },
  ipv6: { kind: 'keep' },
  ipv4Method: { kind: 'first-found' },
  ipv6Method: { kind: 'first-found' },
  detectionMs: 60_000,
  checksAddresses: true,
  asNumber: undefined,
  routerId: undefined,
  defaultPools: true,
  ownTable: true,
  stallMs: 30_000,
  maxFlows: undefined,
  ipv4Pool: { kind: 'default' },
  ipv6Pool: { kind: 'default' },
  ipv4PoolBlockSize: undefined,
  ipv4PoolNatOutgoing: true,
  ipv6PoolBlockSize: undefined,
  ipv6PoolNatOutgoing: false,
  ...{ ipv4PoolIpip: 'Never', ipv4PoolVxlan: 'Never', ipv6PoolVxlan: 'Never' },
  backend: 'bird',
};

type Environment = Readonly<Record<string, string | undefined>>;

const accepted: readonly (readonly [Environment, Partial<AgentSettings>])[] = [
  [{}, {}],
  [{ NODENAME: '', IP: '', AS: '', CALICO_NODENAME_FILE: '', UNRELATED: 'x' }, {}],
  [{ NODENAME: ' \n', HOSTNAME: '\t' }, {}],
  [
    { NODENAME: 'host-1.example', HOSTNAME: 'Other_Name' },
    { nodeName: 'host-1.example', hostName: 'other_name' },
  ],
  [
    { NODENAME: 'host-1\n', HOSTNAME: 'Host-1\r\n', AS: ' 65001\n' },
    { nodeName: 'host-1', hostName: 'host-1', asNumber: 65001 },
  ],
  [{ CALICO_NODENAME_FILE: '/etc/name' }, { nodeNameFile: '/etc/name' }],
  [{ CALICO_FELIX_CONFIG_FILE: '/etc/felix' }, { felixConfigFile: '/etc/felix' }],
  [
    { IP: 'autodetect', IP6: 'none' },
    { ipv4: { kind: 'autodetect' }, ipv6: { kind: 'none' } },
  ],
  [{ IP: '10.0.0.1' }, { ipv4: { kind: 'fixed', address: parseIp('10.0.0.1'), prefixLength: undefined } }],
  [{ IP: '10.0.0.1/24' }, { ipv4: { kind: 'fixed', address: parseIp('10.0.0.1'), prefixLength: 24 } }],
  [{ IP6: 'fd00::1/64' }, { ipv6: { kind: 'fixed', address: parseIp('fd00::1'), prefixLength: 64 } }],
  [{ IP_AUTODETECTION_METHOD: 'first-found' }, {}],
  [
    { IP_AUTODETECTION_METHOD: 'interface=eth0,^en.*' },
    { ipv4Method: { kind: 'interface', patterns: [/eth0/, /^en.*/] } },
  ],
  [
    { IP6_AUTODETECTION_METHOD: 'skip-interface=docker.*' },
    { ipv6Method: { kind: 'skip-interface', patterns: [/docker.*/] } },
  ],
  [
    { IP_AUTODETECTION_METHOD: 'cidr=10.0.0.0/8,192.168.0.0/16' },
    { ipv4Method: { kind: 'cidr', ranges: ['10.0.0.0/8', '192.168.0.0/16'].map(parseCidr) } },
  ],
  [
    { IP_AUTODETECTION_METHOD: 'can-reach=gw.example' },
    { ipv4Method: { kind: 'can-reach', destination: 'gw.example' } },
  ],
  [
    { IP_AUTODETECTION_METHOD: 'interface= eth0 , ^en.*', IP6_AUTODETECTION_METHOD: 'cidr=fd00::/8 ,fd01::1/128' },
    {
      ipv4Method: { kind: 'interface', patterns: [/eth0/, /^en.*/] },
      ipv6Method: { kind: 'cidr', ranges: ['fd00::/8', 'fd01::1/128'].map(parseCidr) },
    },
  ],
  [
    { AUTODETECT_POLL_INTERVAL: '1m30s', DISABLE_NODE_IP_CHECK: 'true' },
    { detectionMs: 90_000, checksAddresses: false },
  ],
  [{ AS: '64512' }, { asNumber: 64512 }],
  [{ AS: '4294967295' }, { asNumber: 4294967295 }],
  [{ AS: '1.10' }, { asNumber: 65546 }],
  [{ AS: '65535.65535' }, { asNumber: 4294967295 }],
  [{ CALICO_ROUTER_ID: 'hash' }, { routerId: 'hash' }],
  [{ CALICO_ROUTER_ID: '1.2.3.4' }, { routerId: '1.2.3.4' }],
  [{ NO_DEFAULT_POOLS: 'true' }, { defaultPools: false }],
  [{ NO_DEFAULT_POOLS: 'No' }, {}],
  [{ MAX_FLOWS_PER_ENDPOINT: '0' }, { maxFlows: 0 }],
  [{ NFTABLES_OWN_TABLE: 'false' }, { ownTable: false }],
  [{ DATASTORE_STALL_SECONDS: '10' }, { stallMs: 10_000 }],
  [
    { CALICO_IPV4POOL_CIDR: '10.1.0.0/16', CALICO_IPV6POOL_CIDR: 'none' },
    { ipv4Pool: { kind: 'range', cidr: parseCidr('10.1.0.0/16') }, ipv6Pool: { kind: 'none' } },
  ],
  [
    { CALICO_IPV4POOL_BLOCK_SIZE: '20', CALICO_IPV6POOL_BLOCK_SIZE: '128' },
    { ipv4PoolBlockSize: 20, ipv6PoolBlockSize: 128 },
  ],
  [
    { CALICO_IPV4POOL_NAT_OUTGOING: 'false', CALICO_IPV6POOL_NAT_OUTGOING: '1' },
    { ipv4PoolNatOutgoing: false, ipv6PoolNatOutgoing: true },
  ],
  [{ CALICO_IPV4POOL_IPIP: 'Never', CALICO_IPV4POOL_VXLAN: 'off', CALICO_IPV6POOL_VXLAN: 'never' }, {}],
  [
    { CALICO_IPV4POOL_IPIP: 'always', CALICO_IPV4POOL_VXLAN: 'CrossSubnet', CALICO_IPV6POOL_VXLAN: 'cross-subnet' },
    { ipv4PoolIpip: 'Always', ipv4PoolVxlan: 'CrossSubnet', ipv6PoolVxlan: 'CrossSubnet' },
  ],
  [{ CALICO_NETWORKING_BACKEND: 'vxlan' }, { backend: 'vxlan' }],
  [{ CALICO_NETWORKING_BACKEND: 'none' }, { backend: 'none' }],
];

test.each(accepted)('%j', (environment, expected) => {
  expect(parseAgentSettings(environment)).toEqual({ ...defaults, ...expected });
});

const ADDRESS4 = '"autodetect", "none" or an IPv4 address with or without a prefix length';
const ADDRESS6 = '"autodetect", "none" or an IPv6 address with or without a prefix length';
const METHOD = 'first-found, interface=, skip-interface=, cidr= or can-reach=';
const AS = 'an AS number, 1 to 4294967295';
const NAME = 'lower-case letters, digits, dashes and dots';

const refused: readonly (readonly [Environment, readonly string[]])[] = [
  [{ NODENAME: 'Host' }, [`NODENAME: found "Host", wanted ${NAME}`]],
  [{ NODENAME: '-host' }, [`NODENAME: found "-host", wanted ${NAME}`]],
  [{ IP: '10.0.0.1/33' }, [`IP: found "10.0.0.1/33", wanted ${ADDRESS4}`]],
  [
    { IP: 'fd00::1', IP6: '10.0.0.1' },
    [`IP: found "fd00::1", wanted ${ADDRESS4}`, `IP6: found "10.0.0.1", wanted ${ADDRESS6}`],
  ],
  [{ IP_AUTODETECTION_METHOD: 'interface=' }, [`IP_AUTODETECTION_METHOD: found "interface=", wanted ${METHOD}`]],
  [
    { IP_AUTODETECTION_METHOD: 'kubernetes-internal-ip' },
    [
      `IP_AUTODETECTION_METHOD: found "kubernetes-internal-ip", wanted ${METHOD}: there is no Kubernetes whose Node says it; ` +
        'cidr= with the range of that address finds it',
    ],
  ],
  [{ IP_AUTODETECTION_METHOD: 'guess=x' }, [`IP_AUTODETECTION_METHOD: found "guess=x", wanted ${METHOD}`]],
  [
    { IP_AUTODETECTION_METHOD: 'interface=eth0,(' },
    ['IP_AUTODETECTION_METHOD: found "(", wanted a regular expression for interface names'],
  ],
  [
    { IP6_AUTODETECTION_METHOD: 'cidr=fd00::/8,ten' },
    ['IP6_AUTODETECTION_METHOD: found "ten", wanted a range such as 10.0.0.0/8'],
  ],
  ...['0s', '-1m', '10', '0.5s'].map(
    (text) =>
      [
        { AUTODETECT_POLL_INTERVAL: text },
        [`AUTODETECT_POLL_INTERVAL: found "${text}", wanted a duration of a second or more, such as 1m30s`],
      ] as const,
  ),
  ...['0', '4294967296', '-1', '1.65536', '65536.1', '1.2.3', '0.0', 'AS1'].map(
    (text) => [{ AS: text }, [`AS: found "${text}", wanted ${AS}`]] as const,
  ),
  [{ CALICO_ROUTER_ID: 'fd00::1' }, ['CALICO_ROUTER_ID: found "fd00::1", wanted "hash" or an IPv4 address']],
  [{ NO_DEFAULT_POOLS: 'maybe' }, ['NO_DEFAULT_POOLS: found "maybe", wanted "true" or "false"']],
  [
    { CALICO_IPV4POOL_CIDR: '10.0.0.1/8' },
    ['CALICO_IPV4POOL_CIDR: found "10.0.0.1/8", wanted "none" or an IPv4 range without host bits'],
  ],
  [
    { CALICO_IPV6POOL_CIDR: '10.0.0.0/8' },
    ['CALICO_IPV6POOL_CIDR: found "10.0.0.0/8", wanted "none" or an IPv6 range without host bits'],
  ],
  [{ CALICO_IPV4POOL_BLOCK_SIZE: '19' }, ['CALICO_IPV4POOL_BLOCK_SIZE: found "19", wanted a prefix length, 20 to 32']],
  [
    { CALICO_IPV6POOL_BLOCK_SIZE: '129' },
    ['CALICO_IPV6POOL_BLOCK_SIZE: found "129", wanted a prefix length, 116 to 128'],
  ],
  [
    { CALICO_NETWORKING_BACKEND: 'canal' },
    ['CALICO_NETWORKING_BACKEND: found "canal", wanted "bird", "vxlan" or "none"'],
  ],
  [
    { CALICO_IPV4POOL_IPIP: 'on', CALICO_IPV4POOL_VXLAN: 'true' },
    ['CALICO_IPV4POOL_IPIP: found "on"', 'CALICO_IPV4POOL_VXLAN: found "true"'].map(
      (found) => `${found}, wanted "Never", "Always" or "CrossSubnet"`,
    ),
  ],
  [
    { NODENAME: 'X', IP: 'x', AS: 'x' },
    [`NODENAME: found "X", wanted ${NAME}`, `IP: found "x", wanted ${ADDRESS4}`, `AS: found "x", wanted ${AS}`],
  ],
];

test.each(refused)('refused whole, naming everything: %j', (environment, issues) => {
  let caught: unknown;
  try {
    parseAgentSettings(environment);
  } catch (error) {
    caught = error;
  }
  if (!isOcicatError(caught, 'invalid')) throw new Error(`not refused: ${String(caught)}`);
  expect(caught.message).toBe('read environment: settings refused');
  expect(caught.issues.map(formatIssue)).toEqual([...issues]);
});
