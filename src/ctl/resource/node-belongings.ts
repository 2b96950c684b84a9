// What in the store belongs to one node and can mean nothing else once it is gone, whoever wrote it.
import type { Json } from '../../base/json.ts';
import type { Datastore } from '../../datastore/port.ts';
import type { StoredResource } from '../../datastore/resource/resource-codec.ts';
import { type Deletion, listResources } from '../../datastore/resource/resources.ts';

type Spec = { readonly [key: string]: Json };

/** Kinds whose `spec.node` names the one node that they are about. */
const ABOUT_ONE_NODE = ['HostEndpoint', 'CalicoNodeStatus', 'BGPPeer'] as const;

/** Kinds that have a resource for a single node, by its name. */
export const PER_NODE_KINDS = ['FelixConfiguration', 'BGPConfiguration'] as const;

/** A peer that also selects nodes by their labels breaks the rules, and may have been meant for others. */
function isAboutAlone(spec: Spec, node: string): boolean {
  return spec.node === node && (spec.nodeSelector ?? '') === '';
}

function toDeletion({ kind, metadata }: StoredResource): Deletion {
  return { kind, name: metadata.name, resourceVersion: metadata.resourceVersion };
}

/** Resources of a kind that are about the node alone; `warn` is told of those that cannot be read. */
export async function listAboutNode(
  datastore: Datastore,
  kind: (typeof ABOUT_ONE_NODE)[number],
  node: string,
  warn: (line: string) => void,
  signal: AbortSignal,
): Promise<readonly Deletion[]> {
  const { resources, unreadable } = await listResources(datastore, kind, undefined, signal);
  for (const { message } of unreadable)
    warn(`${message}; whether it belongs to node "${node}" is unknown, and it stays`);
  return resources.filter(({ spec }) => isAboutAlone(spec, node)).map(toDeletion);
}
