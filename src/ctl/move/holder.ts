// Whether a node's name, which a machine has in its own store, is free or already its own in a cluster.
import type { StoreKey } from '../../datastore/keys.ts';
import type { KeyValue } from '../../datastore/port.ts';
import { formatHolder, holderKey, parseHolder } from '../../datastore/resource/node-holder.ts';
import { conflict, KNOWN, type Planned, type StoreContent } from './step.ts';

/** The agent itself takes the name, when it comes. */
export function planHolder(
  kv: KeyValue,
  { node, part }: Extract<StoreKey, { kind: 'holder' }>,
  cluster: StoreContent,
): Planned {
  const standing = cluster.get(holderKey(node, part));
  if (standing === undefined) return KNOWN;
  const [ours, theirs] = [parseHolder(kv.key, kv.value), parseHolder(standing.key, standing.value)];
  const isSame = theirs.machine === ours.machine && theirs.network === ours.network;
  return isSame ? KNOWN : conflict(`node "${node}" of the cluster is another host, ${formatHolder(theirs)}`);
}
