// Hosts whose endpoints have policy, as ends of a flow: what is said of a packet is what the verdict says, by which policy of which
// phase, and a failsafe port is one.
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { hostCase } from '../../test/support/policy/policy-cases.ts';
import { clusterWith, document } from '../../test/support/policy/why-cluster.ts';
import { parseIp } from '../net/ip.ts';
import { computeHostVerdict, EARLY, type HostPath } from '../policy/oracle/host-verdict.ts';
import { createSnapshot } from '../policy/oracle/snapshot.ts';
import { DIRECTIONS } from '../policy/types/types.ts';
import type { StoredDocument } from './cluster.ts';
import { explainFlow } from './explain.ts';
import { readFlows } from './flow.ts';
import { formatReason } from './reason.ts';
import { resolveEnd } from './resolve.ts';
import { walkHostEndpoint } from './walk-host.ts';

const failsafes = { ingress: [{ protocol: 6, port: 53, net: undefined }], egress: [] };
const packets = ['10.66.0.2', '10.65.0.1'].flatMap((source) =>
  [80, 53].flatMap((destinationPort) =>
    [6, 17].map((protocol) => ({
      ...{ source: parseIp(source), destination: parseIp('10.66.0.1') },
      ...{ protocol, sourcePort: 4000, destinationPort },
    })),
  ),
);

test('the walk at a host endpoint ends as the verdict does', () => {
  let denied = 0;
  fc.assert(
    fc.property(hostCase, (updates) => {
      const snapshot = createSnapshot(updates);
      for (const [id] of [...snapshot.endpoints].filter(([name]) => name.startsWith('HostEndpoint/')))
        for (const packet of packets)
          for (const direction of DIRECTIONS) {
            const phases = [...(direction === 'ingress' ? EARLY : EARLY.slice(0, 1)), 'normal'] as const;
            const path: HostPath = direction === 'ingress' ? { kind: 'in', from: id } : { kind: 'out', to: id };
            const walk = walkHostEndpoint(direction, id, packet, snapshot, { phases, failsafes });
            expect(walk.verdict).toEqual(computeHostVerdict(packet, path, snapshot, failsafes));
            if (walk.verdict.action === 'deny') denied++;
            const through: HostPath = {
              ...{ kind: 'through', from: undefined, to: undefined },
              [direction === 'ingress' ? 'from' : 'to']: id,
            };
            const forward = [...(direction === 'ingress' ? EARLY : []), 'forward'] as const;
            const passing = walkHostEndpoint(direction, id, packet, snapshot, { phases: forward, failsafes });
            expect(passing.verdict).toEqual(computeHostVerdict(packet, through, snapshot, failsafes));
          }
    }),
    { seed: 5, numRuns: 200 },
  );
  expect(denied).toBeGreaterThan(500);
});

const nodes = [
  document('Node', 'node3', { bgp: { ipv4Address: '10.9.0.1/24' } }),
  document('Node', 'node2', { bgp: { ipv4Address: '10.9.0.2/24' } }),
];
const gate = document('HostEndpoint', 'gate', { node: 'node3', interfaceName: 'eth0' }, { labels: { role: 'gate' } });
const policy = (name: string, more: object) =>
  document('GlobalNetworkPolicy', name, { selector: `role == 'gate'`, types: ['Ingress'], ...more });

function ask(source: string, destination: string, port: number, ...more: readonly StoredDocument[]): string {
  const cluster = clusterWith(...nodes, gate, ...more);
  const options = {
    protocol: undefined,
    port: `${port}`,
    sourcePort: undefined,
    icmpType: undefined,
    family: undefined,
  };
  const ends = [resolveEnd(source, cluster, []), resolveEnd(destination, cluster, [])] as const;
  const [flow] = readFlows(options, ...ends, cluster);
  if (flow === undefined) throw new Error('no flow');
  const { allowed, egress, ingress } = explainFlow(flow, cluster);
  const { verdict, direction } = egress.verdict.action === 'deny' ? egress : ingress;
  return `${allowed}: ${formatReason(verdict.reason, direction)}`;
}

test('a host is judged by its endpoint, whichever way it is named, and by failsafe ports as they are set', () => {
  const closed = 'false: the end of its profiles: no rule of theirs matches';
  for (const name of ['node3', 'gate', '10.9.0.1']) expect(ask('node2', name, 80)).toBe(closed);
  expect(ask('node3', 'node2', 80)).toBe(closed);
  expect(ask('node2', 'node3', 22)).toBe('true: a failsafe port, which policy of host endpoints never closes');
  const none = document('FelixConfiguration', 'node.node3', { failsafeInboundHostPorts: [] });
  expect(ask('node2', 'node3', 22, none)).toBe(closed);
  expect(ask('node3', '10.9.0.1', 80)).toStartWith('true: ');
});

test('policies that decide early come first', () => {
  const allow = policy('web', { ingress: [{ action: 'Allow', protocol: 'TCP' }] });
  const early = policy('early', { preDNAT: true, applyOnForward: true, ingress: [{ action: 'Deny' }] });
  expect(ask('node2', 'node3', 80, allow)).toBe('true: GlobalNetworkPolicy(web), spec.ingress[0]');
  expect(ask('node2', 'node3', 80, allow, early)).toBe('false: GlobalNetworkPolicy(early), spec.ingress[0]');
});

test('of several endpoints of a host one must be named', () => {
  const other = document('HostEndpoint', 'other', { node: 'node3', interfaceName: 'eth1' });
  expect(() => ask('node2', 'node3', 80, other)).toThrow('the store does not say which of them packets pass');
  expect(ask('node2', 'other', 80, other)).toStartWith('false: ');
});
