// What references resolve to: every name of an endpoint, and a list of candidates where one means none or several.
import { describe, expect, test } from 'bun:test';
import { clusterWith, POD_A, POD_B, POD_C, workload } from '../../test/support/policy/why-cluster.ts';
import { describeError } from '../base/errors.ts';
import { formatIp } from '../net/ip.ts';
import { resolveEnd } from './resolve.ts';

const cluster = clusterWith();
const pods = [{ containerId: POD_A, names: ['busybox', 'helper'] }];
const idOf = (node: string, pod: string) => `default/${node}-cni-${pod}-eth0`;

test.each([
  ['the name of an endpoint', `node1-cni-${POD_A}-eth0`, idOf('node1', POD_A)],
  ['its name with its namespace', idOf('node1', POD_A), idOf('node1', POD_A)],
  ['its container', POD_B, idOf('node2', POD_B)],
  ['the beginning of its container', '0b22', idOf('node2', POD_B)],
  ['its workload', 'web', idOf('node2', POD_B)],
  ['its interface', 'cali0b333333', idOf('node2', POD_C)],
  ['an app of its pod', 'busybox', idOf('node1', POD_A)],
  ['its address', '192.168.0.3', idOf('node2', POD_C)],
  ['its other address', 'fd00::2', idOf('node2', POD_B)],
  ['a host endpoint', 'gateway', 'HostEndpoint//gateway'],
  ['the address of a host endpoint', '10.0.0.1', 'HostEndpoint//gateway'],
  ['an address of nobody', '198.51.100.7', undefined],
] as const)('%s', (_, reference, endpoint) => {
  expect(resolveEnd(reference, cluster, pods).endpoint).toBe(endpoint);
});

test('a name means all addresses of its endpoint, an address itself alone', () => {
  expect(resolveEnd('web', cluster, []).addresses.map(formatIp)).toEqual(['192.168.0.2', 'fd00::2']);
  expect(resolveEnd('fd00::2', cluster, []).addresses.map(formatIp)).toEqual(['fd00::2']);
});

function refusalOf(reference: string, of = cluster): string {
  try {
    resolveEnd(reference, of, pods);
  } catch (error) {
    return describeError(error);
  }
  return '';
}

describe('a reference that names no single endpoint is refused', () => {
  test('with those that it means', () => {
    const two = clusterWith(workload('node1', '0b224444-0000-4000-8000-000000000004', ['192.168.0.4/32']));
    expect(refusalOf('0b22', two)).toBe(
      [
        'find endpoint "0b22": it means 2; name one by its endpoint or address',
        '  default/node1-cni-0b224444-0000-4000-8000-000000000004-eth0 on node1 (192.168.0.4)',
        `  default/node2-cni-${POD_B}-eth0 on node2 (192.168.0.2, fd00::2)`,
      ].join('\n'),
    );
  });

  test('with those whose names have it in them', () => {
    expect(refusalOf('node2')).toBe(
      [
        'find endpoint "node2": no endpoint, container, workload, pod, host or address is called that; there are',
        `  default/node2-cni-${POD_B}-eth0 on node2 (192.168.0.2, fd00::2)`,
        `  default/node2-cni-${POD_C}-eth0 on node2 (192.168.0.3)`,
      ].join('\n'),
    );
  });

  test('with all of them, up to twenty, where none is near', () => {
    const many = Array.from({ length: 30 }, (_, index) =>
      workload('node3', `${index + 10}`.repeat(8), [`10.1.0.${index}/32`]),
    );
    const lines = refusalOf('nonsense', clusterWith(...many)).split('\n');
    expect([lines.length, lines.at(-1)]).toEqual([22, '  and 14 more']);
  });
});
