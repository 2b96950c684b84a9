import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { isOcicatError } from '../../base/errors.ts';
import { formatCidr, parseCidr } from '../../net/cidr.ts';
import { formatIp, parseIp } from '../../net/ip.ts';
import { computeLabels, parseContainersAnswer, parseNetworkAnswer, parseNetworksAnswer } from './engine-answers.ts';
import {
  ADDRESS_SPACE,
  parseAddressRelease,
  parseAddressRequest,
  parsePoolRelease,
  parsePoolRequest,
  printPoolAnswer,
} from './ipam-requests.ts';
import { printJoinAnswer } from './network-answers.ts';
import { parseEndpointRequest, parseJoinRequest, parseNetworkRequest } from './network-requests.ts';

const NETWORK = 'a'.repeat(64);
const ENDPOINT = 'b'.repeat(64);
const GATEWAY = 'com.docker.network.gateway';

/** As Docker 20.10 sends it for `docker network create -d calico --ipam-driver calico-ipam`. */
const CREATE_NETWORK = {
  NetworkID: NETWORK,
  Options: { 'com.docker.network.enable_ipv6': false, 'com.docker.network.generic': {} },
  IPv4Data: [{ AddressSpace: ADDRESS_SPACE, Pool: '0.0.0.0/0', Gateway: '169.254.1.1/32', AuxAddresses: null }],
  IPv6Data: null,
};

function withOptions(generic: object, more: object = {}): string {
  return JSON.stringify({ ...CREATE_NETWORK, Options: { 'com.docker.network.generic': generic, ...more } });
}

test('a network is read as Docker sends it, with the options that are known', () => {
  const usual = { networkId: NETWORK, profile: undefined, mtuBytes: undefined, ownAddresses: true };
  expect(parseNetworkRequest(JSON.stringify(CREATE_NETWORK))).toEqual(usual);
  const options = { 'com.docker.network.calico.profile': 'shop', 'com.docker.network.driver.mtu': '1400' };
  expect(parseNetworkRequest(withOptions(options))).toEqual({ ...usual, profile: 'shop', mtuBytes: 1400 });
});

test('a network of another IPAM driver is known by its address space', () => {
  const IPv4Data = [{ AddressSpace: 'LocalDefault', Pool: '172.18.0.0/16', Gateway: '172.18.0.1/16' }];
  expect(parseNetworkRequest(JSON.stringify({ ...CREATE_NETWORK, IPv4Data })).ownAddresses).toBe(false);
});

test('a network is refused whole, with every option that is wrong or not known by its name', () => {
  const options = { 'com.docker.network.calico.profile': 'A B', 'com.docker.network.driver.mtu': '9', colour: 'red' };
  const refused = () => parseNetworkRequest(withOptions(options, { 'com.docker.network.internal': true }));
  for (const name of ['calico.profile', 'driver.mtu', 'colour', '--internal']) expect(refused).toThrow(name);
});

test('an endpoint has the addresses, the MAC address and the ports that Docker says', () => {
  const Interface = { Address: '192.168.0.5/32', AddressIPv6: 'fd80::5/128', MacAddress: '02:42:00:00:00:05' };
  const PortMap = [{ Proto: 6, IP: '', Port: 80, HostIP: '127.0.0.1', HostPort: 8080, HostPortEnd: 8080 }];
  const Options = { 'com.docker.network.portmap': PortMap, 'com.docker.network.endpoint.exposedports': [{}] };
  const wish = parseEndpointRequest(JSON.stringify({ NetworkID: NETWORK, EndpointID: ENDPOINT, Interface, Options }));
  expect(wish.addresses.map(formatIp)).toEqual(['192.168.0.5', 'fd80::5']);
  expect(String(wish.mac)).toBe('02:42:00:00:00:05');
  expect(wish.portMappings).toEqual([
    { hostAddress: parseIp('127.0.0.1'), hostPort: 8080, containerPort: 80, protocol: 6, count: 1 },
  ]);
});

test('a port without one of the host is refused: nobody could be told which it is', () => {
  const Options = { 'com.docker.network.portmap': [{ Proto: 6, Port: 80, HostPort: 0 }] };
  const parse = () => parseEndpointRequest(JSON.stringify({ NetworkID: NETWORK, EndpointID: ENDPOINT, Options }));
  expect(parse).toThrow('-p 80');
});

test.each(['../../etc', 'a/b', '', 'A'.repeat(64), 'a'.repeat(65)])('%p is no identifier, and names no file', (id) => {
  const join = () => parseJoinRequest(JSON.stringify({ NetworkID: NETWORK, EndpointID: id, SandboxKey: '/x' }));
  expect(join).toThrow('EndpointID');
});

test('the default pool, a pool and a range within it are each their own identifier', () => {
  const choose = (request: object) => parsePoolRequest(JSON.stringify(request));
  for (const [request, pool] of [
    [{ AddressSpace: ADDRESS_SPACE, Pool: '', SubPool: '', Options: null, V6: false }, '0.0.0.0/0'],
    [{ Pool: '', V6: true }, '::/0'],
    [{ Pool: '10.1.0.0/16' }, '10.1.0.0/16'],
    [{ Pool: '10.1.0.0/16', SubPool: '10.1.4.0/24' }, '10.1.4.0/24'],
    [{ Pool: 'fd80::/48', V6: true }, 'fd80::/48'],
  ] as const) {
    const answer = JSON.parse(printPoolAnswer(choose(request)));
    expect(answer.Pool).toBe(pool);
    expect(parsePoolRelease(JSON.stringify({ PoolID: answer.PoolID }))).toEqual(choose(request));
    expect(answer.Data[GATEWAY]).toBe(pool.includes(':') ? 'fe80::ecee:eeff:feee:eeee/128' : '169.254.1.1/32');
  }
});

test.each([
  [{ AddressSpace: 'LocalDefault' }, 'AddressSpace'],
  [{ Pool: '10.1.0.0/16', V6: true }, '--subnet'],
  [{ Pool: '10.1.0.0/16', SubPool: '10.2.0.0/24' }, '--ip-range'],
  [{ Options: { colour: 'red' } }, '--ipam-opt colour'],
])('a pool that cannot be is refused: %p', (request, name) => {
  expect(() => parsePoolRequest(JSON.stringify(request))).toThrow(name);
});

test('a gateway takes no address of a pool, and is the one that all containers have', () => {
  const ask = (Address: string, Options: object | null) =>
    parseAddressRequest(JSON.stringify({ PoolID: '10.1.0.0/16', Address, Options }));
  const gateway = { RequestAddressType: GATEWAY };
  expect(ask('', gateway)).toMatchObject({ isGateway: true });
  expect(ask('169.254.1.1', gateway)).toMatchObject({ isGateway: true });
  expect(() => ask('10.1.0.1', gateway)).toThrow('--gateway');
  expect(ask('10.1.0.9', null)).toMatchObject({ isGateway: false, address: parseIp('10.1.0.9') });
  expect(() => ask('10.2.0.9', null)).toThrow('10.1.0.0/16');
  expect(formatIp(parseAddressRelease(JSON.stringify({ PoolID: '0.0.0.0/0', Address: '10.1.0.9' })))).toBe('10.1.0.9');
});

test('the first endpoint of a container is its way out; Docker adds no other one beside any', () => {
  const join = { linkName: 'tempabc', families: [4, 6] as const };
  const first = JSON.parse(printJoinAnswer({ ...join, hasGateway: true }));
  expect([first.Gateway, first.GatewayIPv6]).toEqual(['169.254.1.1', 'fe80::ecee:eeff:feee:eeee']);
  expect(first.StaticRoutes.map(({ Destination }: { Destination: string }) => Destination)).toEqual([
    '169.254.1.1/32',
    'fe80::ecee:eeff:feee:eeee/128',
  ]);
  const second = JSON.parse(printJoinAnswer({ ...join, hasGateway: false }));
  expect(second).toEqual({
    InterfaceName: { SrcName: 'tempabc', DstPrefix: 'eth' },
    StaticRoutes: [],
    DisableGatewayService: true,
  });
});

test('what the engine says of a network and its endpoints is read, and what others wrote beside it is left', () => {
  const network = parseNetworkAnswer(
    JSON.stringify({
      Name: 'net1',
      Id: NETWORK,
      Labels: { tier: 'front' },
      Scope: 'local',
      IPAM: {
        Driver: 'calico-ipam',
        Options: null,
        Config: [{ Subnet: '10.1.0.0/16', IPRange: '10.1.4.0/24', AuxiliaryAddresses: { router: '10.1.4.9' } }],
      },
      Containers: {
        [`ep-${ENDPOINT}`]: { Name: 'web', EndpointID: ENDPOINT, IPv4Address: '10.1.4.1/32', IPv6Address: '' },
      },
    }),
  );
  expect(network.endpoints.map(({ containerName }) => containerName)).toEqual(['web']);
  expect(network.ranges.map(formatCidr)).toEqual(['10.1.4.0/24']);
  expect(network.keptAddresses.map(formatIp)).toEqual(['10.1.4.9']);
  expect(parseNetworkAnswer(JSON.stringify({ Name: 'net2', Labels: null, Containers: {} })).endpoints).toEqual([]);
});

test('labels of Docker that can be labels are; those with the prefix have the names behind it, or are named', () => {
  const { labels, unusable } = computeLabels({
    'com.docker.compose.service': 'web',
    'com.docker.compose.project.config_files': '/srv/a b.yml',
    'org.projectcalico.label.tier': 'front',
    'org.projectcalico.label.bad': 'a b',
    'projectcalico.org/namespace': 'other',
  });
  expect(labels).toEqual({ 'com.docker.compose.service': 'web', tier: 'front' });
  expect(unusable).toEqual(['org.projectcalico.label.bad=a b']);
});

const PARSERS = {
  parseNetworkRequest,
  parseEndpointRequest,
  parseJoinRequest,
  parsePoolRequest,
  parsePoolRelease,
  parseAddressRequest,
  parseAddressRelease,
  parseNetworkAnswer,
  parseContainersAnswer,
  parseNetworksAnswer,
};

/** Whatever comes, with a field of the protocol here and there. */
const request = fc.oneof(
  fc.string(),
  fc.json(),
  fc
    .record(
      {
        NetworkID: fc.oneof(fc.constant(NETWORK), fc.string()),
        EndpointID: fc.oneof(fc.constant(ENDPOINT), fc.string()),
        SandboxKey: fc.string(),
        Interface: fc.anything({ maxDepth: 2 }),
        Options: fc.anything({ maxDepth: 3 }),
        IPv4Data: fc.anything({ maxDepth: 3 }),
        PoolID: fc.oneof(fc.ipV4(), fc.ipV6(), fc.string(), fc.constant('10.1.0.0/16')),
        Address: fc.oneof(fc.ipV4(), fc.ipV6(), fc.string()),
        Pool: fc.oneof(fc.string(), fc.constant('10.1.0.0/16')),
        SubPool: fc.string(),
        V6: fc.anything({ maxDepth: 1 }),
        Name: fc.string(),
        Containers: fc.anything({ maxDepth: 3 }),
        IPAM: fc.anything({ maxDepth: 3 }),
      },
      { requiredKeys: [] },
    )
    .map((value) => JSON.stringify(value) ?? ''),
);

test.each(Object.entries(PARSERS))('%s takes whatever comes, or refuses it as invalid', (_name, parse) => {
  fc.assert(
    fc.property(request, (json) => {
      try {
        parse(json);
      } catch (error) {
        if (!isOcicatError(error, 'invalid')) throw error;
      }
    }),
    { numRuns: 300 },
  );
});

test('a range that comes with bits of a host in it is the range', () => {
  expect(parsePoolRequest(JSON.stringify({ Pool: '10.1.0.7/16' })).range).toEqual(parseCidr('10.1.0.0/16'));
});
