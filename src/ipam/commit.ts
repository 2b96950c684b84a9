// Builds a transaction and commits it, again and again while others are faster, with what they wrote taken in each time.
import { OcicatError } from '../base/errors.ts';
import type { Datastore, Revision, Transaction } from '../datastore/port.ts';
import {
  type CachedValue,
  type CachedValues,
  createTransactionBuilder,
  type TransactionBuilder,
} from './transaction-builder.ts';

/** Calico's datastoreRetries. */
const MAX_ATTEMPTS = 100;
/** Attempts that follow at once; after them a growing, random pause keeps hosts that want the same block apart. */
const EAGER_ATTEMPTS = 3;
const MAX_PAUSE_MS = 50;

/** A key as it stands now; undefined when it is gone. `modRevision` of a deletion is the deletion's. */
export interface StoreUpdate {
  readonly key: string;
  readonly value: string | undefined;
  readonly modRevision: Revision;
}

/** A cache of the store, which transactions start from and which commits keep up to date. */
export interface StoreCache {
  readonly known: CachedValues;
  /** Takes in news; what is older than what is known is ignored. */
  apply(update: StoreUpdate): void;
  /** Reads again whatever a decision may rest on. */
  refresh(signal: AbortSignal): Promise<void>;
}

export interface Committed<T> {
  readonly result: T;
  /** Of the commit; 0 when there was nothing to write. */
  readonly revision: Revision;
}

function pause(attempt: number): Promise<void> {
  const boundMs = Math.min(MAX_PAUSE_MS, 2 ** (attempt - EAGER_ATTEMPTS));
  return attempt < EAGER_ATTEMPTS ? Promise.resolve() : Bun.sleep(Math.random() * boundMs);
}

function learnWrites(cache: StoreCache, { writes }: Transaction, revision: Revision): void {
  for (const write of writes) {
    cache.apply({ key: write.key, value: write.kind === 'put' ? write.value : undefined, modRevision: revision });
  }
}

/** Whether a refusal may come from reading a stale cache. */
function mayBeOutdated(error: unknown): boolean {
  return error instanceof OcicatError && !['unavailable', 'aborted', 'timeout', 'denied'].includes(error.code);
}

/**
 * Calls `build` with a fresh transaction for each attempt and commits what it wrote. A refusal by `build` is believed only
 * after the cache has been refreshed. Throws what `build` throws, `unavailable` when the store does not answer (the
 * commit may then have happened), and `conflict` after MAX_ATTEMPTS.
 */
export async function commitTransaction<T>(
  datastore: Datastore,
  cache: StoreCache,
  build: (builder: TransactionBuilder) => Promise<T>,
  signal: AbortSignal,
): Promise<Committed<T>> {
  let hints = new Map<string, CachedValue>();
  let refreshed = false;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    await pause(attempt);
    const known = (key: string) => hints.get(key) ?? cache.known(key);
    const builder = createTransactionBuilder(datastore, { known, mayGuess: !refreshed, signal });
    let result: T;
    try {
      result = await build(builder);
    } catch (error) {
      if (refreshed || !mayBeOutdated(error)) throw error;
      await cache.refresh(signal);
      [refreshed, hints] = [true, new Map()];
      continue;
    }
    const { transaction } = builder;
    if (transaction.writes.length === 0) return { result, revision: 0 };
    const outcome = await datastore.commit(transaction, signal);
    if (outcome.kind === 'committed') {
      learnWrites(cache, transaction, outcome.revision);
      return { result, revision: outcome.revision };
    }
    hints = learnConflict(cache, transaction, outcome.current, outcome.revision);
  }
  throw new OcicatError('conflict', 'Max retries hit - excessive concurrent IPAM requests');
}

function learnConflict(
  cache: StoreCache,
  { conditions }: Transaction,
  current: readonly (CachedValue | undefined)[],
  revision: Revision,
): Map<string, CachedValue> {
  const hints = new Map<string, CachedValue>();
  for (const [index, { key }] of conditions.entries()) {
    const cached = current[index];
    hints.set(key, cached ?? { value: undefined, modRevision: 0 });
    cache.apply({ key, value: cached?.value, modRevision: cached?.modRevision ?? revision });
  }
  return hints;
}

/** An empty cache, for programs that run once. */
export const NO_CACHE: StoreCache = { known: () => undefined, apply: () => undefined, refresh: async () => undefined };
