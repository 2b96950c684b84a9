// Commits of one host, which want the same block: what comes while one is under way goes into the next transaction together,
// as much of it as one takes.
import { OcicatError } from '../base/errors.ts';
import { fitsTransaction } from '../datastore/limits.ts';
import type { Datastore } from '../datastore/port.ts';
import { type Committed, commitTransaction, type StoreCache } from './commit.ts';
import type { TransactionBuilder } from './transaction-builder.ts';

type Build<T> = (builder: TransactionBuilder) => Promise<T>;

export interface CommitQueue {
  /** As commitTransaction, in the order of the calls. Throws `aborted` for one whose time is over before its turn. */
  commit<T>(build: Build<T>, signal: AbortSignal): Promise<Committed<T>>;
}

/** What became of one that shares a transaction. */
type Draft =
  /** Its writes are in the transaction; `settle` says so to whoever waits for it, once that is committed. */
  | { readonly kind: 'drafted'; readonly settle: (revision: Committed<unknown>['revision']) => void }
  /** It could not be served beside the others: its own transaction will say why. */
  | { readonly kind: 'refused' }
  /** The transaction is full. */
  | { readonly kind: 'left' };

interface Waiting {
  readonly signal: AbortSignal;
  draft(builder: TransactionBuilder): Promise<Draft>;
  /** In a transaction of its own. */
  commitAlone(): Promise<void>;
  fail(error: unknown): void;
}

/** Aborted when all of them are: nobody waits for the answer any more. */
function whenAll(signals: readonly AbortSignal[]): AbortSignal {
  const controller = new AbortController();
  const look = () => {
    if (signals.every(({ aborted }) => aborted)) controller.abort();
  };
  for (const signal of signals) signal.addEventListener('abort', look, { once: true, signal: controller.signal });
  look();
  return controller.signal;
}

function createWaiting<T>(
  datastore: Datastore,
  cache: StoreCache,
  build: Build<T>,
  signal: AbortSignal,
): { readonly waiting: Waiting; readonly committed: Promise<Committed<T>> } {
  const { promise: committed, resolve, reject } = Promise.withResolvers<Committed<T>>();
  const waiting: Waiting = {
    signal,
    async draft(builder) {
      const savepoint = builder.savepoint();
      try {
        const result = await build(builder);
        const writes = savepoint.hasWrites();
        if (!writes) savepoint.rollBack(); // what nobody writes for is no condition of what others write
        if (fitsTransaction(builder.transaction))
          return { kind: 'drafted', settle: (revision) => resolve({ result, revision: writes ? revision : 0 }) };
        savepoint.rollBack();
        return { kind: 'left' };
      } catch {
        savepoint.rollBack();
        return { kind: 'refused' };
      }
    },
    commitAlone: () => commitTransaction(datastore, cache, build, signal).then(resolve, reject),
    fail: reject,
  };
  return { waiting, committed };
}

/** Each in its turn, until the transaction is full. */
async function draftAll(builder: TransactionBuilder, all: readonly Waiting[]): Promise<readonly Draft[]> {
  const drafts: Draft[] = [];
  for (const one of all) {
    const isFull = drafts.at(-1)?.kind === 'left';
    drafts.push(isFull ? { kind: 'left' } : await draftOne(builder, one));
  }
  return drafts;
}

/** One that no transaction has room for is not left for the next. */
async function draftOne(builder: TransactionBuilder, one: Waiting): Promise<Draft> {
  if (one.signal.aborted) return { kind: 'refused' };
  const draft = await one.draft(builder);
  return draft.kind === 'left' && builder.transaction.writes.length === 0 ? { kind: 'refused' } : draft;
}

export function createCommitQueue(datastore: Datastore, cache: StoreCache): CommitQueue {
  let waiting: readonly Waiting[] = [];
  let isBusy = false;

  /** Returns those that there was no room for. */
  async function commitTogether(all: readonly Waiting[]): Promise<readonly Waiting[]> {
    const signal = whenAll(all.map((one) => one.signal));
    const { result: drafts, revision } = await commitTransaction(
      datastore,
      cache,
      (builder) => draftAll(builder, all),
      signal,
    );
    for (const draft of drafts) if (draft.kind === 'drafted') draft.settle(revision);
    for (const [at, one] of all.entries()) if (drafts[at]?.kind === 'refused') await one.commitAlone();
    return all.filter((_, at) => drafts[at]?.kind === 'left');
  }

  async function commitNext(): Promise<void> {
    const all = waiting;
    waiting = [];
    const [first, second] = all;
    if (first === undefined) return;
    if (second === undefined) return first.commitAlone();
    try {
      waiting = [...(await commitTogether(all)), ...waiting];
    } catch (error) {
      for (const one of all) one.fail(error);
    }
  }

  async function drain(): Promise<void> {
    if (isBusy) return;
    isBusy = true;
    while (waiting.length > 0) await commitNext();
    isBusy = false;
  }

  return {
    commit(build, signal) {
      if (signal.aborted) return Promise.reject(new OcicatError('aborted', 'commit: its time is over'));
      const { waiting: one, committed } = createWaiting(datastore, cache, build, signal);
      waiting = [...waiting, one];
      void drain();
      return committed;
    },
  };
}
