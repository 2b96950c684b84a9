// Whether the store that answers is still the one that answered before: the same cluster, and never an older revision.
import type { Revision } from '../port.ts';
import type { Header } from './messages.ts';

/**
 * A cluster's id is made from its members' addresses and its token: a store wiped and started again with the same
 * settings has the same id. What gives it away is that its revision went backwards.
 */
export interface Lineage {
  /** Names the store as it is now; another one after a change. `unknown` before the first answer. */
  name(): string;
  /** The newest revision seen: pass it to `see` with the answer to a request that is sent now. */
  floor(): Revision;
  /** Takes in an answer that came by way of a quorum (not a watch's: a member may lag). */
  see(header: Header, floor: Revision): void;
  /** Whether a watch's answer comes from another cluster. Takes its id in. */
  isOther(header: Header): boolean;
}

export function createLineage(): Lineage {
  let clusterId: bigint | undefined;
  let changes = 0;
  let newest = 0;

  function start(id: bigint): void {
    if (clusterId !== undefined) changes += 1;
    clusterId = id;
    newest = 0;
  }

  return {
    name: () => (clusterId === undefined ? 'unknown' : `${clusterId.toString(16)}.${changes}`),
    floor: () => newest,
    see(header, floor) {
      if (header.clusterId !== clusterId || (header.revision < floor && floor <= newest)) start(header.clusterId);
      newest = Math.max(newest, header.revision);
    },
    isOther(header) {
      if (header.clusterId === clusterId) return false;
      const first = clusterId === undefined;
      start(header.clusterId);
      return !first;
    },
  };
}
