// A transaction in the making: what is read becomes a condition, what is written is seen by later reads.
// Programs put several things into one transaction - addresses, an endpoint, a profile - and they happen together or not at all.
import type { Condition, Datastore, Revision, Transaction, Write } from '../datastore/port.ts';

/** What is known to stand at a key, or that nothing stands there. */
export interface CachedValue {
  readonly value: string | undefined;
  /** 0 when the key is absent. */
  readonly modRevision: Revision;
}

export const ABSENT: CachedValue = { value: undefined, modRevision: 0 };

/** Knows some keys without asking the store; undefined for those that it does not know. May be out of date. */
export type CachedValues = (key: string) => CachedValue | undefined;

interface Savepoint {
  /** Whether anything has been written since. */
  hasWrites(): boolean;
  /** Conditions and writes are those of then; what was read meanwhile is still known. */
  rollBack(): void;
}

export interface TransactionBuilder {
  /** The value, or undefined where there is none; the commit will fail if it is another by then. */
  get(key: string): Promise<string | undefined>;
  /**
   * As get for a key that is probably absent: unless something is known of it, it is taken to be, without asking. The
   * commit finds out.
   */
  getLikelyAbsent(key: string): Promise<string | undefined>;
  /** As get without the condition: for a look at it. */
  prefetchKey(key: string): Promise<string | undefined>;
  /** Reads everything under a prefix at once, so that later reads there are free and up to date. By key. */
  prefetch(prefix: string): Promise<ReadonlyMap<string, string>>;
  /** What it puts under a prefix, by key: of this transaction, and not in the store yet. */
  putsUnder(prefix: string): ReadonlyMap<string, string>;
  put(key: string, value: string): void;
  /** The key may be absent. */
  delete(key: string): void;
  /** To take back what comes after it, when one of several that share the transaction cannot be served. */
  savepoint(): Savepoint;
  /** What to commit. */
  readonly transaction: Transaction;
}

export interface BuilderOptions {
  readonly known: CachedValues;
  /** Whether getLikelyAbsent may do without asking. */
  readonly mayGuess: boolean;
  readonly signal: AbortSignal;
}

function isPresent(entry: readonly [string, string | undefined]): entry is readonly [string, string] {
  return entry[1] !== undefined;
}

/** Reads go to the builder's own writes, then to `known`, then to the store. */
export function createTransactionBuilder(
  datastore: Datastore,
  { known, mayGuess, signal }: BuilderOptions,
): TransactionBuilder {
  let conditions = new Map<string, Condition>();
  let writes = new Map<string, Write>();
  const seen = new Map<string, CachedValue>();
  const prefetched: string[] = [];

  function remember(key: string, cached: CachedValue): CachedValue {
    seen.set(key, cached);
    return cached;
  }

  function tryRecall(key: string): CachedValue | undefined {
    const cached = seen.get(key) ?? (prefetched.some((prefix) => key.startsWith(prefix)) ? ABSENT : known(key));
    return cached === undefined ? undefined : remember(key, cached);
  }

  async function ask(key: string): Promise<CachedValue> {
    const { kv } = await datastore.get(key, signal);
    return remember(key, kv ?? ABSENT);
  }

  /** Written values hide what stands in the store. */
  function valueAt(key: string, cached: CachedValue): string | undefined {
    const write = writes.get(key);
    if (write === undefined) return cached.value;
    return write.kind === 'put' ? write.value : undefined;
  }

  function putsUnder(prefix: string): ReadonlyMap<string, string> {
    const puts = [...writes.values()].flatMap((write) =>
      write.kind === 'put' ? [[write.key, write.value] as const] : [],
    );
    return new Map(puts.filter(([key]) => key.startsWith(prefix)));
  }

  function require(key: string, cached: CachedValue): string | undefined {
    conditions.set(key, { key, modRevision: cached.modRevision });
    return valueAt(key, cached);
  }

  return {
    async get(key) {
      return require(key, tryRecall(key) ?? (await ask(key)));
    },
    async getLikelyAbsent(key) {
      return require(key, tryRecall(key) ?? (mayGuess ? remember(key, ABSENT) : await ask(key)));
    },
    async prefetchKey(key) {
      return valueAt(key, tryRecall(key) ?? (await ask(key)));
    },
    async prefetch(prefix) {
      const { kvs } = await datastore.list(prefix, {}, signal);
      const stale = [...seen.keys()].filter((key) => key.startsWith(prefix) && !conditions.has(key));
      for (const key of stale) seen.delete(key);
      for (const kv of kvs) if (!conditions.has(kv.key)) seen.set(kv.key, kv);
      prefetched.push(prefix);
      const standing = kvs.map(({ key }) => [key, valueAt(key, seen.get(key) ?? ABSENT)] as const);
      return new Map([...standing.filter((entry) => isPresent(entry)), ...putsUnder(prefix)]);
    },
    putsUnder,
    put(key, value) {
      writes.set(key, { kind: 'put', key, value });
    },
    delete(key) {
      writes.set(key, { kind: 'delete', key });
    },
    savepoint() {
      const before = { conditions: new Map(conditions), writes: new Map(writes) };
      return {
        hasWrites: () => [...writes].some(([key, write]) => before.writes.get(key) !== write),
        rollBack() {
          [conditions, writes] = [new Map(before.conditions), new Map(before.writes)];
        },
      };
    },
    get transaction() {
      return { conditions: [...conditions.values()], writes: [...writes.values()] };
    },
  };
}
