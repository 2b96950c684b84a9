// Random host endpoints and policies of all phases against real packets into, out of and through a host: what the verdict says
// of the resources is what happens in the kernel, step by step and after a restart.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import fc from 'fast-check';
import { defaultFirewallConfig, type FirewallConfig } from '../../src/firewall/config.ts';
import { createFirewall, type Firewall } from '../../src/firewall/firewall.ts';
import type { KernelFirewall } from '../../src/kernel/nftables/firewall.ts';
import { parseCidr } from '../../src/net/cidr.ts';
import { formatIp } from '../../src/net/ip.ts';
import { createPolicyCalculation, type PolicyCalculation } from '../../src/policy/calculation/calculation.ts';
import { computeHostVerdict, type HostPath } from '../../src/policy/oracle/host-verdict.ts';
import { createSnapshot, type PolicySnapshot } from '../../src/policy/oracle/snapshot.ts';
import { computeVerdict } from '../../src/policy/oracle/verdict.ts';
import type { Failsafes } from '../../src/policy/types/failsafe.ts';
import type { PolicyUpdate } from '../../src/policy/types/input.ts';
import { openFirewallIn, removeAllNetns } from '../support/firewall/firewall-net.ts';
import { type HostSite, openHostSite } from '../support/firewall/host-site.ts';
import { hostCase, workloadId } from '../support/policy/policy-cases.ts';
import { openReadyProbes, type Probe, type Probes } from '../support/policy/policy-probes.ts';

const CASES = Number(process.env.OCICAT_POLICY_CASES ?? 300);
const SEED = Number(process.env.OCICAT_POLICY_SEED ?? 1);

const failsafes: Failsafes = {
  ingress: [{ protocol: 6, port: 53, net: undefined }],
  egress: [{ protocol: 17, port: 53, net: parseCidr('fd00::/8') }],
};
const config: FirewallConfig = { ...defaultFirewallConfig, endpointToHostAction: 'accept', failsafes };

const PLACES = ['host', 'outside', 'pod'] as const;
type Place = (typeof PLACES)[number];

let site: HostSite;
let probes: Probes;
let kernel: KernelFirewall;
let calculation: PolicyCalculation;
let firewall: Firewall;

function begin(updates: readonly PolicyUpdate[]): void {
  kernel?.close();
  kernel = openFirewallIn(site.host, true);
  kernel.loadBase(config);
  calculation = createPolicyCalculation();
  for (const update of updates) calculation.update(update);
  calculation.update({ kind: 'in-sync' });
  firewall = createFirewall(config);
  firewall.setInterfaces(site.interfaces);
  firewall.apply(calculation.flush());
  kernel.resync(firewall.ruleset);
}

beforeAll(async () => {
  site = await openHostSite();
  site.forgetFlows();
  probes = openReadyProbes([
    { netns: site.host, ipv4: site.host4, ipv6: site.host6 },
    { netns: site.outside, ipv4: site.outside4, ipv6: site.outside6 },
    { netns: site.pod, ipv4: site.pod4, ipv6: site.pod6 },
  ]);
  begin([]);
});
afterAll(async () => {
  probes.close();
  kernel.close();
  await site.close();
  removeAllNetns();
});

/** The first by name that is about the uplink, and the first about all interfaces. */
function endpointsOf({ endpoints }: PolicySnapshot) {
  const hosts = [...endpoints].sort(([a], [b]) => (a < b ? -1 : 1));
  const all = hosts.find(([, { host }]) => host?.interfaceName === '*')?.[0];
  const own = hosts.find(
    ([, { host }]) =>
      host?.interfaceName === 'eth0' ||
      (host !== undefined &&
        host.interfaceName === undefined &&
        host.expectedIps.some((ip) => ip === site.host4 || ip === site.host6)),
  );
  return { all, uplink: own?.[0] ?? all };
}

function pathOf(from: Place, to: Place, snapshot: PolicySnapshot): HostPath {
  const { all, uplink } = endpointsOf(snapshot);
  if (to === 'host') return from === 'pod' ? { kind: 'in', from: all, ofWorkload: true } : { kind: 'in', from: uplink };
  if (from === 'host') return { kind: 'out', to: to === 'pod' ? undefined : uplink };
  return from === 'outside' ? { kind: 'through', from: uplink, to: all } : { kind: 'through', from: all, to: uplink };
}

const placeAt = (index: number): Place => PLACES[index] ?? 'pod';

function isAllowed({ from, to, packet }: Probe, snapshot: PolicySnapshot): boolean {
  const [source, destination] = [placeAt(from), placeAt(to)];
  const host = computeHostVerdict(packet, pathOf(source, destination, snapshot), snapshot, failsafes);
  if (host.action === 'deny') return false;
  if (source === 'host') return destination !== 'pod' || snapshot.endpoints.has(workloadId(1));
  const ends = {
    ...(source === 'pod' ? { source: workloadId(1) } : {}),
    ...(destination === 'pod' ? { destination: workloadId(1) } : {}),
  };
  return computeVerdict(packet, snapshot, ends).allowed;
}

function describeProbe({ from, to, packet }: Probe): string {
  const { protocol, destinationPort, icmpType } = packet;
  const ends = `${placeAt(from)} ${formatIp(packet.source)} to ${placeAt(to)} ${formatIp(packet.destination)}`;
  return `${ends}, protocol ${protocol}, port ${destinationPort ?? '-'}, type ${icmpType ?? '-'}`;
}

let allowed = 0;
let total = 0;

function expectVerdicts(updates: readonly PolicyUpdate[], when: string): void {
  const snapshot = createSnapshot(updates);
  const should = probes.all.map((probe) => isAllowed(probe, snapshot));
  const is = probes.send();
  const wrong = probes.all.filter((_, index) => is[index] !== should[index]).map(describeProbe);
  expect({ when, wrong }).toEqual({ when, wrong: [] });
  allowed += should.filter((one) => one).length;
  total += should.length;
}

test(
  `${CASES} policies of hosts do with every packet what the verdict says`,
  () => {
    for (const [index, updates] of fc.sample(hostCase, { seed: SEED, numRuns: CASES }).entries()) {
      for (const update of updates) calculation.update(update);
      const outcome = kernel.apply(firewall.apply(calculation.flush()), firewall.ruleset);
      expect({ index, outcome }).toEqual({ index, outcome: { kind: 'applied' } });
      expectVerdicts(updates, `case ${index}`);
      if (index % 5 > 0) continue;
      begin(updates);
      expectVerdicts(updates, `case ${index} after a restart`);
    }
    expect(allowed / total).toBeGreaterThan(0.1);
    expect(allowed / total).toBeLessThan(0.9);
  },
  CASES * 1_000,
);
