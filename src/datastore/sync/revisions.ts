// The newest revision seen of each key: watches, own commits and listings report the same keys in any order.
import type { Revision } from '../port.ts';
import type { SyncUpdate } from './sync.ts';

export interface Revisions {
  /** Takes an update in; false when a revision as new or newer has been seen of its key. */
  take(update: SyncUpdate): boolean;
  /** Whether the newest revision seen of the key, not long ago, is its deletion. */
  isGone(key: string): boolean;
  /** What comes from here on counts whatever its revision is. */
  forget(): void;
}

/**
 * How long a deletion is remembered: longer than the answer to a request may be under way, and than a watch may lag before
 * everything is read again. An older revision of the key cannot come after that. Without an end every container that ever ran
 * would stay in memory.
 */
export const REMEMBER_DELETION_MS = 120_000;

interface Deletion {
  readonly revision: Revision;
  readonly seenAtMs: number;
}

/** `now`: milliseconds that only grow. */
export function createRevisions(now: () => number = () => performance.now()): Revisions {
  const standing = new Map<string, Revision>();
  /** The oldest first. */
  const deletions = new Map<string, Deletion>();

  function dropOld(nowMs: number): void {
    for (const [key, { seenAtMs }] of deletions) {
      if (nowMs - seenAtMs < REMEMBER_DELETION_MS) return;
      deletions.delete(key);
    }
  }

  return {
    take({ key, value, modRevision }) {
      const newest = standing.get(key) ?? deletions.get(key)?.revision ?? -1;
      if (newest >= modRevision) return false;
      standing.delete(key);
      deletions.delete(key);
      const nowMs = now();
      if (value === undefined) deletions.set(key, { revision: modRevision, seenAtMs: nowMs });
      else standing.set(key, modRevision);
      dropOld(nowMs);
      return true;
    },
    isGone: (key) => deletions.has(key),
    forget() {
      standing.clear();
      deletions.clear();
    },
  };
}
