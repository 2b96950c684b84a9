// The network side of a starting pod: its namespace and its networks.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { OcicatError } from '../../base/errors.ts';
import type { Context } from '../cli/context.ts';
import { loadNetworks, ownNetwork, type SelectedNetwork, selectNetworks } from '../network/net-conf.ts';
import { addNetworks, type JoinedNetworks, type PodNetworks, removeNetworks } from '../network/networks.ts';
import { loadOwnRules } from '../network/own-networks.ts';
import { pluginDirectories } from '../network/plugin-call.ts';
import { createPodNetns, removePodNetns } from '../network/pod-netns.ts';
import { leaveGroups } from './holder-group.ts';
import { hostnameOf, type Start } from './start.ts';

function netDirectory(context: Context): string {
  return join(context.directories.local, 'net.d');
}

/** The pod as CNI plugins see it in their arguments. */
export function podNetworks(context: Context, uuid: string, podPath: string): PodNetworks {
  return {
    uuid,
    podPath,
    pluginDirs: pluginDirectories(netDirectory(context)),
    warn: (line) => context.stdio.stderr(`networking: ${line}\n`),
  };
}

/** The networks that the pod asked for. Throws `invalid` and `not-found` before anything has been made. */
export function chooseNetworks(start: Start): readonly SelectedNetwork[] {
  const { net } = start.options;
  const warn = (line: string): void => start.context.stdio.stderr(`networking: ${line}\n`);
  switch (net.kind) {
    case 'host':
      return [];
    case 'none':
      warn('networking namespace with loopback only');
      return [];
    case 'all':
    case 'networks':
      return failingAsSetup(() => selectNetworks(net, loadNetworks(netDirectory(start.context), warn)));
  }
}

function setupFailure(cause: unknown): OcicatError {
  return new OcicatError('unavailable', 'failed to setup network', { cause });
}

function failingAsSetup<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw setupFailure(cause);
  }
}

/** The pod's own namespace, with loopback up; undefined for the host's. */
export function makeNetns(start: Start): string | undefined {
  const { pod, options, undo } = start;
  if (options.net.kind === 'host') return undefined;
  undo.push('network namespace', () => {
    removePodNetns(pod.uuid);
    rmSync(join(pod.path, 'netns'), { force: true });
  });
  const path = createPodNetns(pod.uuid);
  writeFileSync(join(pod.path, 'netns'), path);
  return path;
}

/** Joins the networks in order, when the rules for rkt's own are in force. */
export async function joinNetworks(start: Start, networks: readonly SelectedNetwork[]): Promise<JoinedNetworks> {
  const pod = { ...podNetworks(start.context, start.pod.uuid, start.pod.path), hostname: hostnameOf(start) };
  const hasOwn = networks.some(({ conf }) => ownNetwork(conf) !== undefined);
  if (hasOwn) failingAsSetup(() => loadOwnRules(leaveGroups));
  const joined = await addNetworks(pod, networks).catch((cause: unknown) => {
    throw setupFailure(cause);
  });
  start.undo.push('networks', async () => {
    for (const line of await removeNetworks(pod)) pod.warn(line);
  });
  return joined;
}
