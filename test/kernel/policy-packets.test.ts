// Random policies against real packets: what the verdict says of the resources is what happens in the kernel, also after the
// settings have changed, after a restart, and after an earlier state of the store has taken its place.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import fc from 'fast-check';
import { defaultFirewallConfig, type FirewallConfig } from '../../src/firewall/config.ts';
import { createFirewall, type Firewall } from '../../src/firewall/firewall.ts';
import type { KernelFirewall } from '../../src/kernel/nftables/firewall.ts';
import { readTable } from '../../src/kernel/nftables/read-table.ts';
import { formatIp } from '../../src/net/ip.ts';
import { createPolicyCalculation, type PolicyCalculation } from '../../src/policy/calculation/calculation.ts';
import { createSnapshot } from '../../src/policy/oracle/snapshot.ts';
import { computeVerdict } from '../../src/policy/oracle/verdict.ts';
import type { PolicyUpdate } from '../../src/policy/types/input.ts';
import { askKernel } from '../../src/why/kernel.ts';
import { walkEndpoint } from '../../src/why/walk.ts';
import { inNetns, openFirewallIn, removeAllNetns } from '../support/firewall/firewall-net.ts';
import { addHost, addPod } from '../support/firewall/firewall-pods.ts';
import { policyCase, WORKLOADS, workloadId } from '../support/policy/policy-cases.ts';
import { openProbes, type Probe, type Probes } from '../support/policy/policy-probes.ts';
import { openStoredUpdates, type StoredUpdates } from '../support/policy/stored-updates.ts';

const CASES = Number(process.env.OCICAT_POLICY_CASES ?? 300);
const SEED = Number(process.env.OCICAT_POLICY_SEED ?? 1);

const configs: readonly FirewallConfig[] = [
  { ...defaultFirewallConfig, denyAction: 'reject', logPrefix: 'other', mergeFrom: 1 },
  defaultFirewallConfig,
];

let host: string;
let probes: Probes;
let kernel: KernelFirewall;
let calculation: PolicyCalculation;
let firewall: Firewall;
let config: FirewallConfig = defaultFirewallConfig;
let store: StoredUpdates;

beforeAll(() => {
  host = addHost();
  probes = openProbes(
    host,
    WORKLOADS.map((number) => addPod(host, number)),
  );
  kernel = openFirewallIn(host, true);
  kernel.loadBase(config);
  calculation = createPolicyCalculation();
  calculation.update({ kind: 'in-sync' });
  firewall = createFirewall(config);
  store = openStoredUpdates(enter);
});

afterAll(async () => {
  await store.close();
  probes.close();
  kernel.close();
  removeAllNetns();
});

function apply(steps: ReturnType<Firewall['apply']>): void {
  expect(kernel.apply(steps, firewall.ruleset)).toEqual({ kind: 'applied' });
}

function enter(updates: readonly PolicyUpdate[]): void {
  for (const update of updates) calculation.update(update);
  apply(firewall.apply(calculation.flush()));
}

function changeSettings(): void {
  config = configs[config === configs[0] ? 1 : 0] ?? defaultFirewallConfig;
  apply(firewall.setConfig(config));
}

/** What `why` says of each packet: by its walks, and by the rules that it reads back from the kernel. */
function explained(updates: readonly PolicyUpdate[]) {
  const snapshot = createSnapshot(updates);
  const view = { node: 'here', table: inNetns(host, readTable) };
  const workload = WORKLOADS.map(
    (number) => [workloadId(number), { node: 'here', interfaceName: `cali${number}` }] as const,
  );
  return probes.all.map(({ from, to, packet }) => {
    const [source, destination] = [from, to].map((place) => workloadId(place + 1));
    const egress = walkEndpoint('egress', source, packet, snapshot);
    const ingress = walkEndpoint('ingress', destination, packet, snapshot);
    const kernel = askKernel({ packet, path: 'forward', egress, ingress }, view, new Map(workload));
    const walked = [egress, ingress].every(({ verdict }) => verdict.action === 'allow');
    return {
      walked,
      kernel: [kernel.egress, kernel.ingress].map((answer) => answer.kind === 'judged' && answer.agrees),
    };
  });
}

/** Another agent: knows nothing, takes the table over, reads everything and makes the table right. */
function restart(updates: readonly PolicyUpdate[]): void {
  kernel.close();
  kernel = openFirewallIn(host, true);
  kernel.loadBase(config);
  calculation = createPolicyCalculation();
  for (const update of updates) calculation.update(update);
  calculation.update({ kind: 'in-sync' });
  firewall = createFirewall(config);
  firewall.apply(calculation.flush());
  kernel.resync(firewall.ruleset);
}

function describeProbe({ from, to, packet }: Probe): string {
  const { protocol, destinationPort, icmpType } = packet;
  const ends = `${formatIp(packet.source)} (${from + 1}) to ${formatIp(packet.destination)} (${to + 1})`;
  return `${ends}, protocol ${protocol}, port ${destinationPort ?? '-'}, type ${icmpType ?? '-'}`;
}

/** By the interfaces, whether or not a resource stands for them. */
function wanted(updates: readonly PolicyUpdate[]): readonly boolean[] {
  const snapshot = createSnapshot(updates);
  return probes.all.map(({ from, to, packet }) => {
    const ends = { source: workloadId(from + 1), destination: workloadId(to + 1) };
    return computeVerdict(packet, snapshot, ends).allowed;
  });
}

let allowed = 0;
let denied = 0;

function expectVerdicts(should: readonly boolean[], when: string): void {
  const is = probes.send();
  const wrong = probes.all.filter((_, index) => is[index] !== should[index]).map(describeProbe);
  expect({ when, wrong }).toEqual({ when, wrong: [] });
  allowed += should.filter((one) => one).length;
  denied += should.filter((one) => !one).length;
}

/** The packets were sent just before. */
function expectExplained(updates: readonly PolicyUpdate[], should: readonly boolean[], when: string): void {
  const wrong = explained(updates).flatMap(({ walked, kernel }, index) => {
    const probe = probes.all[index];
    if (probe === undefined || (walked === should[index] && kernel.every((agrees) => agrees))) return [];
    return [`${describeProbe(probe)}: ${walked}, ${kernel}`];
  });
  expect({ when, wrong }).toEqual({ when, wrong: [] });
}

test(
  `${CASES} policies do with every packet what the verdict says`,
  async () => {
    const cases = fc.sample(policyCase, { seed: SEED, numRuns: CASES });
    let before: { updates: readonly PolicyUpdate[]; verdicts: readonly boolean[] } | undefined;
    for (const [index, updates] of cases.entries()) {
      const verdicts = wanted(updates);
      await store.put(updates);
      expectVerdicts(verdicts, `case ${index}`);
      expectExplained(updates, verdicts, `case ${index}`);
      changeSettings();
      expectVerdicts(verdicts, `case ${index} with other settings`);
      restart(updates);
      expectVerdicts(verdicts, `case ${index} after a restart`);
      if (before !== undefined) {
        await store.restore(before.updates);
        expectVerdicts(before.verdicts, `case ${index - 1} in a restored store`);
        await store.put(updates);
      }
      before = { updates, verdicts };
    }
    const share = allowed / (allowed + denied);
    expect(share).toBeGreaterThan(0.1);
    expect(share).toBeLessThan(0.9);
  },
  CASES * 1_000,
);
