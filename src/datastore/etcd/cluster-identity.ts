// Whether the store that answers is still the one that answered before: the same cluster, with the same history.
import type { Revision } from '../port.ts';
import type { Header } from './messages.ts';

/** What was once seen to happen to a key: what was written, or (undefined) that it was deleted. */
export interface Witnessed {
  readonly key: string;
  readonly value: string | undefined;
  readonly modRevision: Revision;
}

/**
 * A cluster's id is made from its members' addresses and its token: a store that was wiped, or restored from a snapshot
 * with the same settings, has the same id, and a restored one counts its revisions on from the snapshot's
 * (https://etcd.io/docs/v3.4/op-guide/recovery). What gives it away is that its revision went backwards, or, once others
 * have written so much that it has overtaken us, that another thing happened at a revision that we have seen.
 */
export interface ClusterIdentity {
  /** Names the store as it is now; another one after a change. `unknown` before the first answer. */
  name(): string;
  /** The newest revision seen: pass it to `see` with the answer to a request that is sent now. */
  floor(): Revision;
  /** Takes in an answer that came by way of a quorum. */
  see(header: Header, floor: Revision): void;
  /** Takes in a watch's answer: its member may lag, so that only its cluster and what is new in it count. */
  follow(header: Header): void;
  /** Takes in something that happened in the store. */
  witness(event: Witnessed): void;
  /** The newest things witnessed: the last write, and the last deletion if that was later. */
  evidence(): readonly Witnessed[];
  /** The evidence did not stand: from here on it is another store. */
  replace(): void;
}

export function createClusterIdentity(): ClusterIdentity {
  let clusterId: bigint | undefined;
  let changes = 0;
  let newest = 0;
  let lastPut: Witnessed | undefined;
  let lastDelete: Witnessed | undefined;

  function start(id: bigint | undefined): void {
    if (clusterId !== undefined) changes += 1;
    clusterId = id;
    newest = 0;
    lastPut = undefined;
    lastDelete = undefined;
  }

  function take({ revision }: Header): void {
    newest = Math.max(newest, revision);
  }

  return {
    name: () => (clusterId === undefined ? 'unknown' : `${clusterId.toString(16)}.${changes}`),
    floor: () => newest,
    see(header, floor) {
      if (header.clusterId !== clusterId || (header.revision < floor && floor <= newest)) start(header.clusterId);
      take(header);
    },
    follow(header) {
      if (header.clusterId !== clusterId) start(header.clusterId);
      take(header);
    },
    witness(event) {
      newest = Math.max(newest, event.modRevision);
      if (event.value !== undefined && event.modRevision >= (lastPut?.modRevision ?? 0)) lastPut = event;
      if (event.value === undefined && event.modRevision >= (lastDelete?.modRevision ?? 0)) lastDelete = event;
    },
    evidence() {
      const isLater = (lastDelete?.modRevision ?? 0) > (lastPut?.modRevision ?? 0);
      return [lastPut, isLater ? lastDelete : undefined].filter((event) => event !== undefined);
    },
    replace: () => start(clusterId),
  };
}
