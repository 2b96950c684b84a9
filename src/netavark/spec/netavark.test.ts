import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { isOcicatError } from '../../base/errors.ts';
import { formatIp, parseIp } from '../../net/ip.ts';
import { parseCreate, printCreated } from './create.ts';
import { parseSetup, parseTeardown } from './request.ts';
import { printFailure, printStatus } from './status.ts';

const ID = '2f259bab93aaaaa2542ba43ef33eb990d0999ee1b9924b557b7be53c0b7a1bb9';
/** As podman 5.6 writes it for `podman network create -d ocicat net1`. */
const NETWORK = {
  name: 'net1',
  id: ID,
  driver: 'ocicat',
  created: '0001-01-01T00:00:00Z',
  ipv6_enabled: false,
  internal: false,
  dns_enabled: true,
};

const create = (more: object = {}) => parseCreate(JSON.stringify({ ...NETWORK, ...more }));

/** As netavark 2.1 writes it. */
const callOf = (network: object = {}, options: object = {}, more: object = {}) =>
  JSON.stringify({
    container_name: 'Web_1',
    container_id: '752947ff91f961eb3cb47ffe9315016979f3ffbec09e4d96a4fae3fb03391697',
    port_mappings: null,
    network: { ...NETWORK, ipam_options: { driver: 'calico-ipam' }, ...network },
    network_options: {
      aliases: ['752947ff91f9'],
      interface_name: 'eth0',
      static_ips: null,
      static_mac: null,
      options: null,
      ...options,
    },
    ...more,
  });

describe('a network that podman creates', () => {
  test('stays as it is, and says who gives addresses', () => {
    const created = create();
    expect(created.network).toEqual({
      name: 'net1',
      families: [4],
      pools: { 4: [], 6: [] },
      subnets: [],
      mtuBytes: undefined,
      isInternal: false,
      hasDns: true,
      labels: {},
    });
    expect(JSON.parse(printCreated(created))).toEqual({ ...NETWORK, ipam_options: { driver: 'calico-ipam' } });
  });

  test('has the pools of its subnets and options', () => {
    const subnets = [{ subnet: '10.7.0.1/16' }, { subnet: 'fd07::/112' }];
    expect(create({ subnets, ipv6_enabled: true }).network).toMatchObject({
      families: [4, 6],
      pools: { 4: ['10.7.0.0/16'], 6: ['fd07::/112'] },
    });
    expect(create({ subnets: subnets.slice(1) }).network.families).toEqual([6]);
    expect(
      create({ ipv6_enabled: true, options: { ipv4_pools: 'blue, 10.7.0.0/16', mtu: '1400' } }).network,
    ).toMatchObject({ families: [4, 6], pools: { 4: ['blue', '10.7.0.0/16'], 6: [] }, mtuBytes: 1400 });
    expect(create({ internal: true, labels: { tier: 'front' } }).network).toMatchObject({
      isInternal: true,
      labels: { tier: 'front' },
    });
  });

  test.each([
    [{ name: 'My_Net' }, 'create network "My_Net": name: found "My_Net", wanted a name that can be a profile'],
    [{ subnets: [{ subnet: '10.7.0.0/33' }] }, 'subnets[0].subnet: found "10.7.0.0/33", wanted a range'],
    [{ subnets: [{ subnet: '10.7.0.0/16', gateway: '10.7.0.1' }] }, 'subnets[0].gateway: found "10.7.0.1"'],
    [{ subnets: [{ subnet: '10.7.0.0/16', lease_range: { start_ip: '10.7.0.9' } }] }, 'subnets[0].lease_range: found'],
    [{ network_interface: 'br7' }, 'network_interface: found "br7", wanted nothing: the host has a link of its own'],
    [{ routes: [{ destination: '10.0.0.0/8', gateway: '10.7.0.1' }] }, 'routes: found'],
    [{ network_dns_servers: ['10.7.0.1'] }, 'network_dns_servers: found'],
    [{ ipam_options: { driver: 'host-local' } }, 'ipam_options: found "driver=host-local", wanted nothing: addresses'],
    [{ options: { vlan: '7' } }, 'options: found "vlan", wanted mtu, ipv4_pools, ipv6_pools and nothing else'],
    [{ options: { mtu: '60' } }, 'options.mtu: found "60", wanted a whole number of bytes from 68 to 65535'],
    [{ options: { ipv4_pools: 'fd07::/112' } }, 'options.ipv4_pools: found "fd07::/112", wanted names or ranges'],
    [{ options: { ipv4_pools: 'a,' } }, 'options.ipv4_pools: found "a,"'],
    [{ subnets: [{ subnet: '10.7.0.0/16' }], options: { ipv4_pools: 'blue' } }, 'subnets: found "10.7.0.0/16"'],
    [{ labels: { 'projectcalico.org/name': 'x' } }, 'labels: found "projectcalico.org/name=x"'],
    [{ labels: { note: 'two words' } }, 'labels: found "note=two words"'],
  ])('%j is refused by name', (more, message) => {
    expect(() => create(more)).toThrow(message);
  });

  test.each(['', '[]', '7', '{"name":'])('%j is no network', (text) => {
    expect(() => parseCreate(text)).toThrow('create network');
  });
});

describe('a container that is set up', () => {
  test('as podman asks for it', () => {
    const ports = [
      { container_port: 80, host_ip: '', host_port: 8080, protocol: 'tcp,udp', range: 2 },
      { container_port: 53, host_ip: '127.0.0.1', host_port: 53, protocol: '', range: 0 },
    ];
    const { addresses, file, portMappings, ...rest } = parseSetup(
      callOf({}, { static_ips: ['10.7.0.9', 'fd07::9'], static_mac: '02:00:00:00:00:0A' }, { port_mappings: ports }),
    );
    expect([file.name, addresses.map(formatIp)]).toEqual(['net1', ['10.7.0.9', 'fd07::9']]);
    expect(portMappings).toEqual([
      { hostAddress: undefined, hostPort: 8080, containerPort: 80, count: 2, protocol: 6 },
      { hostAddress: undefined, hostPort: 8080, containerPort: 80, count: 2, protocol: 17 },
      { hostAddress: parseIp('127.0.0.1'), hostPort: 53, containerPort: 53, count: 1, protocol: 6 },
    ]);
    const containerId = '752947ff91f961eb3cb47ffe9315016979f3ffbec09e4d96a4fae3fb03391697';
    expect(rest).toMatchObject({
      attachment: { containerId, interfaceName: 'eth0' },
      containerId,
      network: 'net1',
      containerName: 'Web_1',
      names: ['web_1', '752947ff91f9'],
      mac: '02:00:00:00:00:0a',
    });
  });

  test('may have a gateway in its network, which podman makes up', () => {
    const subnets = [{ subnet: '10.7.0.0/16', gateway: '10.7.0.1', lease_range: null }];
    expect(parseSetup(callOf({ subnets }, { static_ips: ['10.7.0.9'] })).addresses).toEqual([parseIp('10.7.0.9')]);
    expect(() => parseSetup(callOf({ subnets }, { static_ips: ['10.8.0.9'] }))).toThrow(
      'set up network "net1": 10.8.0.9 is in none of its subnets',
    );
    expect(parseSetup(callOf({ subnets }, { static_ips: ['fd07::9'] })).addresses).toHaveLength(1);
  });

  test.each([
    [callOf({}, { interface_name: 'a/b' }), 'network_options.interface_name: found "a/b"'],
    [callOf({}, { static_ips: ['10.7.0'] }), 'network_options.static_ips[0]: found "10.7.0"'],
    [callOf({}, { static_mac: '01:00:5e:00:00:01' }), 'network_options.static_mac: found'],
    [callOf({}, { aliases: ['two words'] }), 'network_options.aliases[0]: found "two words", wanted a name'],
    [callOf({}, { options: { host_interface_name: 'x' } }), 'network_options.options.host_interface_name: found "x"'],
    [callOf({}, {}, { container_id: '' }), 'container_id: found'],
    [callOf({}, {}, { port_mappings: [{ container_port: 80, host_port: 0 }] }), 'port_mappings[0].host_port: found 0'],
    [
      callOf({}, {}, { port_mappings: [{ container_port: 80, host_port: 65_535, range: 2 }] }),
      'port_mappings[0].range: found 2, wanted ports up to 65535',
    ],
    [
      callOf({}, {}, { port_mappings: [{ container_port: 80, host_port: 80, protocol: 'icmp' }] }),
      'port_mappings[0].protocol: found "icmp"',
    ],
    ['{}', 'set up: container_id: found nothing'],
  ])('%s is refused by name', (input, message) => {
    expect(() => parseSetup(input)).toThrow(message);
  });

  test('leaves a network that would not be made any more', () => {
    const { attachment, network } = parseTeardown(callOf({ name: 'Old Net', options: { vlan: '7' } }));
    expect([network, attachment.interfaceName]).toEqual(['Old Net', 'eth0']);
  });
});

test('whatever comes is understood or refused with a reason', () => {
  const keys = fc.constantFrom('name', 'subnets', 'options', 'labels', 'ipam_options', 'internal', 'routes', 'x');
  const network = fc.dictionary(keys, fc.jsonValue());
  const options = fc.dictionary(
    fc.constantFrom('interface_name', 'static_ips', 'static_mac', 'aliases', 'options'),
    fc.jsonValue(),
  );
  fc.assert(
    fc.property(network, options, fc.jsonValue(), (more, asked, ports) => {
      const input = callOf(more as object, asked as object, { port_mappings: ports });
      for (const parse of [parseSetup, parseTeardown, parseCreate])
        try {
          parse(input);
        } catch (error) {
          expect(isOcicatError(error, 'invalid')).toBe(true);
          expect(JSON.parse(printFailure(error)).error).not.toBe('');
        }
    }),
    { numRuns: 300 },
  );
});

test('a status is what podman reads', () => {
  const range = { address: parseIp('10.7.0.9'), prefixLength: 32 };
  const text = printStatus({
    name: 'eth0',
    mac: '02:00:00:00:00:0a',
    addresses: [
      { range, gateway: parseIp('169.254.1.1') },
      { range: { address: parseIp('fd07::9'), prefixLength: 128 }, gateway: undefined },
    ],
    nameservers: [parseIp('169.254.1.53')],
  });
  expect(JSON.parse(text)).toEqual({
    dns_search_domains: [],
    dns_server_ips: ['169.254.1.53'],
    interfaces: {
      eth0: {
        mac_address: '02:00:00:00:00:0a',
        subnets: [{ ipnet: '10.7.0.9/32', gateway: '169.254.1.1' }, { ipnet: 'fd07::9/128' }],
      },
    },
  });
});
