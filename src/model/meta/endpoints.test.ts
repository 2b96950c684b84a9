import { expect, test } from 'bun:test';
import { documentOf, issuesOf, storedText } from '../../../test/support/model/documents.ts';
import { globalNetworkSet } from '../endpoint/global-network-set.ts';
import { hostEndpoint } from '../endpoint/host-endpoint.ts';
import { networkSet } from '../endpoint/network-set.ts';
import { workloadEndpoint } from '../endpoint/workload-endpoint.ts';
import { type EndpointIdentity, tryComputeEndpointName } from '../endpoint/workload-endpoint-name.ts';
import { node } from '../node/node.ts';
import type { Kind } from './kind.ts';

test.each<[EndpointIdentity, string | undefined]>([
  [{ node: 'node-1', orchestrator: 'cni', containerID: '3f2a', endpoint: 'eth0' }, 'node--1-cni-3f2a-eth0'],
  [{ node: 'host1', orchestrator: 'rkt', workload: 'w1', endpoint: 'eth0' }, 'host1-rkt-w1-eth0'],
  [{ node: 'host1', orchestrator: 'k8s', pod: 'web-1', endpoint: 'eth0' }, 'host1-k8s-web--1-eth0'],
  [{ node: 'host1', orchestrator: 'libnetwork', endpoint: 'e' }, 'host1-libnetwork-libnetwork-e'],
  [{ node: 'host1', orchestrator: 'cni', workload: 'w1', endpoint: 'eth0' }, undefined],
  [{ node: '-host1', orchestrator: 'rkt', workload: 'w1', endpoint: 'eth0' }, undefined],
])('the name of %j', (identity, expected) => {
  expect(tryComputeEndpointName(identity)).toBe(expected);
});

const endpoint = {
  orchestrator: 'rkt',
  workload: 'w1',
  node: 'host1',
  containerID: 'c1',
  endpoint: 'eth0',
  ipNetworks: ['10.77.0.9'],
  profiles: ['network1'],
  interfaceName: 'cali0ef24ba',
  mac: 'CA:FE:1D:52:BB:E9',
  ports: [{ port: 8080, protocol: 'tcp', name: 'http' }],
};

test('a workload endpoint is stored as Calico stores it', () => {
  const document = documentOf(workloadEndpoint, endpoint, {
    name: 'host1-rkt-w1-eth0',
    namespace: 'default',
    labels: { role: 'web' },
  });
  expect(storedText(workloadEndpoint, document)).toBe(
    '{"kind":"WorkloadEndpoint","apiVersion":"projectcalico.org/v3","metadata":{"name":"host1-rkt-w1-eth0","namespace":"default",' +
      '"labels":{"role":"web","projectcalico.org/namespace":"default","projectcalico.org/orchestrator":"rkt"}},' +
      '"spec":{"orchestrator":"rkt","workload":"w1","node":"host1","containerID":"c1","endpoint":"eth0","ipNetworks":["10.77.0.9/32"],' +
      '"profiles":["network1"],"interfaceName":"cali0ef24ba","mac":"ca:fe:1d:52:bb:e9",' +
      '"ports":[{"name":"http","protocol":"TCP","port":8080,"hostPort":0,"hostIP":""}]}}',
  );
});

const named = { name: 'host1-rkt-w1-eth0' };

test.each<[string, Kind, unknown, object, readonly string[]]>([
  [
    'another name',
    workloadEndpoint,
    endpoint,
    { name: 'x' },
    ['metadata.name: found "x", wanted "host1-rkt-w1-eth0", which the spec makes'],
  ],
  [
    'no interface',
    workloadEndpoint,
    { ...endpoint, interfaceName: undefined },
    named,
    ['spec.interfaceName: found nothing, wanted an interface name: 1 to 15 letters, digits, "_", "." and "-"'],
  ],
  [
    'too little',
    workloadEndpoint,
    { ...endpoint, workload: undefined },
    named,
    ["spec.workload: found nothing, wanted the workload, which is a part of the endpoint's name"],
  ],
  [
    'a range',
    workloadEndpoint,
    { ...endpoint, ipNetworks: ['10.0.0.0/24'] },
    named,
    ['spec.ipNetworks[0]: found "10.0.0.0/24", wanted an address, or a range of one address (/32 or /128)'],
  ],
  [
    'NAT elsewhere',
    workloadEndpoint,
    { ...endpoint, ipNATs: [{ internalIP: '10.0.0.1', externalIP: '10.0.0.2' }] },
    named,
    ['spec.ipNATs[0].internalIP: found "10.0.0.1", wanted one of ipNetworks'],
  ],
  [
    'NAT across families',
    workloadEndpoint,
    { ...endpoint, ipNATs: [{ internalIP: '10.77.0.9', externalIP: 'fd00::1' }] },
    named,
    ['spec.ipNATs[0].externalIP: found "fd00::1", wanted an address of the family of internalIP'],
  ],
  [
    'a port without a name',
    workloadEndpoint,
    { ...endpoint, ports: [{ protocol: 'TCP', port: 1 }] },
    named,
    ['spec.ports[0].name: found nothing, wanted a name, or a hostPort'],
  ],
  [
    'no node',
    hostEndpoint,
    { interfaceName: 'eth0' },
    {},
    [
      'spec.node: found nothing, wanted lower-case letters, digits, "-" and "." that start and end with a letter or digit, at most 253 characters',
    ],
  ],
  [
    'nothing to find it by',
    hostEndpoint,
    { node: 'host1' },
    {},
    ['spec.interfaceName: found nothing, wanted an interface name, or expectedIPs'],
  ],
  [
    'a long interface',
    hostEndpoint,
    { node: 'host1', interfaceName: 'a'.repeat(16) },
    {},
    [
      `spec.interfaceName: found "${'a'.repeat(16)}", wanted an interface name: 1 to 15 letters, digits, "_", "." and "-", or "*" for all of them`,
    ],
  ],
  [
    'a port of a protocol without ports',
    hostEndpoint,
    { node: 'host1', interfaceName: 'eth0', ports: [{ name: 'a', protocol: 'ICMP', port: 1 }] },
    {},
    ['spec.ports[0].protocol: found "ICMP", wanted TCP, UDP or SCTP, or its number'],
  ],
  [
    'a host port',
    hostEndpoint,
    { node: 'host1', interfaceName: '*', ports: [{ name: 'SSH', protocol: 'TCP', port: 0 }] },
    {},
    [
      'spec.ports[0].name: found "SSH", wanted a port name: at most 15 lower-case letters, digits and single "-", with a letter among them',
      'spec.ports[0].port: found 0, wanted a whole number from 1 to 65535',
    ],
  ],
  [
    'an empty bgp',
    node,
    { bgp: {} },
    {},
    ['spec.bgp: found an empty object, wanted at least one field, or no bgp at all'],
  ],
  [
    'the wrong family',
    node,
    { bgp: { ipv4Address: 'fd00::1/64' } },
    {},
    [
      'spec.bgp.ipv4Address: found "fd00::1/64", wanted a host\'s IPv4 address, with its prefix length if the subnet is known, such as 10.0.0.1/24',
    ],
  ],
  [
    'a cluster id',
    node,
    { bgp: { routeReflectorClusterID: '5' } },
    {},
    ['spec.bgp.routeReflectorClusterID: found "5", wanted an IPv4 address'],
  ],
  ['a bad net', networkSet, { nets: ['x'] }, {}, ['spec.nets[0]: found "x", wanted an address or a range']],
  [
    'a forced label',
    globalNetworkSet,
    {},
    { labels: { 'projectcalico.org/namespace': 'a' } },
    ['metadata.labels: found projectcalico.org/namespace, wanted other labels: the namespace gives it'],
  ],
])('refused: %s', (_name, kind, spec, metadata, expected) => {
  expect(issuesOf(kind, documentOf(kind, spec, metadata))).toEqual(expected);
});

test('nodes always have a status; addresses stay as they were given', () => {
  expect(storedText(node, documentOf(node, { bgp: { ipv4Address: '10.0.0.1', asNumber: '64513' } }))).toBe(
    '{"kind":"Node","apiVersion":"projectcalico.org/v3","metadata":{"name":"name"},"spec":{"bgp":{"asNumber":64513,"ipv4Address":"10.0.0.1"}},"status":{}}',
  );
});

test('sets and host endpoints are stored as Calico stores them', () => {
  expect(storedText(networkSet, documentOf(networkSet, { nets: ['198.51.100.5/28', '203.0.113.7'] }))).toContain(
    '"spec":{"nets":["198.51.100.5/28","203.0.113.7"]}',
  );
  expect(storedText(globalNetworkSet, documentOf(globalNetworkSet, {}))).toContain('"spec":{}');
  const spec = { ports: [{ port: 22, name: 'ssh', protocol: 'TCP' }], node: 'host1', interfaceName: 'eth0' };
  expect(storedText(hostEndpoint, documentOf(hostEndpoint, spec))).toContain(
    '"spec":{"node":"host1","interfaceName":"eth0","ports":[{"name":"ssh","protocol":"TCP","port":22}]}',
  );
});
