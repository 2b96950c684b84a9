// Says which resources name one that has just been deleted, and what that does to them.
import type { Datastore } from '../../datastore/port.ts';
import { bgpPeer } from '../../model/bgp/bgp-peer.ts';
import type { Resource } from '../../model/meta/resource.ts';
import { fetchList } from '../store/stored.ts';
import type { Outcome } from './report.ts';

/** As written in the store: what breaks the rules names its filters all the same. */
function namesOf(peer: Resource): readonly unknown[] {
  const { filters } = peer.spec as { readonly filters?: unknown };
  return Array.isArray(filters) ? filters : [];
}

/** One line for each BGPFilter that peers still name. Throws as the store does. */
export async function describeDangling(
  datastore: Datastore,
  outcomes: readonly Outcome[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  const gone = outcomes.filter(({ kind, item }) => kind === 'done' && item.kind.name === 'BGPFilter');
  if (gone.length === 0) return [];
  const peers = (await fetchList(datastore, bgpPeer, undefined, signal)).resources;
  return gone.flatMap(({ item }) => {
    const { name } = item.resource.metadata;
    const left = peers.filter((peer) => namesOf(peer).includes(name)).map((peer) => `BGPPeer(${peer.metadata.name})`);
    if (left.length === 0) return [];
    return [
      `warning: BGPFilter(${name}) is named by ${left.join(', ')}: without it nothing is sent to them or taken from them`,
    ];
  });
}
