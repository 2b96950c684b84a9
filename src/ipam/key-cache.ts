// A cache of a part of the store, with what each value means worked out once. News may come from watches, from own
// commits and from reading again, in any order: the newest revision of a key wins.
import type { Datastore } from '../datastore/port.ts';
import { createRevisions } from '../datastore/sync/revisions.ts';
import type { StoreUpdate } from './commit.ts';
import { ABSENT, type CachedValue } from './transaction-builder.ts';

export interface KeyCache {
  /** What is known of a key: its value, or that it has gone; undefined when nothing has been heard of it for long. */
  get(key: string): CachedValue | undefined;
  has(key: string): boolean;
  /** Keys that stand, sorted. */
  keysUnder(prefix: string): readonly string[];
  /** Takes in news unless something newer is known. Returns whether anything changed. */
  apply(update: StoreUpdate): boolean;
  /** What a value means, kept until the value changes; undefined where nothing stands. `parse` must not throw. */
  meaningOf<T>(key: string, parse: (text: string) => T): T | undefined;
  /** Takes in what stands now under a prefix. */
  reread(datastore: Datastore, prefix: string, signal: AbortSignal): Promise<void>;
  rereadKey(datastore: Datastore, key: string, signal: AbortSignal): Promise<void>;
  /** From here to endListing everything that stands is listed again, whatever the revisions were before. */
  beginListing(): void;
  /** What has not been listed since beginListing has gone. Without one it does nothing. */
  endListing(): void;
}

/** A key that stands. */
interface Entry extends CachedValue {
  readonly value: string;
  meaning?: { readonly value: unknown };
}

/** `changed` is told of each key whose value is another one now, or that has come or gone. */
export function createKeyCache(changed: (key: string) => void = () => {}): KeyCache {
  const standing = new Map<string, Entry>();
  const revisions = createRevisions();
  let listed: Set<string> | undefined;

  function apply(update: StoreUpdate): boolean {
    const { key, value, modRevision } = update;
    listed?.add(key);
    if (!revisions.take(update)) return false;
    if (value === undefined) standing.delete(key);
    else standing.set(key, { value, modRevision });
    changed(key);
    return true;
  }

  function keysUnder(prefix: string): readonly string[] {
    return [...standing.keys()].filter((key) => key.startsWith(prefix)).sort();
  }

  return {
    get: (key) => standing.get(key) ?? (revisions.isGone(key) ? ABSENT : undefined),
    has: (key) => standing.has(key) || revisions.isGone(key),
    keysUnder,
    apply,
    meaningOf<T>(key: string, parse: (text: string) => T): T | undefined {
      const entry = standing.get(key);
      if (entry === undefined) return undefined;
      entry.meaning ??= { value: parse(entry.value) };
      return entry.meaning.value as T; // each key is always asked for with the same parser
    },
    async reread(datastore, prefix, signal) {
      const { kvs, revision } = await datastore.list(prefix, {}, signal);
      const present = new Set(kvs.map((kv) => kv.key));
      for (const key of keysUnder(prefix))
        if (!present.has(key)) apply({ key, value: undefined, modRevision: revision });
      for (const kv of kvs) apply(kv);
    },
    async rereadKey(datastore, key, signal) {
      const { kv, revision } = await datastore.get(key, signal);
      apply(kv ?? { key, value: undefined, modRevision: revision });
    },
    beginListing() {
      listed = new Set();
      revisions.forget();
    },
    endListing() {
      if (listed === undefined) return;
      const gone = [...standing.keys()].filter((key) => !listed?.has(key));
      listed = undefined;
      for (const key of gone) {
        standing.delete(key);
        changed(key);
      }
    },
  };
}
