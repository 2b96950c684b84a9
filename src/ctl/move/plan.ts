// What a machine's own store adds to a cluster's: all that the cluster has not, and its addresses in blocks that others have.
// What cannot be both is a conflict, and then nothing is written at all.
import { tryParseKey } from '../../datastore/keys.ts';
import type { KeyValue } from '../../datastore/port.ts';
import { planAddressKey } from './addresses.ts';
import { planHolder } from './holder.ts';
import { planResource, rankOf } from './resources.ts';
import type { Planned, PlannedWrite, StoreContent } from './step.ts';

export interface MovePlan {
  /** In the order in which they may become true one after the other. */
  readonly writes: readonly PlannedWrite[];
  /** A line for each; empty: nothing is in the way. */
  readonly conflicts: readonly string[];
}

function planKey(kv: KeyValue, own: StoreContent, cluster: StoreContent): Planned {
  const named = tryParseKey(kv.key);
  if (named?.kind === 'resource') return planResource(kv, named, cluster);
  if (named?.kind === 'holder') return planHolder(kv, named, cluster);
  return planAddressKey(kv, named, own, cluster);
}

export function computeMovePlan(own: StoreContent, cluster: StoreContent): MovePlan {
  const planned = [...own.values()].map((kv) => planKey(kv, own, cluster));
  const writes = planned.flatMap((one) => (one.kind === 'write' ? [one.write] : []));
  const rank = rankOf(new Map([...cluster, ...own]));
  return {
    writes: writes
      .map((write) => ({ write, rank: rank(write) }))
      .sort((a, b) => a.rank - b.rank)
      .map(({ write }) => write),
    conflicts: planned.flatMap((one) => (one.kind === 'conflicts' ? one.messages : [])),
  };
}
