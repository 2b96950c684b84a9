import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { printAffinityPrefix, printKey, printResourcePrefix, type StoreKey, tryParseKey } from './keys.ts';

const R = '/calico/resources/v3/projectcalico.org';
const host1 = { kind: 'host', name: 'host1' } as const;

const table: readonly (readonly [string, StoreKey])[] = [
  [
    `${R}/ippools/default-ipv4-ippool`,
    { kind: 'resource', resourceKind: 'IPPool', namespace: undefined, name: 'default-ipv4-ippool' },
  ],
  [
    `${R}/caliconodestatuses/host1`,
    { kind: 'resource', resourceKind: 'CalicoNodeStatus', namespace: undefined, name: 'host1' },
  ],
  [
    `${R}/workloadendpoints/default/node--1-cni-3f2a-eth0`,
    { kind: 'resource', resourceKind: 'WorkloadEndpoint', namespace: 'default', name: 'node--1-cni-3f2a-eth0' },
  ],
  [
    `${R}/globalnetworkpolicies/security.web`,
    { kind: 'resource', resourceKind: 'GlobalNetworkPolicy', namespace: undefined, name: 'security.web' },
  ],
  ['/calico/ipam/v2/assignment/ipv4/block/10.77.119.0-26', { kind: 'block', cidr: '10.77.119.0/26' }],
  ['/calico/ipam/v2/assignment/ipv6/block/fd80:24e2::-122', { kind: 'block', cidr: 'fd80:24e2::/122' }],
  ['/calico/ipam/v2/host/host1/ipv4/block/10.77.119.0-26', { kind: 'affinity', owner: host1, cidr: '10.77.119.0/26' }],
  [
    '/calico/ipam/v2/virtual/load-balancer/ipv6/block/fd80::-122',
    { kind: 'affinity', owner: { kind: 'virtual', name: 'load-balancer' }, cidr: 'fd80::/122' },
  ],
  ['/calico/ipam/v2/handle/network1.cont000001', { kind: 'handle', handleId: 'network1.cont000001' }],
  ['/calico/ipam/v2/config', { kind: 'ipam-config' }],
  ['/calico/ipam/v2/host/host1', { kind: 'ipam-host', host: 'host1' }],
  [
    '/calico/felix/v2/no-region/host/host1/status',
    { kind: 'node-status', region: undefined, host: 'host1', last: false },
  ],
  [
    '/calico/felix/v2/region-a%2fb/host/host1/last_reported_status',
    { kind: 'node-status', region: 'a/b', host: 'host1', last: true },
  ],
  [
    '/calico/felix/v2/no-region/host/host1/workload/cni/default%2f100%25/endpoint/eth0',
    {
      kind: 'workload-status',
      region: undefined,
      host: 'host1',
      orchestrator: 'cni',
      workload: 'default/100%',
      endpoint: 'eth0',
    },
  ],
  ['/calico/ocicat/v1/nodes/host1/agent', { kind: 'holder', part: 'agent', node: 'host1' }],
  ['/calico/ocicat/v1/nodes/host1/host', { kind: 'holder', part: 'host', node: 'host1' }],
  ['/calico/felix/v1/host/host1/endpoint/eth0', { kind: 'host-endpoint-status', host: 'host1', name: 'eth0' }],
];

describe('keys', () => {
  for (const [text, key] of table) {
    test(text, () => {
      expect(printKey(key)).toBe(text);
      expect(tryParseKey(text)).toEqual(key);
    });
  }

  const strangers = [
    '',
    '/calico',
    '/registry/pods/x',
    `${R}/ippools/`,
    `${R}/ippools/a/b`,
    `${R}/networkpolicies/lonely`,
    `${R}/unknowns/a`,
    `${R}/toString/a`,
    '/calico/ipam/v2/config/x',
    '/calico/ipam/v2/handle/a/b',
    '/calico/ipam/v2/assignment/ipv6/block/10.0.0.0-26',
    '/calico/ipam/v2/assignment/ipv4/block/10.0.0.0-26/x',
    '/calico/ipam/v2/assignment/ipv4/block/10.0.0.0',
    '/calico/ipam/v2/other/name/ipv4/block/10.0.0.0-26',
    '/calico/felix/v2/somewhere/host/h/status',
    '/calico/felix/v2/no-region/host/h/uptime',
    '/calico/felix/v2/no-region/host/h/workload/a/b/c/d',
    '/calico/felix/v1/host/h/other/x',
  ];
  for (const text of strangers) test(`is none of ours: "${text}"`, () => expect(tryParseKey(text)).toBeUndefined());

  test('refuses parts that would change the path', () => {
    expect(() => printKey({ kind: 'handle', handleId: 'a/b' })).toThrow(
      'name "a/b": it is empty or has a slash, and no resource is called so',
    );
    expect(() => printKey({ kind: 'ipam-host', host: '' })).toThrow('name "": it is empty');
  });

  test('prefixes end with a slash, so that host1 does not cover host10', () => {
    expect(printResourcePrefix('NetworkPolicy')).toBe(`${R}/networkpolicies/`);
    expect(printResourcePrefix('NetworkPolicy', 'shop')).toBe(`${R}/networkpolicies/shop/`);
    expect(printAffinityPrefix(host1)).toBe('/calico/ipam/v2/host/host1/');
  });

  test('any workload name survives the way there and back', () => {
    const name = fc.string({ minLength: 1, unit: fc.constantFrom('%', '/', '2', '5', 'f', 'F', 'a') });
    fc.assert(
      fc.property(name, name, (workload, endpoint) => {
        const key: StoreKey = {
          kind: 'workload-status',
          region: undefined,
          host: 'h',
          orchestrator: 'cni',
          workload,
          endpoint,
        };
        expect(tryParseKey(printKey(key))).toEqual(key);
      }),
      { seed: 7, numRuns: 300 },
    );
  });
});
