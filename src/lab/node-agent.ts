// Starts calico-node on a host the way Calico's documentation for rkt does: as a pod of the fly flavour on the host's network.

import { OcicatError } from '../base/errors.ts';
import { VERSION } from '../base/version.ts';
import type { ProcessIdentity } from '../sys/processes.ts';
import { hostProcess, mustRunInside, runInside, startInside } from './enter.ts';
import { etcdUrl, type LabFamily, type LabNode, type LabPlan } from './plan.ts';
import type { LabState } from './state.ts';

const NODE_IMAGE = `quay.io/calico/node:v${VERSION}`;
const LOG_FILE = '/var/log/calico/node.log';

/** Directories of the host that the agent shares; each volume is named after its path. */
const SHARED_DIRECTORIES = ['/var/run/calico', '/var/lib/calico', '/var/log/calico'];

/** The agent makes a pool of IPv6 by itself; in a lab its range is always the same. */
const FAMILY_SETTINGS: Readonly<Record<LabFamily, readonly string[]>> = {
  ipv4: ['IP=autodetect'],
  ipv6: ['IP6=autodetect', 'CALICO_IPV6POOL_CIDR=fd00:192:168::/64'],
};

function computeSettings(plan: LabPlan, node: LabNode): readonly string[] {
  return [
    `ETCD_ENDPOINTS=${etcdUrl(plan)}`,
    `NODENAME=${node.name}`,
    ...(plan.families.includes('ipv4') ? [] : ['IP=none']),
    ...plan.families.flatMap((family) => FAMILY_SETTINGS[family]),
  ];
}

function computeAgentCommand(plan: LabPlan, node: LabNode): readonly string[] {
  const volumes = SHARED_DIRECTORIES.flatMap((path) => {
    const name = path.slice(1).replaceAll('/', '-');
    return [`--volume=${name},kind=host,source=${path},readOnly=false`, `--mount=volume=${name},target=${path}`];
  });
  return [
    'rkt',
    'run',
    '--net=host',
    '--stage1-name=coreos.com/rkt/stage1-fly',
    ...computeSettings(plan, node).map((setting) => `--set-env=${setting}`),
    ...volumes,
    `docker://${NODE_IMAGE}`,
  ];
}

export async function startAgent(state: LabState, node: LabNode): Promise<void> {
  await startInside(hostProcess(state, node.name), computeAgentCommand(state.plan, node), LOG_FILE);
}

async function readLastLogLines(host: ProcessIdentity): Promise<string> {
  return (await runInside(host, ['tail', '-n', '5', LOG_FILE])).stdout.trim();
}

/** Asks as a runtime would; `calicoctl node status` alone would be content with the BIRD of an agent that was killed. */
const STATUS_COMMAND = ['env', 'CNI_COMMAND=STATUS', 'CNI_PATH=/opt/cni/bin', '/opt/cni/bin/calico'];

/** A network that gives pods an address of each family. */
function printStatusInput(families: readonly LabFamily[]): string {
  const [assign_ipv4, assign_ipv6] = [String(families.includes('ipv4')), String(families.includes('ipv6'))];
  const ipam = { type: 'calico-ipam', assign_ipv4, assign_ipv6 };
  return JSON.stringify({ cniVersion: '1.1.0', name: 'lab', type: 'calico', ipam });
}

async function isReady(host: ProcessIdentity, families: readonly LabFamily[], peers: number): Promise<boolean> {
  if ((await runInside(host, STATUS_COMMAND, { input: printStatusInput(families) })).status !== 0) return false;
  const { status, stdout } = await runInside(host, ['calicoctl', 'node', 'status']);
  return status === 0 && stdout.split('Established').length - 1 >= peers * families.length;
}

/** Waits until the agent takes CNI calls and `peers` other hosts are established BGP peers, in each family; throws `timeout` with the last lines of its log. */
export async function waitForAgent(state: LabState, node: LabNode, peers: number, signal?: AbortSignal): Promise<void> {
  const host = hostProcess(state, node.name);
  for (let waitedMs = 0; waitedMs < 60_000; waitedMs += 100) {
    signal?.throwIfAborted();
    if (await isReady(host, state.plan.families, peers)) return;
    await Bun.sleep(100);
  }
  throw new OcicatError(
    'timeout',
    `start agent on "${node.name}": it is not ready after 60 s: ${await readLastLogLines(host)}`,
  );
}

/** Creates the directories that the agent shares. */
export async function prepareAgentDirectories(host: ProcessIdentity): Promise<void> {
  await mustRunInside(host, ['mkdir', '-p', ...SHARED_DIRECTORIES]);
}
