import { expect, test } from 'bun:test';
import type { ResourceKind } from '../../datastore/keys.ts';
import { createIdleLog } from './idle-log.ts';

function noted(
  ...resources: readonly (readonly [ResourceKind, string, object | string | undefined])[]
): readonly string[] {
  const lines: string[] = [];
  const log = createIdleLog({ warn: (line) => lines.push(line) });
  for (const [resourceKind, name, value] of resources) {
    const text = typeof value === 'object' ? JSON.stringify({ spec: value }) : value;
    log.note({ kind: 'resource', resourceKind, namespace: undefined, name }, text);
  }
  return lines;
}

test('what has no effect is told once, by the first resource that has it', () => {
  expect(
    noted(
      ['FelixConfiguration', 'default', { logSeverityScreen: 'Info', reportingInterval: '0s', logPrefix: 'x' }],
      ['FelixConfiguration', 'node.a', { bpfEnabled: true, wireguardEnabled: true }],
      ['FelixConfiguration', 'node.b', { bpfEnabled: true, ipv6Support: false, xdpEnabled: false }],
      ['IPPool', 'plain', { cidr: '10.0.0.0/16', ipipMode: 'Never' }],
      ['IPPool', 'tunnels', { cidr: '10.1.0.0/16', ipipMode: 'CrossSubnet' }],
      ['IPAMConfiguration', 'default', { strictAffinity: true }],
      ['IPAMConfiguration', 'other', { strictAffinity: true }],
    ),
  ).toEqual([
    'no effect here: FelixConfiguration(node.a) spec.bpfEnabled: no programs of eBPF or XDP are used',
    'no effect here: FelixConfiguration(node.a) spec.wireguardEnabled: nothing between hosts is encrypted',
    'no effect here: FelixConfiguration(node.b) spec.ipv6Support: what IPv6 there is is always policed',
    'no effect here: IPPool(tunnels) spec.ipipMode: the tunnels between hosts are not made; its addresses do not reach other hosts, and are given only to who names the pool',
    'no effect here: IPAMConfiguration(default): with etcd, `calicoctl ipam configure` sets what counts',
  ]);
});

test('what is gone, or no JSON, says nothing', () => {
  expect(
    noted(['IPPool', 'gone', undefined], ['IPPool', 'broken', '{"ipipMode"'], ['BGPPeer', 'list', '["password"]']),
  ).toEqual([]);
});
