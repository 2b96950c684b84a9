// What in the store belongs to one node and can mean nothing else once it is gone, whoever wrote it.
import type { Json } from '../base/json.ts';
import { printResourcePrefix, tryParseKey } from '../datastore/keys.ts';
import type { Datastore, KeyValue } from '../datastore/port.ts';
import type { StoredResource } from '../datastore/resource-codec.ts';
import { tryParseStored } from '../datastore/resource-items.ts';
import { type Deletion, listResources } from '../datastore/resources.ts';

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

function endpointNode(kv: KeyValue): Json | undefined {
  return tryParseStored(kv)?.spec.node;
}

/** One that cannot be read, or names no node, is the node's whose name its own begins with. */
function isEndpointOf(kv: KeyValue, node: string): boolean {
  const said = endpointNode(kv);
  if (typeof said === 'string' && said !== '') return said === node;
  const named = tryParseKey(kv.key);
  return named?.kind === 'resource' && named.name.startsWith(`${node.replaceAll('-', '--')}-`);
}

/** Keys of the node's workload endpoints. */
export async function listEndpoints(
  datastore: Datastore,
  node: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { kvs } = await datastore.list(printResourcePrefix('WorkloadEndpoint'), {}, signal);
  return kvs.filter((kv) => isEndpointOf(kv, node)).map(({ key }) => key);
}
