// Explanations as people read them: what decided, where it was written, labels and where they are from, staged policies.
import { expect, test } from 'bun:test';
import { clusterWith, document, POD_A, POD_B, POD_C, workload } from '../../test/support/policy/why-cluster.ts';
import { describeError } from '../base/errors.ts';
import type { Cluster } from './cluster.ts';
import { describeExplanation } from './document.ts';
import { explainFlow } from './explain.ts';
import { type FlowOptions, readFlows } from './flow.ts';
import { resolveEnd } from './resolve.ts';
import { formatExplanation } from './text.ts';

const NOTHING: FlowOptions = {
  protocol: undefined,
  port: undefined,
  sourcePort: undefined,
  icmpType: undefined,
  family: undefined,
};

const NOT_ASKED = {
  egress: { kind: 'unknown', why: 'only root can read its rules' },
  ingress: { kind: 'unknown', why: 'the endpoint is on another host' },
} as const;

function explain(cluster: Cluster, source: string, destination: string, options: Partial<FlowOptions> = {}) {
  const ends = [resolveEnd(source, cluster, []), resolveEnd(destination, cluster, [])] as const;
  return readFlows({ ...NOTHING, ...options }, ...ends, cluster).map((flow) => explainFlow(flow, cluster));
}

const lines = (cluster: Cluster, ...[source, destination, options]: [string, string, Partial<FlowOptions>?]) =>
  explain(cluster, source, destination, options).map((one) => formatExplanation(one, cluster, NOT_ASKED));

const web = document(
  'GlobalNetworkPolicy',
  'web',
  {
    order: 10,
    selector: "role == 'web'",
    types: ['Ingress'],
    ingress: [
      { action: 'Log', protocol: 'UDP' },
      {
        action: 'Allow',
        protocol: 'TCP',
        source: { selector: 'has(network1)' },
        destination: { ports: ['http'] },
        metadata: { annotations: { why: 'visitors' } },
      },
    ],
  },
  { annotations: { owner: 'team-a' } },
);

test('a packet that a rule lets through', () => {
  const [first = []] = lines(clusterWith(web), POD_A, 'web', { port: 'http', family: 4 });
  expect(first).toEqual([
    'allowed: TCP 192.168.0.1 to 192.168.0.2 port 8080',
    '',
    'egress of the source 192.168.0.1: allowed by Profile(network1), spec.egress[0]',
    `  WorkloadEndpoint(default/node1-cni-${POD_A}-eth0) on node1, interface cali0a111111`,
    '  labels: network1= (of profile network1), projectcalico.org/namespace=default, projectcalico.org/orchestrator=cni',
    '  profile "network1"',
    '      spec.egress[0] Allow: matches',
    '  kernel: not asked: only root can read its rules',
    '',
    'ingress of the destination 192.168.0.2: allowed by GlobalNetworkPolicy(web), spec.ingress[1]',
    `  WorkloadEndpoint(default/node2-cni-${POD_B}-eth0) on node2, interface cali0b222222`,
    '  labels: network1= (of profile network1), projectcalico.org/namespace=default, projectcalico.org/orchestrator=cni, role=web',
    '  tier "default", order 1000000',
    `    GlobalNetworkPolicy(web), order 10, for role == "web"`,
    '      spec.ingress[0] Log: no match: protocol UDP',
    '      spec.ingress[1] Allow: matches: protocol TCP; source.selector has(network1); destination.ports http (why=visitors)',
    '  annotation owner=team-a',
    '  kernel: not asked: the endpoint is on another host',
  ]);
});

const headline = (...args: Parameters<typeof lines>) => lines(...args).map(([first]) => first);

test('what decides where no rule does', () => {
  expect(headline(clusterWith(web), '192.168.0.1', 'web', { port: '443' })).toEqual([
    'denied: TCP 192.168.0.1 to 192.168.0.2 port 443, at the destination by the end of tier "default": no rule of its policies matches',
  ]);
  expect(headline(clusterWith(), POD_A, POD_C, { protocol: 'icmp' })).toEqual([
    'denied: ICMP 192.168.0.1 to 192.168.0.3 type 8 code 0, at the destination by the end of its profiles: no rule of theirs matches',
  ]);
  const bare = clusterWith(
    workload('node1', 'bare1111', ['192.168.0.8/32']),
    workload('node1', 'gone1111', ['192.168.0.9/32'], { profiles: ['gone'] }),
    document('GlobalNetworkPolicy', 'lost', { tier: 'nowhere', selector: "role == 'web'", types: ['Egress'] }),
  );
  expect(headline(bare, 'bare1111', '8.8.8.8')).toEqual([
    'denied: TCP 192.168.0.8 to 8.8.8.8 port 80, at the source by the end of its profiles: no rule of theirs matches',
  ]);
  expect(headline(bare, 'gone1111', '8.8.8.8')).toEqual([
    'denied: TCP 192.168.0.9 to 8.8.8.8 port 80, at the source by Profile(gone), which does not exist',
  ]);
  const [missing = []] = lines(bare, 'web', '8.8.8.8');
  expect(missing).toContain('  tier "nowhere", which does not exist');
  expect(missing[0]).toContain('at the source by the end of tier "nowhere"');
});

test('both families where both ends have both, UDP and ICMP in their own words', () => {
  expect(headline(clusterWith(), POD_A, POD_B, { protocol: 'udp', port: '53' })).toEqual([
    'allowed: UDP 192.168.0.1 to 192.168.0.2 port 53',
    'allowed: UDP fd00::1 to fd00::2 port 53',
  ]);
  expect(headline(clusterWith(), 'fd00::1', POD_B, { protocol: 'icmp', icmpType: '1/4' })).toEqual([
    'allowed: ICMPv6 fd00::1 to fd00::2 type 1 code 4',
  ]);
});

test('a host endpoint has policy of its own, and without any is closed', () => {
  const [explanation = []] = lines(clusterWith(), 'gateway', POD_C);
  expect(explanation).toContain(
    'egress of the source 10.0.0.1: denied by the end of its profiles: no rule of theirs matches',
  );
  expect(explanation).toContain('  HostEndpoint(gateway)');
});

test('an endpoint whose interface cannot be read is closed, as on its node', () => {
  const broken = clusterWith(workload('node1', 'mac11111', ['192.168.0.7/32'], { mac: 'x', profiles: ['network1'] }));
  expect(headline(broken, 'mac11111', POD_B, { family: 4 })[0]).toContain('at the source by its interface');
  expect(broken.problems).toHaveLength(1);
});

test('staged policies: what would be, also where one is to go', () => {
  const staged = (name: string, spec: object) => document('StagedGlobalNetworkPolicy', name, spec);
  const cluster = clusterWith(
    web,
    staged('web', { stagedAction: 'Delete' }),
    staged('closed', { order: 1, selector: 'has(network1)', types: ['Ingress'], ingress: [{ action: 'Deny' }] }),
    staged('others', { selector: 'has(network2)', ingress: [{ action: 'Deny' }] }),
  );
  const [explanation = []] = lines(cluster, '192.168.0.1', 'web', { port: '443' });
  expect(explanation.slice(explanation.indexOf('if a staged policy were enforced'))).toEqual([
    'if a staged policy were enforced',
    '  StagedGlobalNetworkPolicy(web): allowed',
    '  StagedGlobalNetworkPolicy(closed): still denied, at the destination by StagedGlobalNetworkPolicy(closed), spec.ingress[0]',
  ]);
});

test('as JSON: the same, with paths and every condition', () => {
  const cluster = clusterWith(web);
  const [one] = explain(cluster, '192.168.0.3', 'web', { port: 'http' });
  if (one === undefined) throw new Error('no explanation');
  const { verdict, ingress, egress } = describeExplanation(one, cluster, NOT_ASKED);
  expect([verdict, egress.action, ingress.action]).toEqual(['denied', 'allow', 'deny']);
  expect(ingress.reason).toEqual({ kind: 'end-of-tier', tier: 'default' });
  expect(ingress.tiers[0]?.policies[0]?.rules[1]).toEqual({
    path: 'spec.ingress[1]',
    action: 'allow',
    matched: false,
    conditions: [
      { field: 'protocol', wanted: 'TCP', holds: true },
      { field: 'source.selector', wanted: 'has(network1)', holds: false },
      { field: 'destination.ports', wanted: 'http', holds: true },
    ],
    comment: 'why=visitors',
  });
});

test.each([
  [{ port: 'dns' }, 'port "dns": no TCP port of that name: the destination has http (TCP 8080)'],
  [{ protocol: 'udp' }, 'protocol UDP: --port wanted beside it'],
  [{ protocol: 'icmp', port: '80' }, 'port "80": no port with ICMP wanted'],
  [{ port: '70000' }, 'port "70000": a number from 0 to 65535 wanted'],
  [{ protocol: 'tcpp' }, 'protocol "tcpp": tcp, udp, icmp, icmpv6, sctp or a number to 255 wanted'],
  [{ icmpType: '8' }, 'ICMP type "8": protocol icmp beside it wanted'],
] as const)('%j is refused', (options, message) => {
  try {
    explain(clusterWith(), '192.168.0.1', 'web', options);
  } catch (error) {
    expect(describeError(error)).toBe(message);
    return;
  }
  throw new Error('it was not refused');
});
