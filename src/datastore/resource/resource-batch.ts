// Many compare-and-swaps in few transactions: each item assumes what stands at its key, and learns from a conflict.
import { isOcicatError, OcicatError } from '../../base/errors.ts';
import { computeWriteBytes } from '../limits.ts';
import { type Datastore, type KeyValue, MAX_TRANSACTION_WRITES, type Revision, type Write } from '../port.ts';

/** What an item wants once it knows what stands at its key. */
export type Step =
  /** Write this if the key is still as assumed. */
  | { readonly kind: 'write'; readonly write: Write }
  /** Nothing to write: the item fails, provided that the key is as assumed. */
  | { readonly kind: 'settled'; readonly error: OcicatError };

/** One key's change. `decide` is asked again whenever the key turns out to be different from what was assumed. */
export interface BatchItem {
  readonly key: string;
  /** The revision that is assumed first; 0 is absent. */
  readonly assumed: Revision;
  /** `current` is undefined when the key is absent or when nothing but its revision is known yet. */
  decide(assumed: Revision, current: KeyValue | undefined): Step;
}

export type BatchOutcome =
  | {
      readonly kind: 'written';
      readonly revision: Revision;
      readonly write: Write;
      readonly previous: KeyValue | undefined;
    }
  | { readonly kind: 'failed'; readonly error: OcicatError };

/** Transactions in flight at a time: enough to keep a server busy while the next one is prepared. */
const PIPELINE = 8;
/** Below the limit of one request by more than what conditions and merged metadata add. */
const BATCH_BYTES = 900_000;
/** Calico's own bound for retries against other writers. */
const MAX_ATTEMPTS = 100;

interface Pending {
  readonly item: BatchItem;
  readonly index: number;
  assumed: Revision;
  current: KeyValue | undefined;
  step: Step;
}

function toError(error: unknown): OcicatError {
  return isOcicatError(error) ? error : new OcicatError('internal', 'commit batch: failed', { cause: error });
}

/** Commits one transaction of all pending items. Returns those that have to be tried again. */
async function attempt(
  datastore: Datastore,
  pending: readonly Pending[],
  outcomes: BatchOutcome[],
  signal: AbortSignal | undefined,
): Promise<readonly Pending[]> {
  const conditions = pending.map(({ item, assumed }) => ({ key: item.key, modRevision: assumed }));
  const writes = pending.flatMap(({ step }) => (step.kind === 'write' ? [step.write] : []));
  const result = await datastore.commit({ conditions, writes }, signal);
  if (result.kind === 'committed') {
    for (const { index, step, current } of pending)
      outcomes[index] =
        step.kind === 'write'
          ? { kind: 'written', revision: result.revision, write: step.write, previous: current }
          : { kind: 'failed', error: step.error };
    return [];
  }
  return pending.filter((entry, at) => learn(entry, result.current[at], outcomes));
}

/** Takes in what a conflict showed at an item's key. False when that settles the item. */
function learn(entry: Pending, current: KeyValue | undefined, outcomes: BatchOutcome[]): boolean {
  const revision = current?.modRevision ?? 0;
  if (revision !== entry.assumed) {
    entry.assumed = revision;
    entry.current = current;
    entry.step = entry.item.decide(revision, current);
  }
  if (entry.step.kind === 'settled') outcomes[entry.index] = { kind: 'failed', error: entry.step.error };
  return entry.step.kind === 'write';
}

async function commitOne(
  datastore: Datastore,
  batch: readonly Pending[],
  outcomes: BatchOutcome[],
  signal: AbortSignal | undefined,
): Promise<void> {
  let pending = batch;
  try {
    for (let attempts = 0; pending.length > 0 && attempts < MAX_ATTEMPTS; attempts += 1)
      pending = await attempt(datastore, pending, outcomes, signal);
    for (const { index, item } of pending)
      outcomes[index] = {
        kind: 'failed',
        error: new OcicatError('conflict', `write "${item.key}": others changed it ${MAX_ATTEMPTS} times meanwhile`),
      };
  } catch (error) {
    for (const { index } of pending) outcomes[index] = { kind: 'failed', error: toError(error) };
  }
}

function computeItemBytes({ step, item }: Pending): number {
  const written = step.kind === 'write' ? computeWriteBytes(step.write) : 0;
  return written + 3 * Buffer.byteLength(item.key);
}

/** Cuts the items into transactions, in order; a key that comes twice waits for the round after its first. */
function cutRounds(items: readonly Pending[]): readonly (readonly (readonly Pending[])[])[] {
  const seen = new Map<string, number>();
  const rounds: { batches: Pending[][]; bytes: number }[] = [];
  for (const entry of items) {
    const number = seen.get(entry.item.key) ?? 0;
    seen.set(entry.item.key, number + 1);
    const round = rounds[number] ?? { batches: [[]], bytes: 0 };
    rounds[number] = round;
    const bytes = computeItemBytes(entry);
    const last = round.batches.at(-1) ?? [];
    const full = last.length >= MAX_TRANSACTION_WRITES || round.bytes + bytes > BATCH_BYTES;
    if (full && last.length > 0) round.batches.push([entry]);
    else last.push(entry);
    round.bytes = full ? bytes : round.bytes + bytes;
  }
  return rounds.map(({ batches }) => batches);
}

/**
 * Carries out every item, in order for equal keys, and returns an outcome for each at its index. Never throws: a failed
 * transaction fails its items. Items of one transaction are written together or, on a conflict, tried again without
 * those that the conflict settled.
 */
export async function commitBatch(
  datastore: Datastore,
  items: readonly BatchItem[],
  signal?: AbortSignal,
): Promise<readonly BatchOutcome[]> {
  const outcomes: BatchOutcome[] = [];
  const pending = items.map((item, index) => {
    const step = item.decide(item.assumed, undefined);
    return { item, index, assumed: item.assumed, current: undefined, step };
  });
  for (const batches of cutRounds(pending)) {
    const queue = batches.values();
    const work = async () => {
      for (const batch of queue) await commitOne(datastore, batch, outcomes, signal);
    };
    await Promise.all(Array.from({ length: Math.min(PIPELINE, batches.length) }, work));
  }
  return outcomes;
}
