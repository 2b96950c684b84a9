// Writes a plan into a cluster's store, in as few transactions as it takes; each holds only while the plan does.
import { OcicatError } from '../../base/errors.ts';
import { computeTransactionBytes, MAX_REQUEST_BYTES } from '../../datastore/limits.ts';
import { type Datastore, MAX_TRANSACTION_WRITES, type Transaction } from '../../datastore/port.ts';
import type { PlannedWrite } from './step.ts';

function transactionOf(writes: readonly PlannedWrite[]): Transaction {
  return {
    conditions: writes.map(({ key, modRevision }) => ({ key, modRevision })),
    writes: writes.map(({ key, value }) => ({ kind: 'put', key, value })),
  };
}

function fits(writes: readonly PlannedWrite[]): boolean {
  return writes.length <= MAX_TRANSACTION_WRITES && computeTransactionBytes(transactionOf(writes)) <= MAX_REQUEST_BYTES;
}

/** In order, each as long as it may be. */
function* inTransactions(writes: readonly PlannedWrite[]): Generator<Transaction> {
  let part: readonly PlannedWrite[] = [];
  for (const write of writes) {
    const longer = [...part, write];
    if (part.length > 0 && !fits(longer)) yield transactionOf(part);
    part = part.length > 0 && !fits(longer) ? [write] : longer;
  }
  if (part.length > 0) yield transactionOf(part);
}

/** Throws `conflict` when somebody else has written meanwhile: what is left is planned anew. */
export async function writePlan(
  cluster: Datastore,
  writes: readonly PlannedWrite[],
  signal: AbortSignal,
): Promise<void> {
  for (const transaction of inTransactions(writes)) {
    const result = await cluster.commit(transaction, signal);
    if (result.kind === 'conflict')
      throw new OcicatError('conflict', 'datastore move: somebody else writes into the cluster');
  }
}
