// Starts calico-node on a host the way Calico's documentation for rkt does: as a pod of the fly flavour on the host's network.

import { OcicatError } from '../base/errors.ts';
import { VERSION } from '../base/version.ts';
import type { ProcessIdentity } from '../sys/processes.ts';
import { hostProcess, mustRunInside, runInside, startInside } from './enter.ts';
import { ETCD_URL, type LabNode } from './plan.ts';
import type { LabState } from './state.ts';

const NODE_IMAGE = `quay.io/calico/node:v${VERSION}`;
const LOG_FILE = '/var/log/calico/node.log';

/** Directories of the host that the agent shares; each volume is named after its path. */
const SHARED_DIRECTORIES = ['/var/run/calico', '/var/lib/calico', '/var/log/calico'];

function computeAgentCommand(node: LabNode): readonly string[] {
  const volumes = SHARED_DIRECTORIES.flatMap((path) => {
    const name = path.slice(1).replaceAll('/', '-');
    return [`--volume=${name},kind=host,source=${path},readOnly=false`, `--mount=volume=${name},target=${path}`];
  });
  const environment = [
    `--set-env=ETCD_ENDPOINTS=${ETCD_URL}`,
    '--set-env=IP=autodetect',
    `--set-env=NODENAME=${node.name}`,
  ];
  return [
    'rkt',
    'run',
    '--net=host',
    '--stage1-name=coreos.com/rkt/stage1-fly',
    ...environment,
    ...volumes,
    `docker://${NODE_IMAGE}`,
  ];
}

export async function startAgent(state: LabState, node: LabNode): Promise<void> {
  await startInside(hostProcess(state, node.name), computeAgentCommand(node), LOG_FILE);
}

async function readLastLogLines(host: ProcessIdentity): Promise<string> {
  return (await runInside(host, ['tail', '-n', '5', LOG_FILE])).stdout.trim();
}

/** Asks as a runtime would; `calicoctl node status` alone would be content with the BIRD of an agent that was killed. */
const STATUS_COMMAND = ['env', 'CNI_COMMAND=STATUS', 'CNI_PATH=/opt/cni/bin', '/opt/cni/bin/calico'];
const STATUS_INPUT = '{"cniVersion":"1.1.0","name":"lab","type":"calico","ipam":{"type":"calico-ipam"}}';

async function isReady(host: ProcessIdentity, peers: number): Promise<boolean> {
  if ((await runInside(host, STATUS_COMMAND, { input: STATUS_INPUT })).status !== 0) return false;
  const { status, stdout } = await runInside(host, ['calicoctl', 'node', 'status']);
  return status === 0 && stdout.split('Established').length - 1 >= peers;
}

/** Waits until the agent takes CNI calls and every other host is an established BGP peer; throws `timeout` with the last lines of its log. */
export async function waitForAgent(state: LabState, node: LabNode, peers: number, signal?: AbortSignal): Promise<void> {
  const host = hostProcess(state, node.name);
  for (let waitedMs = 0; waitedMs < 60_000; waitedMs += 100) {
    signal?.throwIfAborted();
    if (await isReady(host, peers)) return;
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
