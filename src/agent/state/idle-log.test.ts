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
      ['FelixConfiguration', 'node.a', { bpfEnabled: true, prometheusMetricsEnabled: true }],
      ['FelixConfiguration', 'node.b', { bpfEnabled: true, ipv6Support: false, xdpEnabled: false }],
      ['GlobalNetworkPolicy', 'plain', { ingress: [{ action: 'Allow' }] }],
      ['GlobalNetworkPolicy', 'web', { ingress: [{ action: 'Allow', http: { methods: ['GET'] } }] }],
      ['IPAMConfiguration', 'default', { strictAffinity: true }],
      ['IPAMConfiguration', 'other', { strictAffinity: true }],
    ),
  ).toEqual([
    'no effect here: FelixConfiguration(node.a) spec.prometheusMetricsEnabled: the agent serves neither metrics nor health',
    'no effect here: FelixConfiguration(node.a) spec.bpfEnabled: no programs of eBPF or XDP are used',
    'no effect here: FelixConfiguration(node.b) spec.ipv6Support: what IPv6 there is is always policed',
    'no effect here: GlobalNetworkPolicy(web) spec.ingress.http: the kernel does not see requests; the rule allows nothing',
    'no effect here: IPAMConfiguration(default): with etcd, `calicoctl ipam configure` sets what counts',
  ]);
});

test('what is gone, or no JSON, says nothing', () => {
  expect(
    noted(['IPPool', 'gone', undefined], ['IPPool', 'broken', '{"ipipMode"'], ['BGPPeer', 'list', '["password"]']),
  ).toEqual([]);
});
