// Hosts as ends: what a host does with packets of its own workloads, and that it reaches them whatever their policies say.
import { expect, test } from 'bun:test';
import { clusterWith, document, POD_A, POD_B, POD_C } from '../../test/support/policy/why-cluster.ts';
import { DEFAULT_FAILSAFES } from '../policy/types/failsafe.ts';
import type { StoredDocument } from './cluster.ts';
import { explainFlow } from './explain.ts';
import { readFlows } from './flow.ts';
import { formatReason } from './reason.ts';
import { resolveEnd } from './resolve.ts';

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

test('host endpoints that have policies of what is forwarded are named, those of one host where they are of all interfaces', () => {
  const named = document('HostEndpoint', 'uplink', { node: 'node1', interfaceName: 'eth0' });
  const all = document('HostEndpoint', 'all', { node: 'node1', interfaceName: '*' });
  const other = document('HostEndpoint', 'other', { node: 'node2', interfaceName: '*' });
  const forward = document('GlobalNetworkPolicy', 'forward', { selector: 'all()', applyOnForward: true });
  const unjudged = (source: string, destination: string, ...more: readonly StoredDocument[]) => {
    const cluster = clusterWith(...nodes, named, all, other, ...more);
    const options = { port: undefined, sourcePort: undefined, icmpType: undefined, family: 4 as const };
    const ends = [resolveEnd(source, cluster, []), resolveEnd(destination, cluster, [])] as const;
    const flows = readFlows({ ...options, protocol: undefined }, ...ends, cluster);
    return flows.flatMap((flow) => explainFlow(flow, cluster).unjudged);
  };
  expect(unjudged(POD_A, POD_C)).toEqual([]);
  const ofBoth = ['all', 'gateway', 'uplink', 'other'].map((name) => `HostEndpoint//${name}`);
  expect(unjudged(POD_A, POD_C, forward)).toEqual(ofBoth);
  expect(unjudged(POD_B, POD_C, forward)).toEqual(['HostEndpoint//other']);
});
