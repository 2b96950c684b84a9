import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { parseCidr } from '../../net/cidr.ts';
import { formatIp, parseIp } from '../../net/ip.ts';
import { parseMac } from '../../net/mac.ts';
import { formatPortMapping } from '../../net/port-mapping.ts';
import { printCniError } from './error.ts';
import { sanitiseLabel } from './mesos-labels.ts';
import { attachModeOf, type CniCall, type CniRequest, parseRequest } from './request.ts';
import { NO_WORKLOAD_ARGS } from './workload-args.ts';

const environment = {
  CNI_COMMAND: 'ADD',
  CNI_CONTAINERID: '5bc080ca-1111-4222-8333-444455556666',
  CNI_NETNS: '/var/run/netns/cni-1',
  CNI_IFNAME: 'eth0',
  CNI_ARGS: '',
  CNI_PATH: '/etc/rkt/net.d:/usr/lib/rkt/plugins/net:stage1/rootfs/usr/lib/rkt/plugins/net',
};
const network = { name: 'network1', cniVersion: '0.1.0', type: 'calico', ipam: { type: 'calico-ipam' } };

function callOf(variables: object = {}, config: object | string = {}, program = 'calico'): CniCall {
  const input = typeof config === 'string' ? config : JSON.stringify({ ...network, ...config });
  return { program, variables: { ...environment, ...variables }, input };
}

function accept(variables: object = {}, config: object = {}, program = 'calico'): CniRequest {
  const result = parseRequest(callOf(variables, config, program));
  if (result.kind === 'request') return result.request;
  throw new Error(result.kind === 'refused' ? printCniError(result.error) : result.kind);
}

function refusal(variables: object, config: object | string = {}, program = 'calico'): string {
  const result = parseRequest(callOf(variables, config, program));
  if (result.kind !== 'refused') return result.kind;
  const { code, msg, details } = result.error;
  return `${code} ${msg}${details === undefined ? '' : `: ${details}`}`;
}

test("rkt's call, whole", () => {
  const {
    plugin,
    environment: env,
    config,
  } = accept({
    CNI_VERSION: '0.1.0',
    CNI_ARGS: 'IgnoreUnknown=1;IP=192.168.0.0;X_FAIL=no',
  });
  expect(plugin).toBe('calico');
  expect({ ...env, args: Object.fromEntries(env.args) }).toEqual({
    command: 'ADD',
    containerId: '5bc080ca-1111-4222-8333-444455556666',
    netns: '/var/run/netns/cni-1',
    interfaceName: 'eth0',
    attach: 'profile',
    args: { IgnoreUnknown: '1', IP: '192.168.0.0', X_FAIL: 'no' },
    path: ['/etc/rkt/net.d', '/usr/lib/rkt/plugins/net'],
  });
  expect(config).toEqual({
    version: '0.1.0',
    type: 'calico',
    name: 'network1',
    ipam: {
      type: 'calico-ipam',
      ipv4: true,
      ipv6: false,
      ipv4Pools: [],
      ipv6Pools: [],
      allowsReserved: false,
      routes: [],
    },
    mtuBytes: undefined,
    requireMtu: false,
    queues: 1,
    nodeName: undefined,
    createsProfile: true,
    allowForwarding: false,
    attach: undefined,
    readinessGates: [],
    workloadArgs: { ...NO_WORKLOAD_ARGS, addresses: [parseIp('192.168.0.0')] },
    previous: undefined,
    dns: {},
    networkDns: 'on',
    validAttachments: undefined,
  });
});

test('a network gives an interface of its own unless its file, or a caller of the first days of CNI, says otherwise', () => {
  const modes = (variables: object) =>
    [{}, { attach: 'profile' }, { attach: 'interface' }].map((config) => attachModeOf(accept(variables, config)));
  expect(modes({})).toEqual(['interface', 'profile', 'interface']);
  expect(modes({ CNI_VERSION: '0.1.0' })).toEqual(['profile', 'profile', 'interface']);
});

test('every key that is read', () => {
  const { config } = accept(
    {},
    {
      cniVersion: '1.1.0',
      ipam: {
        type: 'calico-ipam',
        assign_ipv4: 'false',
        assign_ipv6: 'true',
        ipv4_pools: ['a'],
        ipv6_pools: ['fd00::/64'],
        allow_reserved: true,
        routes: [{ dst: '10.9.0.0/16' }],
      },
      mtu: 1440,
      require_mtu_file: true,
      num_queues: 4,
      nodename: 'host1',
      device_type: 'veth',
      datastore_type: 'etcdv3',
      policy: { type: 'k8s' },
      container_settings: { allow_ip_forwarding: true },
      readiness_gates: ['http://127.0.0.1:9099/readiness'],
      args: {
        'org.apache.mesos': {
          network_info: {
            labels: {
              labels: [
                { key: 'projectcalico.org/namespace', value: 'shop' },
                { key: 'a/b c', value: 'x:/.y-' },
              ],
            },
          },
        },
      },
      prevResult: { cniVersion: '1.0.0', ips: [{ address: '10.0.0.1/32', interface: 1 }] },
      'cni.dev/valid-attachments': [{ containerID: 'c1', ifname: 'eth0' }],
      dns: { nameservers: ['10.1.0.1', 'fd00::1'], domain: 'example.org', search: ['example.org'], options: [] },
      etcd_endpoints: 'http://127.0.0.1:2379',
      log_level: 'WARNING',
      windows_use_single_network: true,
    },
  );
  expect(config.ipam).toEqual({
    type: 'calico-ipam',
    ipv4: false,
    ipv6: true,
    ipv4Pools: ['a'],
    ipv6Pools: ['fd00::/64'],
    allowsReserved: true,
    routes: [{ destination: parseCidr('10.9.0.0/16'), gateway: undefined }],
  });
  expect([config.version, config.mtuBytes, config.requireMtu, config.queues, config.nodeName]).toEqual([
    '1.1.0',
    1440,
    true,
    4,
    'host1',
  ]);
  expect([config.createsProfile, config.allowForwarding]).toEqual([false, true]);
  expect(config.workloadArgs).toMatchObject({ namespace: 'shop', labels: { 'a.b-c': 'x.y' } });
  expect(config.previous?.addresses.length).toBe(1);
  expect(config.dns).toEqual({ nameservers: ['10.1.0.1', 'fd00::1'], domain: 'example.org', search: ['example.org'] });
  expect(config.validAttachments).toEqual([{ containerId: 'c1', interfaceName: 'eth0' }]);
});

test.each([
  ['5bc080ca-1111-4222-8333-444455556666', '5bc080ca-1111-4222-8333-444455556666'],
  ['k8s.io-web_1', 'k8s-io-web-1-091e96bf326f26e4'],
  ['a_b', ''],
  ['a.b', ''],
  ['A-b', ''],
  ['a-', ''],
  ['x'.repeat(90), ''],
])('container ID %s is stored so that it can be part of a name', (id, expected) => {
  const { containerId } = accept({ CNI_CONTAINERID: id }).environment;
  if (expected !== '') expect(containerId).toBe(expected);
  expect(containerId).toMatch(/^[a-z0-9]([-a-z0-9]{0,78}[a-z0-9])?$/);
  expect(accept({ CNI_CONTAINERID: containerId }).environment.containerId).toBe(containerId);
});

test('container IDs that read alike stay apart', () => {
  const ids = ['a_b', 'a.b', 'a-b', 'A-b', 'a__b'].map((id) => accept({ CNI_CONTAINERID: id }).environment.containerId);
  expect(new Set(ids).size).toBe(5);
});

test('GC with null means that nothing is left in use, as Go prints an empty list', () => {
  const { config } = accept({ CNI_COMMAND: 'GC' }, { cniVersion: '1.1.0', 'cni.dev/valid-attachments': null });
  expect(config.validAttachments).toEqual([]);
});

test('what ADD refuses does not keep DEL from cleaning up, and of the rest DEL reads who gave the addresses', () => {
  const { config } = accept({ CNI_COMMAND: 'DEL', CNI_ARGS: 'IP=300.1.2.3;bad' });
  expect(config.workloadArgs.addresses).toEqual([]);
  const refused = { name: 'Net_1', mtu: 'x', device_type: 'netkit', prevResult: [], runtimeConfig: 7, ocicat: 1 };
  const typeOf = (ipam: unknown) => accept({ CNI_COMMAND: 'DEL' }, { ...refused, ipam }).config.ipam.type;
  expect(['host-local', '../x', 3].map((type) => typeOf({ type }))).toEqual([
    'host-local',
    'calico-ipam',
    'calico-ipam',
  ]);
  expect(typeOf('x')).toBe('calico-ipam');
});

test('another IPAM plugin may be who the capability arguments are for', () => {
  const ipRanges = [[{ subnet: '10.1.0.0/16' }]];
  expect(accept({}, { ipam: { type: 'host-local' }, runtimeConfig: { ipRanges } }).config.ipam.type).toBe('host-local');
});

test('addresses in the configuration go before the one in CNI_ARGS', () => {
  const args = 'IP=10.0.0.9';
  expect(
    accept({ CNI_ARGS: args }, { args: { cni: { ips: ['10.0.0.1'] } } }).config.workloadArgs.addresses.map(formatIp),
  ).toEqual(['10.0.0.1']);
});

test('every refusal says the version of the call, or the newest where that is not spoken', () => {
  const versionOf = (variables: object, config: object | string = {}) => {
    const result = parseRequest(callOf(variables, config));
    return result.kind === 'refused' ? JSON.parse(printCniError(result.error)).cniVersion : '';
  };
  expect(versionOf({ CNI_CONTAINERID: '' })).toBe('0.1.0');
  expect(versionOf({ CNI_COMMAND: 'UP' }, { cniVersion: '0.4.0' })).toBe('0.4.0');
  expect(versionOf({}, { cniVersion: '1.1.0', mtu: 1 })).toBe('1.1.0');
  expect(versionOf({}, { cniVersion: '9.0.0' })).toBe('1.1.0');
  expect(versionOf({}, '{')).toBe('1.1.0');
});

test.each([
  [{ CNI_COMMAND: undefined }, {}, '4 required env variables [CNI_COMMAND] missing'],
  [{ CNI_COMMAND: 'UP' }, {}, '4 unknown CNI_COMMAND: UP'],
  [{ CNI_CONTAINERID: '', CNI_NETNS: '' }, {}, '4 required env variables [CNI_CONTAINERID,CNI_NETNS] missing'],
  [{ CNI_COMMAND: 'DEL', CNI_NETNS: undefined, CNI_IFNAME: '' }, {}, '4 required env variables [CNI_IFNAME] missing'],
  [
    { CNI_CONTAINERID: '../x', CNI_IFNAME: 'a/b', CNI_ARGS: 'IP=300.0.0.1;bad' },
    {},
    '4 invalid environment: CNI_CONTAINERID: found "../x", wanted a letter or digit, then letters, digits, "_", "." and "-"; CNI_IFNAME: found "a/b", wanted an interface name of at most 15 characters; CNI_ARGS: found "bad", wanted KEY=VALUE pairs joined by ";"',
  ],
  [
    { CNI_IFNAME: 'sixteen-letters-' },
    {},
    '4 invalid environment: CNI_IFNAME: found "sixteen-letters-", wanted an interface name of at most 15 characters',
  ],
  [
    {},
    { cniVersion: '9.0.0' },
    '1 incompatible CNI versions: config is "9.0.0", plugin supports ["0.1.0" "0.2.0" "0.3.0" "0.3.1" "0.4.0" "1.0.0" "1.1.0"]',
  ],
  [{}, '{"etcd_password": hunter2}', '6 error unmarshall network config: is not JSON'],
  [
    {},
    '{"cniVersion": 12345678901234567890}',
    '1 incompatible CNI versions: config is 12345678901234567890, plugin supports ["0.1.0" "0.2.0" "0.3.0" "0.3.1" "0.4.0" "1.0.0" "1.1.0"]',
  ],
  [{}, '[]', '6 error unmarshall network config: not an object'],
  [{ CNI_COMMAND: 'CHECK' }, {}, '1 config version does not allow CHECK'],
  [{ CNI_COMMAND: 'GC' }, { cniVersion: '1.0.0' }, '1 config version does not allow GC'],
  [{ CNI_COMMAND: 'STATUS' }, { cniVersion: '1.0.0' }, '1 config version does not allow STATUS'],
  [
    { CNI_COMMAND: 'GC' },
    { cniVersion: '1.1.0' },
    '7 GC without cni.dev/valid-attachments: nothing says what is still in use',
  ],
  [
    {},
    { name: 'Net_1', mtu: 40, num_queues: 'two', ipam: {} },
    '7 invalid network configuration: name: found "Net_1", wanted a name that can be a profile and a label: at most 63 lower-case letters, digits, "-" and ".", a letter or digit at both ends; ipam.type: found nothing, wanted "calico-ipam" or another plugin\'s name; mtu: found 40, wanted 68 to 65535, or 0 for the default; num_queues: found "two", wanted a whole number, at most 4096',
  ],
  [
    {},
    { name: undefined },
    '7 invalid network configuration: name: found nothing, wanted a name that can be a profile and a label: at most 63 lower-case letters, digits, "-" and ".", a letter or digit at both ends',
  ],
  [
    {},
    { name: '/x' },
    '7 invalid network configuration: name: found "/x", wanted a letter or digit, then letters, digits, "_", "." and "-"',
  ],
  [{}, { attach: 'both' }, '7 invalid network configuration: attach: found "both", wanted "interface" or "profile"'],
  [
    {},
    { ipam: { type: 'calico-ipam', routes: [{ dst: 'everywhere' }] } },
    '7 invalid network configuration: ipam.routes[0].dst: found "everywhere", wanted a range such as "10.0.0.0/8"',
  ],
  [{}, { device_type: 'netkit' }, '2 unsupported field: device_type: found "netkit", wanted "veth"'],
  [{}, { datastore_type: 'kubernetes' }, '2 unsupported field: datastore_type: found "kubernetes", wanted "etcdv3"'],
  [
    {},
    { feature_control: { ip_addrs_no_ipam: true } },
    '2 unsupported field: feature_control.ip_addrs_no_ipam: found true, wanted false: requested feature is not supported for this runtime: ip_addrs_no_ipam',
  ],
  [
    {},
    { dataplane_options: { type: 'grpc' } },
    '2 unsupported field: dataplane_options.type: found "grpc", wanted nothing',
  ],
  [
    {},
    { runtimeConfig: { deviceID: '0000:04:00.5' } },
    '2 unsupported field: runtimeConfig.deviceID: found "0000:04:00.5", wanted one of ips, mac, bandwidth, portMappings, dns, aliases, io.kubernetes.cri.pod-annotations',
  ],
  [
    {},
    { device_type: 'netkit', mtu: 40 },
    '7 invalid network configuration: mtu: found 40, wanted 68 to 65535, or 0 for the default; device_type: found "netkit", wanted "veth"',
  ],
  [
    {},
    { ipam: { type: 'calico-ipam', assign_ipv6: 'yes' } },
    '7 invalid network configuration: ipam.assign_ipv6: found "yes", wanted "true" or "false"',
  ],
  [
    {},
    { ipam: { type: 'calico-ipam', assign_ipv4: 'false' } },
    '7 invalid network configuration: ipam.assign_ipv4: found "false", wanted at least one of assign_ipv4 and assign_ipv6',
  ],
  [
    {},
    { readiness_gates: ['nowhere'] },
    '7 invalid network configuration: readiness_gates[0]: found "nowhere", wanted a URL',
  ],
])('refused: %j %j', (variables, config, expected) => {
  const whole = { ...environment, ...variables };
  const defined = Object.fromEntries(Object.entries(whole).filter(([, value]) => value !== undefined));
  expect(refusal({ CNI_COMMAND: undefined, CNI_NETNS: undefined, ...defined }, config)).toBe(expected);
});

test('calico-ipam takes names that only the network plugin cannot', () => {
  const request = accept({ CNI_CONTAINERID: 'a_b.c' }, { name: 'Net_1' }, 'calico-ipam');
  expect([request.plugin, request.config.name, request.environment.containerId]).toEqual([
    'calico-ipam',
    'Net_1',
    'a-b-c-a3715283aee1d498',
  ]);
  expect(refusal({}, { ipam: { type: 'host-local' } }, 'calico-ipam')).toBe(
    '7 invalid network configuration: ipam.type: found "host-local", wanted "calico-ipam", which is who was called',
  );
  const removal = accept({ CNI_COMMAND: 'DEL' }, { ipam: { type: 'host-local' } }, 'calico-ipam');
  expect(removal.config.ipam.type).toBe('calico-ipam');
  expect(refusal({}, {}, 'bridge')).toBe('999 plugin "bridge": unknown, wanted "calico" or "calico-ipam"');
});

test('a configuration without a version is one of 0.2.0', () => {
  expect(accept({}, { cniVersion: undefined }).config.version).toBe('0.2.0');
  expect(accept({}, { cniVersion: '' }).config.version).toBe('0.2.0');
});

test('VERSION needs no configuration, and says the version of one', () => {
  expect(parseRequest(callOf({ CNI_COMMAND: 'VERSION' }, ''))).toEqual({ kind: 'version', version: undefined });
  expect(parseRequest(callOf({ CNI_COMMAND: 'VERSION' }, { cniVersion: '0.3.1' }))).toEqual({
    kind: 'version',
    version: '0.3.1',
  });
});

test('labels of Mesos become labels', () => {
  const cases = [
    ['a/b', 'a.b'],
    ['a//b', 'a.b'],
    ['a b\tc', 'a-b-c'],
    ['--a-.-b--', 'a.b'],
    ['ä', ''],
    ['x_y', 'x_y'],
  ];
  expect(cases.map(([from = '']) => [from, sanitiseLabel(from)])).toEqual(cases);
});

test('any input is answered and never thrown at', () => {
  fc.assert(
    fc.property(
      fc.json(),
      fc.dictionary(fc.constantFrom('CNI_ARGS', 'CNI_IFNAME', 'CNI_CONTAINERID'), fc.string()),
      (input, variables) => {
        expect(['refused', 'request']).toContain(parseRequest(callOf(variables, input)).kind);
      },
    ),
    { seed: 2, numRuns: 300 },
  );
});

test('ports of the host are taken from the runtime that asks this plugin for them, and named where they are wrong', () => {
  const ask = (...portMappings: readonly object[]) => ({ runtimeConfig: { portMappings } });
  const { config } = accept(
    {},
    ask(
      { hostPort: 8080, containerPort: 80, protocol: 'TCP' },
      { hostPort: 53, containerPort: 5353, protocol: 'udp', hostIP: '::1' },
      { hostPort: 81, containerPort: 81, hostIP: '', name: 'more' },
    ),
  );
  expect(config.workloadArgs.portMappings.map(formatPortMapping)).toEqual([
    '8080:80/tcp',
    '[::1]:53:5353/udp',
    '81:81/tcp',
  ]);
  const wrong = ask({ hostPort: 0, containerPort: 65536, protocol: 'icmp', hostIP: 'eth0' });
  expect(refusal({}, wrong)).toBe(
    '7 invalid network configuration: runtimeConfig.portMappings[0].hostPort: found 0, wanted a whole number from 1 to 65535; runtimeConfig.portMappings[0].containerPort: found 65536, wanted a whole number from 1 to 65535; runtimeConfig.portMappings[0].protocol: found "icmp", wanted "tcp", "udp" or "sctp"; runtimeConfig.portMappings[0].hostIP: found "eth0", wanted an address of the host, or nothing for all',
  );
  expect(accept({ CNI_COMMAND: 'DEL' }, wrong).environment.command).toBe('DEL');
});

test('addresses, a MAC address, a name and labels from wherever clients put them', () => {
  const args =
    'IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=Web_1;IP=10.0.0.1/24;ALLOW_RESERVED=true;MAC=02-00-00-00-00-01;LABELS=tier=front,app:web';
  const { config } = accept(
    { CNI_ARGS: args },
    {
      runtimeConfig: { ips: ['10.0.0.1', 'fd00::1/64'], mac: '02:00:00:00:00:01' },
      args: { cni: { ips: ['10.0.0.2'], labels: [{ key: 'app', value: 'api' }] } },
      ocicat: { labels: { app: 'any', 'example.org/zone': 'a' } },
    },
  );
  const { addresses, ...rest } = config.workloadArgs;
  expect(addresses.map(formatIp)).toEqual(['10.0.0.1', 'fd00::1', '10.0.0.2']);
  expect(rest).toEqual({
    allowsReserved: true,
    mac: parseMac('02:00:00:00:00:01'),
    pools: { ipv4: [], ipv6: [] },
    namespace: undefined,
    controls: undefined,
    portMappings: [],
    workload: 'web-1',
    names: ['web_1'],
    dns: {},
    labels: {
      'io.kubernetes.pod.namespace': 'shop',
      'io.kubernetes.pod.name': 'Web_1',
      app: 'web',
      tier: 'front',
      'example.org/zone': 'a',
    },
  });
  const nomad = accept({ CNI_ARGS: 'NOMAD_JOB_ID=shop/web;NOMAD_GROUP_NAME=front' }).config.workloadArgs;
  expect([nomad.workload, nomad.labels]).toEqual([
    'shop-web.front',
    { 'nomad.job': 'shop.web', 'nomad.group': 'front' },
  ]);
});

test('names by which a container is found, from wherever clients put them, and whom it asks instead of its host', () => {
  const { workloadArgs, dns, networkDns } = accept(
    { CNI_ARGS: 'K8S_POD_NAME=Web_1;NAMES=www,shop.front' },
    {
      runtimeConfig: { aliases: { network1: ['0a1b2c3d4e5f'], network2: ['other'] }, dns: { servers: ['10.1.0.1'] } },
      dns: { nameservers: ['10.9.0.1'], search: ['example.org'] },
      ocicat: { dns: 'internal' },
    },
  ).config;
  expect(workloadArgs.names).toEqual(['web_1', 'www', 'shop.front', '0a1b2c3d4e5f']);
  expect(dns).toEqual({ nameservers: ['10.1.0.1'], search: ['example.org'] });
  expect(networkDns).toBe('internal');
  expect(accept({}, { runtimeConfig: { aliases: ['a', 'B'] } }).config.workloadArgs.names).toEqual(['a', 'b']);
  expect(accept({}, { ocicat: { dns: false } }).config.networkDns).toBe('off');
  expect(accept({ CNI_ARGS: 'K8S_POD_NAME=a b' }).config.workloadArgs.names).toEqual([]);
});

test.each([
  [{ CNI_ARGS: 'NAMES=web,a b' }, {}, 'CNI_ARGS NAMES: found "a b"'],
  [{ CNI_ARGS: 'NAMES=1.in-addr.arpa' }, {}, 'CNI_ARGS NAMES: found "1.in-addr.arpa"'],
  [
    {},
    { runtimeConfig: { aliases: { network2: ['a b'] } } },
    'runtimeConfig.aliases: found an object, wanted a list of names',
  ],
  [{}, { runtimeConfig: { dns: { servers: ['x'] } } }, 'runtimeConfig.dns.servers[0]: found "x"'],
  [{}, { ocicat: { dns: 'no' } }, 'ocicat.dns: found "no", wanted true, false or "internal"'],
  [{ CNI_ARGS: 'MAC=01:00:5e:00:00:01' }, {}, 'CNI_ARGS MAC: found "01:00:5e:00:00:01"'],
  [{ CNI_ARGS: 'IP=300.0.0.1' }, {}, 'CNI_ARGS IP: found "300.0.0.1"'],
  [{ CNI_ARGS: 'ALLOW_RESERVED=maybe' }, {}, 'CNI_ARGS ALLOW_RESERVED: found "maybe"'],
  [{ CNI_ARGS: 'LABELS=projectcalico.org/namespace=x' }, {}, 'CNI_ARGS LABELS: found'],
  [{ CNI_ARGS: 'LABELS=front' }, {}, 'CNI_ARGS LABELS: found'],
  [{}, { ocicat: { labels: { 'projectcalico.org/namespace': 'x' } } }, 'ocicat.labels["projectcalico.org/namespace"]'],
  [{}, { ocicat: { labels: { app: 1 } } }, "ocicat.labels.app: found 1, wanted a label's value"],
  [{}, { ocicat: { label: { app: 'web' } } }, 'ocicat.label: found an object, wanted one of dns, labels'],
  [{}, { ocicat: 'app=web' }, 'ocicat: found "app=web", wanted an object'],
  [{}, { runtimeConfig: { ips: ['x'] } }, 'runtimeConfig.ips[0]: found "x"'],
  [{}, { args: { cni: { labels: [{ key: 'a' }] } } }, 'args.cni.labels[0].value: found nothing, wanted a text'],
  [{ CNI_ARGS: 'MAC=02:00:00:00:00:01' }, { runtimeConfig: { mac: '02:00:00:00:00:02' } }, 'the same everywhere'],
])('a request that cannot be granted is refused: %p %p', (variables, config, message) => {
  expect(refusal(variables, config)).toContain(message);
});
