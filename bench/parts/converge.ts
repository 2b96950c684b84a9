// From `apply` of many policies until the kernel holds them, and what the agent that brought them there holds afterwards:
// the same for any agent, in the network namespace whose rulesets it writes.
import { join } from 'node:path';
import { observeGeneration } from '../../src/kernel/nftables/observe.ts';
import { createMessageWriter, NETLINK_NETFILTER, openNetlink } from '../../src/sys/netlink.ts';
import { type Container, type Plugin, timeCall } from './cni-calls.ts';
import { cpuSeconds, residentMb } from './process-figures.ts';

export interface Convergence {
  /** From the start of `apply` to the last change of a ruleset. */
  readonly seconds: number;
  readonly residentMb: number;
  /** The agent's processor time. */
  readonly cpuSeconds: number;
}

export interface ConvergeWork {
  readonly policies: number;
  readonly endpoints: number;
}

export interface Target {
  readonly etcd: string;
  /** The agent's process. */
  readonly agent: number;
  /** Where the file with the policies goes. */
  readonly folder: string;
}

const OWN_CTL = join(import.meta.dir, '../../dist/bin/calicoctl');
/** Every policy opens a port of its own; none of them stands in anybody's rules otherwise. */
const FIRST_PORT = 20_000;
const LOOK_MS = 2;
/** A ruleset that has not changed for so long has come to rest, if it holds everything. */
const REST_MS = 3_000;
const MAX_MS = 600_000;

function printPolicy(index: number, { endpoints }: ConvergeWork): string {
  return `apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: policy-${index}}
spec:
  order: ${index}
  selector: has(net${index % endpoints})
  ingress:
    - {action: Allow, protocol: TCP, source: {nets: [10.${100 + (index >> 8)}.${index & 255}.0/24]}, destination: {ports: [${FIRST_PORT + index}]}}
    - {action: Deny, protocol: UDP, destination: {ports: [${FIRST_PORT + index}]}}
  egress:
    - {action: Allow, protocol: TCP, destination: {ports: [${FIRST_PORT + index}]}}
`;
}

/** One network an endpoint, so that policies can name it. */
export function attachAll(plugin: Plugin, containers: readonly Container[]): void {
  containers.forEach((container, index) => {
    const config = JSON.stringify({ ...(JSON.parse(plugin.config) as object), name: `net${index}` });
    timeCall({ ...plugin, config }, 'ADD', container);
  });
}

/** The ports of policies that no rule and no set has. */
async function findMissing(policies: number): Promise<readonly number[]> {
  const text = await new Response(Bun.spawn(['nft', '-n', 'list', 'ruleset'], { stdout: 'pipe' }).stdout).text();
  const present = new Set(Array.from(text.matchAll(/\b\d{5}\b/g), ([port]) => Number(port)));
  return Array.from({ length: policies }, (_, index) => FIRST_PORT + index).filter((port) => !present.has(port));
}

/** When the rulesets changed last, once they have come to rest and hold every policy. */
async function awaitRest(policies: number): Promise<number> {
  const netlink = openNetlink(NETLINK_NETFILTER);
  const writer = createMessageWriter();
  const startMs = performance.now();
  let generation = observeGeneration(netlink, writer);
  let changedMs = startMs;
  try {
    while (performance.now() - startMs < MAX_MS) {
      await Bun.sleep(LOOK_MS);
      const now = observeGeneration(netlink, writer);
      if (now !== generation) [generation, changedMs] = [now, performance.now()];
      if (performance.now() - changedMs > REST_MS && (await findMissing(policies)).length === 0) return changedMs;
    }
  } finally {
    netlink.close();
  }
  throw new Error(
    `after ${MAX_MS / 1000} s policies are missing in the kernel: ${(await findMissing(policies)).length}`,
  );
}

/** Throws when `apply` fails, or the policies do not come into the kernel. */
export async function measureConvergence(work: ConvergeWork, target: Target): Promise<Convergence> {
  const file = join(target.folder, 'policies.yaml');
  await Bun.write(file, Array.from({ length: work.policies }, (_, index) => printPolicy(index, work)).join('---\n'));
  const [startMs, startCpuSeconds] = [performance.now(), cpuSeconds(target.agent)];
  const apply = Bun.spawn([OWN_CTL, 'apply', '-f', file], {
    env: { PATH: process.env.PATH, DATASTORE_TYPE: 'etcdv3', ETCD_ENDPOINTS: target.etcd },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [changedMs, status] = await Promise.all([awaitRest(work.policies), apply.exited]);
  if (status !== 0) throw new Error(`apply: exit status ${status}`);
  const agentSeconds = cpuSeconds(target.agent) - startCpuSeconds;
  await Bun.sleep(5_000);
  return {
    seconds: (changedMs - startMs) / 1000,
    residentMb: residentMb(target.agent),
    cpuSeconds: agentSeconds,
  };
}
