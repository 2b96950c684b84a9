// The containers of this host that would lose their network: nothing is uninstalled below them without a word.
import { readlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { observeAgents } from '../ctl/node/agent-process.ts';
import { type Link, observeLinks } from '../kernel/link/links.ts';
import { endpointOf, isWorkloadLink } from '../kernel/link/workload-link-spec.ts';
import { removePodNetns } from '../rkt/network/pod-netns.ts';
import { removePodCgroups } from '../rkt/run/cgroups.ts';
import { observePods, type Pod, type PodState } from '../rkt/store/pod-store.ts';
import { withRouteSocket } from '../sys/netlink.ts';
import { rktDataDirectory } from './paths.ts';

const RUNNING: ReadonlySet<PodState> = new Set(['running', 'preparing']);

/** The root directory of a process; that of an agent which is a pod lies in the pod's. */
function rootOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/root`);
  } catch {
    return '/'; // it has ended meanwhile
  }
}

/** Pods of rkt that run, the agent's own left out. */
function observeRunningPods(): readonly Pod[] {
  const roots = observeAgents().map(rootOf);
  return observePods(rktDataDirectory()).filter(
    ({ state, uuid }) => RUNNING.has(state) && !roots.some((root) => root.includes(uuid)),
  );
}

function observeEndedPods(): readonly Pod[] {
  return observePods(rktDataDirectory()).filter(({ state }) => !RUNNING.has(state));
}

/** Links of pods that have ended and are still to be collected; an endpoint's name holds the pod's, with its dashes doubled. */
function isOfEnded(link: Link, ended: readonly Pod[]): boolean {
  return ended.some(({ uuid }) => endpointOf(link)?.includes(uuid.replaceAll('-', '--')));
}

/** One line for each container that runs. */
export function describeWorkloads(): readonly string[] {
  const pods = observeRunningPods();
  const ended = observeEndedPods();
  const links = withRouteSocket(observeLinks).filter((link) => isWorkloadLink(link) && !isOfEnded(link, ended));
  return [
    ...pods.map(({ uuid }) => `rkt pod ${uuid}`),
    ...links.map((link) => `endpoint ${endpointOf(link) ?? 'without a name'} behind ${link.name}`),
  ];
}

/** Ends rkt's pods as `rkt stop --force` does. Containers of other runtimes stay, without their network. */
export async function endPods(): Promise<readonly string[]> {
  const pods = observeRunningPods();
  if (pods.length === 0) return [];
  const rkt = join(dirname(process.execPath), 'rkt');
  await Bun.spawn([rkt, 'stop', '--force', ...pods.map(({ uuid }) => uuid)], { stdio: ['ignore', 'ignore', 'ignore'] })
    .exited;
  for (let waitedMs = 0; waitedMs < 10_000 && observeRunningPods().length > 0; waitedMs += 100) await Bun.sleep(100);
  return pods.map(({ uuid }) => `ended rkt pod ${uuid}`);
}

/** What pods that have ended still hold: networks, which their plugins give back, namespaces, mounts. */
export async function collectPods(): Promise<readonly string[]> {
  const ended = observeEndedPods();
  if (ended.length === 0) return [];
  const rkt = join(dirname(process.execPath), 'rkt');
  const args = ['gc', '--grace-period=0s', '--expire-prepared=0s'];
  // what it cannot give back goes with the links and the files
  await Bun.spawn([rkt, ...args], { stdio: ['ignore', 'ignore', 'ignore'] }).exited;
  return [`collected ${ended.length} rkt pods that had ended`];
}

/** What the collection could not remove, as nobody takes addresses back any more: namespaces, which hold interfaces, and groups. */
export function releasePods(): readonly string[] {
  const ended = observeEndedPods();
  for (const { uuid } of ended) {
    removePodNetns(uuid);
    removePodCgroups(uuid);
  }
  return ended.map(({ uuid }) => `removed namespace of rkt pod ${uuid}`);
}
