// Hosts as ends: what a host does with packets of its own workloads, and that it reaches them whatever their policies say.
import { expect, test } from 'bun:test';
import { clusterWith, document, POD_A, POD_B, POD_C } from '../../test/support/policy/why-cluster.ts';
import { DEFAULT_FAILSAFES } from '../policy/types/failsafe.ts';
import type { StoredDocument } from './cluster.ts';
import { explainFlow } from './explain.ts';
import { readFlows } from './flow.ts';
import { formatReason } from './reason.ts';
import { resolveEnd } from './resolve.ts';
import { formatExplanation } from './text.ts';

const node = (name: string, last: number) =>
  document('Node', name, { bgp: { ipv4Address: `10.9.0.${last}/24`, ipv6Address: `fd09::${last}/64` } });
const nodes = [node('node1', 1), node('node2', 2)];
const toHost = (name: string, defaultEndpointToHostAction: string) =>
  document('FelixConfiguration', name, { defaultEndpointToHostAction });
const closed = document('GlobalNetworkPolicy', 'closed', { types: ['Ingress', 'Egress'], selector: 'has(network1)' });

function ask(source: string, destination: string, ...more: readonly StoredDocument[]): readonly string[] {
  const cluster = clusterWith(...nodes, ...more);
  const options = {
    protocol: undefined,
    port: undefined,
    sourcePort: undefined,
    icmpType: undefined,
    family: undefined,
  };
  const ends = [resolveEnd(source, cluster, []), resolveEnd(destination, cluster, [])] as const;
  return readFlows(options, ...ends, cluster).map((flow) => {
    const { path, allowed, ingress } = explainFlow(flow, cluster);
    return `${path} ${flow.family} ${allowed}: ${formatReason(ingress.verdict.reason, 'ingress')}`;
  });
}

test('a packet to the host of its workload is the host’s to let through, by its own setting before the cluster’s', () => {
  const by = (action: string) => `its host node1, whose defaultEndpointToHostAction is ${action}`;
  expect(ask(POD_A, 'node1')).toEqual([`to-host 4 false: ${by('Drop')}`, `to-host 6 false: ${by('Drop')}`]);
  expect(ask(POD_A, '10.9.0.1', toHost('default', 'RETURN'))).toEqual([`to-host 4 true: ${by('Return')}`]);
  expect(ask(POD_A, 'fd09::1', toHost('default', 'Accept'), toHost('node.node1', 'Drop'))).toEqual([
    `to-host 6 false: ${by('Drop')}`,
  ]);
});

test('a configuration for nodes by their labels counts, and one that no agent can read does not', () => {
  const labelled = document('Node', 'node1', { bgp: { ipv4Address: '10.9.0.1/24' } }, { labels: { role: 'gpu' } });
  const settings = { defaultEndpointToHostAction: 'Accept', failsafeInboundHostPorts: [] };
  const forSome = document('FelixConfiguration', 'gpus', { nodeSelector: `role == 'gpu'`, ...settings });
  const { hosts } = clusterWith(...nodes, labelled, forSome);
  expect(hosts.get('node1')).toMatchObject({ toHost: 'Accept', failsafes: { ingress: [] } });
  expect(hosts.get('node2')).toMatchObject({ toHost: 'Drop', failsafes: DEFAULT_FAILSAFES });
  const unreadable = document('FelixConfiguration', 'default', { ...settings, vxlanPort: 'none' });
  expect(clusterWith(...nodes, unreadable).hosts.get('node1')).toMatchObject({ toHost: 'Drop' });
});

test('the workload’s own policy comes before', () => {
  expect(ask(POD_A, 'node1', toHost('default', 'Accept'), closed)).toEqual([
    'to-host 4 false: its host node1, whose defaultEndpointToHostAction is Accept',
    'to-host 6 false: its host node1, whose defaultEndpointToHostAction is Accept',
  ]);
});

test('another host is an address like others', () => {
  const nobody = 'no policy: the address is of no workload';
  expect(ask(POD_A, 'node2')).toEqual([`forward 4 true: ${nobody}`, `forward 6 true: ${nobody}`]);
  expect(ask('node2', POD_A, closed)[0]).toStartWith('forward 4 false: ');
});

test('a host reaches its own workloads whatever their policies say', () => {
  expect(ask('node1', POD_A, closed)).toEqual([
    'from-host 4 true: no policy: node1 is its host',
    'from-host 6 true: no policy: node1 is its host',
  ]);
  expect(ask('10.9.0.2', POD_C)).toEqual(['from-host 4 true: no policy: node2 is its host']);
});

const hostEndpoint = (name: string, nodeName: string, more: object) =>
  document('HostEndpoint', name, { node: nodeName, profiles: ['network1'], ...more }, { labels: { gate: name } });
const forwarding = (name: string, gate: string, more: object) =>
  document('GlobalNetworkPolicy', name, { selector: `gate == '${gate}'`, applyOnForward: true, ...more });
const DENY = { types: ['Ingress', 'Egress'], egress: [{ action: 'Deny' }], ingress: [{ action: 'Deny' }] };

function onTheWay(source: string, destination: string, ...more: readonly StoredDocument[]): readonly string[] {
  const cluster = clusterWith(...nodes, ...more);
  const options = { port: undefined, sourcePort: undefined, icmpType: undefined, family: 4 as const };
  const ends = [resolveEnd(source, cluster, []), resolveEnd(destination, cluster, [])] as const;
  const [flow] = readFlows({ ...options, protocol: undefined }, ...ends, cluster);
  if (flow === undefined) throw new Error('no flow');
  const { way, allowed } = explainFlow(flow, cluster);
  const walks = way.walks.map(
    ({ direction, endpoint, verdict }) =>
      `${direction} ${endpoint.split('/').at(-1)}: ${formatReason(verdict.reason, direction)}`,
  );
  return [`${allowed}`, ...walks, ...way.unjudged];
}

const up1 = hostEndpoint('up1', 'node1', { expectedIPs: ['10.9.0.1'] });
const up2 = hostEndpoint('up2', 'node2', { interfaceName: 'eth0' });
const all2 = hostEndpoint('all2', 'node2', { interfaceName: '*' });

test('policies of what hosts forward are judged where the packet leaves its host and where it comes to the other', () => {
  const out = forwarding('out', 'up1', DENY);
  const into = forwarding('into', 'up2', DENY);
  expect(onTheWay(POD_A, POD_B, up1, up2)).toEqual(['true']);
  const leaves = 'egress up1: GlobalNetworkPolicy(out), spec.egress[0]';
  const comes = 'ingress up2: GlobalNetworkPolicy(into), spec.ingress[0]';
  expect(onTheWay(POD_A, POD_B, up1, up2, out)).toEqual(['false', leaves]);
  expect(onTheWay(POD_A, POD_B, up1, up2, out, into)).toEqual(['false', leaves, comes]);
  expect(onTheWay(POD_B, POD_A, up1, up2, into)).toEqual([
    'false',
    'egress up2: GlobalNetworkPolicy(into), spec.egress[0]',
  ]);
  expect(onTheWay(POD_A, '10.1.1.1', up1, out)).toEqual(['false', leaves]);
  expect(onTheWay(POD_B, POD_C, up2, into)[0]).toBe('false'); // another network, on the same host
  expect(onTheWay(POD_B, POD_C, up2, into).slice(1)).toEqual([]);
});

test('what comes in is asked for before it is tracked and translated, too, and what these allow is asked for no more', () => {
  const early = (flag: object) => forwarding('early', 'up2', { ...flag, ingress: [{ action: 'Allow' }] });
  const into = forwarding('into', 'up2', DENY);
  const allowed = 'ingress up2: GlobalNetworkPolicy(early), spec.ingress[0]';
  for (const flag of [{ preDNAT: true }, { doNotTrack: true }])
    expect(onTheWay(POD_A, POD_B, up2, into, early(flag))).toEqual(['true', allowed]);
});

test('an endpoint of all interfaces is about the links of workloads, where they send to their host before translation alone', () => {
  const forward = forwarding('forward', 'all2', DENY);
  const early = forwarding('early', 'all2', { preDNAT: true, ingress: [{ action: 'Deny' }] });
  const open = document('FelixConfiguration', 'default', { defaultEndpointToHostAction: 'Accept' });
  expect(onTheWay(POD_B, 'node2', all2, open, forward)).toEqual(['true']);
  const deniedEarly = 'ingress all2: GlobalNetworkPolicy(early), spec.ingress[0]';
  expect(onTheWay(POD_B, 'node2', all2, open, early)).toEqual(['false', deniedEarly]);
  expect(onTheWay('node2', POD_B, all2, early, forward)).toEqual(['true']);
  expect(onTheWay(POD_A, POD_B, all2, forward)).toEqual([
    'false',
    'ingress all2: GlobalNetworkPolicy(forward), spec.ingress[0]',
    'egress all2: GlobalNetworkPolicy(forward), spec.egress[0]',
  ]);
});

test('of several endpoints of a host, what all say is said; where they say different things, they are named', () => {
  const other = hostEndpoint('other', 'node2', { interfaceName: 'eth1' });
  const [one, both] = [forwarding('one', 'up2', DENY), forwarding('both', 'other', DENY)];
  expect(onTheWay(POD_A, POD_B, up2, other, one, both)).toEqual([
    'false',
    'ingress other: GlobalNetworkPolicy(both), spec.ingress[0]',
  ]);
  expect(onTheWay(POD_A, POD_B, up2, other, one)).toEqual(['true', 'HostEndpoint//up2']);
});

test('a staged policy of what is forwarded is tried as well', () => {
  const staged = document('StagedGlobalNetworkPolicy', 'trial', {
    ...{ selector: "gate == 'up2'", applyOnForward: true, types: ['Ingress'], ingress: [{ action: 'Deny' }] },
  });
  const cluster = clusterWith(...nodes, up2, staged);
  const options = { port: undefined, sourcePort: undefined, icmpType: undefined, family: 4 as const };
  const ends = [resolveEnd(POD_A, cluster, []), resolveEnd(POD_B, cluster, [])] as const;
  const [flow] = readFlows({ ...options, protocol: undefined }, ...ends, cluster);
  if (flow === undefined) throw new Error('no flow');
  const explanation = explainFlow(flow, cluster);
  const nobody = { kind: 'unknown', why: 'not asked here' } as const;
  const lines = formatExplanation(explanation, cluster, { egress: nobody, ingress: nobody });
  expect(lines.slice(-1)).toEqual([
    '  StagedGlobalNetworkPolicy(trial): denied, on the way, at host node2, by StagedGlobalNetworkPolicy(trial), spec.ingress[0]',
  ]);
});
