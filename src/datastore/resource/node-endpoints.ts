// The workload endpoints of one node, as the store has them.
import { printResourcePrefix, tryParseKey } from '../keys.ts';
import type { Datastore, KeyValue } from '../port.ts';
import { tryParseStored } from './resource-items.ts';

/** One that cannot be read, or names no node, is the node's whose name its own begins with. */
function isEndpointOf(kv: KeyValue, node: string): boolean {
  const nodeName = tryParseStored(kv)?.spec.node;
  if (typeof nodeName === 'string' && nodeName !== '') return nodeName === node;
  const named = tryParseKey(kv.key);
  return named?.kind === 'resource' && named.name.startsWith(`${node.replaceAll('-', '--')}-`);
}

/** Keys of the node's workload endpoints. */
export async function listEndpointsOf(
  datastore: Datastore,
  node: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { kvs } = await datastore.list(printResourcePrefix('WorkloadEndpoint'), {}, signal);
  return kvs.filter((kv) => isEndpointOf(kv, node)).map(({ key }) => key);
}
