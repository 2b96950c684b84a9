// A part of the store kept in memory, with what each value means worked out once. News may come from watches, from own
// commits and from reading again, in any order: the newest revision of a key wins.
import type { Datastore, Revision } from '../datastore/port.ts';
import type { StoreUpdate } from './commit.ts';
import type { Cell } from './draft.ts';

export interface Cells {
  /** What is known of a key: its value, or that it has gone; undefined when nothing has been heard of it. */
  get(key: string): Cell | undefined;
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
  /** From here to endListing everything that stands is told again, whatever the revisions were before. */
  beginListing(): void;
  /** What has not been told since beginListing has gone. Without one it does nothing. */
  endListing(): void;
}

/** A cell, and the newest revision that told about it: a deletion has one too. */
interface Entry extends Cell {
  readonly toldAt: Revision;
  meaning?: { readonly value: unknown };
}

export function createCells(): Cells {
  const entries = new Map<string, Entry>();
  let told: Set<string> | undefined;

  function apply({ key, value, modRevision }: StoreUpdate): boolean {
    told?.add(key);
    if ((entries.get(key)?.toldAt ?? -1) >= modRevision) return false;
    entries.set(key, { value, modRevision: value === undefined ? 0 : modRevision, toldAt: modRevision });
    return true;
  }

  function keysUnder(prefix: string): readonly string[] {
    const standing = [...entries].filter(([key, { value }]) => value !== undefined && key.startsWith(prefix));
    return standing.map(([key]) => key).sort();
  }

  return {
    get: (key) => entries.get(key),
    has: (key) => entries.has(key),
    keysUnder,
    apply,
    meaningOf<T>(key: string, parse: (text: string) => T): T | undefined {
      const entry = entries.get(key);
      if (entry?.value === undefined) return undefined;
      entry.meaning ??= { value: parse(entry.value) };
      return entry.meaning.value as T; // each key is always asked for with the same parser
    },
    async reread(datastore, prefix, signal) {
      const { kvs, revision } = await datastore.list(prefix, {}, signal);
      const standing = new Set(kvs.map((kv) => kv.key));
      for (const key of keysUnder(prefix))
        if (!standing.has(key)) apply({ key, value: undefined, modRevision: revision });
      for (const kv of kvs) apply(kv);
    },
    async rereadKey(datastore, key, signal) {
      const { kv, revision } = await datastore.get(key, signal);
      apply(kv ?? { key, value: undefined, modRevision: revision });
    },
    beginListing() {
      told = new Set();
      for (const [key, entry] of entries) entries.set(key, { ...entry, toldAt: -1 });
    },
    endListing() {
      if (told === undefined) return;
      for (const [key, entry] of entries)
        if (entry.value !== undefined && !told.has(key))
          entries.set(key, { value: undefined, modRevision: 0, toldAt: entry.toldAt });
      told = undefined;
    },
  };
}
