// Calls CNI plugins as a container runtime does, one process a call, and times each from start to exit.
import { mkdirSync, rmSync } from 'node:fs';

export interface Plugin {
  readonly path: string;
  readonly searchPath: string;
  readonly config: string;
}

export interface Container {
  readonly id: string;
  readonly netns: string;
}

/** Network namespaces with names of their own, made before any timing. */
export function makeContainers(count: number, prefix: string): readonly Container[] {
  mkdirSync('/run/netns', { recursive: true });
  return Array.from({ length: count }, (_, index) => {
    const id = `${prefix}${String(index).padStart(4, '0')}${crypto.randomUUID().replaceAll('-', '')}`.slice(0, 36);
    const { exitCode } = Bun.spawnSync(['ip', 'netns', 'add', id]);
    if (exitCode !== 0) throw new Error(`ip netns add ${id}: exit status ${exitCode}`);
    return { id, netns: `/var/run/netns/${id}` };
  });
}

export function removeContainers(containers: readonly Container[]): void {
  for (const { id } of containers) Bun.spawnSync(['ip', 'netns', 'del', id]);
  rmSync('/run/bench', { recursive: true, force: true });
}

function environmentOf(plugin: Plugin, command: 'ADD' | 'DEL', { id, netns }: Container): Record<string, string> {
  return {
    PATH: process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin',
    CNI_COMMAND: command,
    CNI_CONTAINERID: id,
    CNI_NETNS: netns,
    CNI_IFNAME: 'eth0',
    CNI_PATH: plugin.searchPath,
  };
}

async function callPlugin(plugin: Plugin, command: 'ADD' | 'DEL', container: Container): Promise<void> {
  const child = Bun.spawn([plugin.path], {
    stdin: Buffer.from(plugin.config),
    stdout: 'pipe',
    stderr: 'inherit',
    env: environmentOf(plugin, command, container),
  });
  const [output, status] = await Promise.all([new Response(child.stdout).text(), child.exited]);
  if (status !== 0) throw new Error(`${plugin.path} ${command}: ${output}`);
}

/** Milliseconds from the first start to the last exit of a call for each; throws with the plugin's words when one fails. */
export async function timeCallsAtOnce(
  plugin: Plugin,
  command: 'ADD' | 'DEL',
  containers: readonly Container[],
): Promise<number> {
  const startedAt = Bun.nanoseconds();
  await Promise.all(containers.map((container) => callPlugin(plugin, command, container)));
  return (Bun.nanoseconds() - startedAt) / 1e6;
}

/** Milliseconds from start to exit; throws with the plugin's words when it fails. */
export function timeCall(plugin: Plugin, command: 'ADD' | 'DEL', container: Container): number {
  const startedAt = Bun.nanoseconds();
  const result = Bun.spawnSync([plugin.path], {
    stdin: Buffer.from(plugin.config),
    stdout: 'pipe',
    stderr: 'pipe',
    env: environmentOf(plugin, command, container),
  });
  const elapsedMs = (Bun.nanoseconds() - startedAt) / 1e6;
  if (result.exitCode !== 0)
    throw new Error(`${plugin.path} ${command}: ${result.stdout.toString()}${result.stderr.toString()}`);
  return elapsedMs;
}

export const OURS: Plugin = {
  path: '/opt/cni/bin/calico',
  searchPath: '/opt/cni/bin',
  config: JSON.stringify({ cniVersion: '1.0.0', name: 'bench', type: 'calico', ipam: { type: 'calico-ipam' } }),
};

export const PTP: Plugin = {
  path: '/usr/lib/cni/ptp',
  searchPath: '/usr/lib/cni',
  config: JSON.stringify({
    cniVersion: '1.0.0',
    name: 'bench-ptp',
    type: 'ptp',
    ipMasq: false,
    ipam: { type: 'host-local', subnet: '10.200.0.0/16', routes: [{ dst: '0.0.0.0/0' }] },
  }),
};
