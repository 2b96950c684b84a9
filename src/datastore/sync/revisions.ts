// Which of several tellings of a key is the newest: watches, own commits and listings tell of the same keys in any order.
import type { Revision } from '../port.ts';
import type { SyncUpdate } from './sync.ts';

export interface Revisions {
  /** Takes a telling in; false when something as new or newer is known of its key. */
  take(update: SyncUpdate): boolean;
  /** Whether the newest that was told of the key, not long ago, is that it has gone. */
  isGone(key: string): boolean;
  /** What comes from here on is news whatever its revision is. */
  forget(): void;
}

/**
 * How long a deletion is remembered: longer than the answer to a request may be under way, and than a watch may lag before
 * everything is read again. Older news of the key cannot come after that. Without an end every container that ever ran
 * would stay in memory.
 */
export const REMEMBER_DELETION_MS = 120_000;

interface Deletion {
  readonly revision: Revision;
  readonly heardAtMs: number;
}

/** `now`: milliseconds that only grow. */
export function createRevisions(now: () => number = () => performance.now()): Revisions {
  const standing = new Map<string, Revision>();
  /** The oldest first. */
  const deletions = new Map<string, Deletion>();

  function dropOld(nowMs: number): void {
    for (const [key, { heardAtMs }] of deletions) {
      if (nowMs - heardAtMs < REMEMBER_DELETION_MS) return;
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
      if (value === undefined) deletions.set(key, { revision: modRevision, heardAtMs: nowMs });
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
