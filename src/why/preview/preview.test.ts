// What a preview says of kinds of endpoints is what a comparison of every pair, packet by packet, says; and it says its bounds.
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { policyCase, WORKLOADS, workloadId } from '../../../test/support/policy/policy-cases.ts';
import { spoiltCase } from '../../../test/support/policy/spoilt-cases.ts';
import { clusterWith, document, POD_A, POD_B, workload } from '../../../test/support/policy/why-cluster.ts';
import { familyOf } from '../../net/ip.ts';
import type { Packet } from '../../policy/oracle/packet.ts';
import { createSnapshot, type PolicySnapshot } from '../../policy/oracle/snapshot.ts';
import { computeVerdict } from '../../policy/oracle/verdict.ts';
import type { EndpointInput } from '../../policy/types/input.ts';
import { computePreview, type Preview } from './preview.ts';
import { formatProbe, type Probe } from './probes.ts';
import { describePreview, formatPreview } from './text.ts';

function packetOf(probe: Probe, family: 4 | 6, from: EndpointInput, to: EndpointInput): Packet | undefined {
  const isIcmp = probe.protocol === 1 || probe.protocol === 58;
  const [source, destination] = [from, to].map(({ addresses }) => addresses.find((ip) => familyOf(ip) === family));
  if (source === undefined || destination === undefined) return undefined;
  if (isIcmp && (probe.protocol === 1) !== (family === 4)) return undefined;
  const named = to.ports.find(({ name, protocol }) => name === probe.port && protocol === probe.protocol)?.port;
  const destinationPort = typeof probe.port === 'string' ? named : probe.port;
  if (probe.port !== undefined && destinationPort === undefined) return undefined;
  const icmp = isIcmp ? { icmpType: probe.icmp?.type ?? 0, icmpCode: probe.icmp?.code ?? 0 } : {};
  const ports = destinationPort === undefined ? {} : { sourcePort: probe.sourcePort ?? 50_000, destinationPort };
  return { source, destination, protocol: probe.protocol, ...icmp, ...ports };
}

const ids = WORKLOADS.map(workloadId);
const pairs = ids.flatMap((from) => ids.filter((to) => to !== from).map((to) => [from, to] as const));

/** Every pair and packet whose verdict differs, as texts. */
function comparedOneByOne(before: PolicySnapshot, after: PolicySnapshot, probes: readonly Probe[]): readonly string[] {
  return pairs.flatMap(([source, destination]) => {
    const [from, to] = [after.endpoints.get(source), after.endpoints.get(destination)];
    if (from === undefined || to === undefined) return [];
    if (!before.endpoints.has(source) || !before.endpoints.has(destination)) return [];
    return probes.flatMap((probe) =>
      ([4, 6] as const).flatMap((family) => {
        const packet = packetOf(probe, family, from, to);
        if (packet === undefined) return [];
        const [was, is] = [before, after].map(
          (state) => computeVerdict(packet, state, { source, destination }).allowed,
        );
        return was === is ? [] : [`${formatProbe(probe)} ${family} ${source} ${destination} ${is}`];
      }),
    );
  });
}

function expanded({ changes }: Preview): readonly string[] {
  return changes.flatMap(({ probe, packet, from, to, after }) =>
    from.flatMap((source) =>
      to
        .filter((destination) => destination !== source)
        .map((one) => `${formatProbe(probe)} ${familyOf(packet.source)} ${source} ${one} ${after.allowed}`),
    ),
  );
}

test('kinds of endpoints change as each of their pairs does', () => {
  let changes = 0;
  const states = fc.oneof(policyCase, spoiltCase).map(createSnapshot);
  fc.assert(
    fc.property(states, states, (before, after) => {
      const preview = computePreview(before, after);
      const wanted = comparedOneByOne(before, after, preview.probes);
      expect([...expanded(preview)].sort()).toEqual([...wanted].sort());
      changes += wanted.length;
    }),
    { seed: 7, numRuns: 100 },
  );
  expect(changes).toBeGreaterThan(500);
}, 60_000);

const deny = document('GlobalNetworkPolicy', 'web', {
  selector: "role == 'web'",
  types: ['Ingress'],
  ingress: [{ action: 'Allow', protocol: 'TCP', destination: { ports: ['http'] } }],
});

test('a policy: what it closes, at which ports, and by which rule before and after', () => {
  const [before, after] = [clusterWith(), clusterWith(deny)];
  const preview = computePreview(before.snapshot, after.snapshot);
  expect(formatPreview(preview, after.snapshot)).toEqual([
    '2 of 6 pairs of endpoints would change',
    'tried: TCP port 1; UDP port 1; ICMP type 8 code 0; ICMPv6 type 128 code 0; TCP port http',
    '',
    'now denied: TCP port 1; UDP port 1; ICMP type 8 code 0; ICMPv6 type 128 code 0',
    `  from    default/node1-cni-${POD_A}-eth0 (192.168.0.1, fd00::1)`,
    `  to      default/node2-cni-${POD_B}-eth0 (192.168.0.2, fd00::2)`,
    '  before  allowed, Profile(network1), spec.egress[0], and Profile(network1), spec.ingress[0]',
    '  after   denied, at the destination by the end of tier "default": no rule of its policies matches',
    '',
    'now allowed: TCP port http',
    '  from    default/node2-cni-0b333333-0000-4000-8000-000000000003-eth0 (192.168.0.3)',
    `  to      default/node2-cni-${POD_B}-eth0 (192.168.0.2, fd00::2)`,
    '  before  denied, at the destination by the end of its profiles: no rule of theirs matches',
    '  after   allowed, Profile(network2), spec.egress[0], and GlobalNetworkPolicy(web), spec.ingress[0]',
  ]);
  expect(describePreview(preview)).toMatchObject({ pairs: { all: 6, compared: 6, changed: 2 }, notTried: 0 });
});

test('host endpoints are not compared, and those that a change may be about are named', () => {
  const forGateways = document('GlobalNetworkPolicy', 'hosts', {
    selector: `role == 'gate'`,
    ingress: [{ action: 'Deny' }],
  });
  const gates = ['gate1', 'gate2'].map((name) =>
    document('HostEndpoint', name, { node: 'node1', interfaceName: name }, { labels: { role: 'gate' } }),
  );
  const [before, after] = [clusterWith(...gates), clusterWith(...gates, forGateways)];
  const preview = computePreview(before.snapshot, after.snapshot);
  expect(describePreview(preview)).toMatchObject({ hostEndpoints: ['HostEndpoint//gate1', 'HostEndpoint//gate2'] });
  expect(formatPreview(preview, after.snapshot)).toContain(
    'not compared: host endpoints, which it may be about: HostEndpoint(gate1) and 1 more',
  );
  expect(computePreview(before.snapshot, clusterWith(...gates, deny).snapshot).hostEndpoints).toEqual([]);
});

test('endpoints that nothing tells apart are told together', () => {
  const many = Array.from({ length: 300 }, (_, index) =>
    workload('node3', `c${index}`.padEnd(8, 'x'), [`10.1.${index >> 8}.${index & 255}/32`], { profiles: ['network1'] }),
  );
  const [before, after] = [clusterWith(...many), clusterWith(...many, deny)];
  const preview = computePreview(before.snapshot, after.snapshot);
  expect(preview.pairs).toEqual({ all: 303 * 302, compared: 303 * 302, changed: 302 });
  expect(formatPreview(preview, after.snapshot).join('\n')).toContain(', and 299 like it');
});

test('more than can be compared, and more ports than can be tried, is said', () => {
  const policies = Array.from({ length: 60 }, (_, index) =>
    document('GlobalNetworkPolicy', `p${index}`, {
      selector: `place == 'p${index}'`,
      types: ['Ingress'],
      ingress: [{ action: 'Allow', protocol: 'TCP', destination: { ports: [1000 + index] } }],
    }),
  );
  const places = policies.map((_, index) =>
    workload('node3', `d${index}`.padEnd(8, 'x'), [`10.2.0.${index}/32`], { labels: { place: `p${index}` } }),
  );
  const all = document('GlobalNetworkPolicy', 'all', { order: 1, selector: 'all()', ingress: [{ action: 'Deny' }] });
  const [before, after] = [clusterWith(...policies, ...places), clusterWith(...policies, ...places, all)];
  const preview = computePreview(before.snapshot, after.snapshot);
  const text = formatPreview(preview, after.snapshot).join('\n');
  expect(preview.pairs.all - preview.pairs.compared).toBeGreaterThan(0);
  expect(text).toContain(`not compared: ${preview.pairs.all - preview.pairs.compared} of ${63 * 62} pairs`);
  expect(text).toContain(`not tried: ${preview.probesLeftOut} more ports and protocols that the rules name`);
}, 60_000);
