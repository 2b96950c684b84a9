// One transaction: what it writes when its conditions hold, and what stands in their places when they do not.
import { checkTransaction } from '../limits.ts';
import type { CommitResult, Revision, Transaction } from '../port.ts';
import type { Caller } from './caller.ts';
import type { ClusterIdentity } from './cluster-identity.ts';
import { decodeTransaction, encodeTransaction, TXN } from './messages.ts';

function witnessWrites(identity: ClusterIdentity, { writes }: Transaction, modRevision: Revision): void {
  for (const write of writes)
    identity.witness({ key: write.key, value: write.kind === 'put' ? write.value : undefined, modRevision });
}

export async function commitTo(
  caller: Caller,
  identity: ClusterIdentity,
  transaction: Transaction,
  signal?: AbortSignal,
): Promise<CommitResult> {
  checkTransaction(transaction);
  const floor = identity.floor();
  const first = transaction.writes[0]?.key ?? transaction.conditions[0]?.key ?? '';
  const request = {
    action: `commit transaction at "${first}"`,
    path: TXN,
    message: encodeTransaction(transaction),
    repeatable: transaction.writes.length === 0,
  };
  const { header, succeeded, ranges } = decodeTransaction(await caller.call(request, signal));
  identity.see(header, floor);
  const { revision } = header;
  if (!succeeded)
    return { kind: 'conflict', revision, current: transaction.conditions.map((_, at) => ranges[at]?.kvs[0]) };
  witnessWrites(identity, transaction, revision);
  return { kind: 'committed', revision };
}
