// What one transaction may hold, checked before it is sent so that both stores refuse the same ones.
import { OcicatError } from '../base/errors.ts';
import { MAX_TRANSACTION_WRITES, type Transaction, type Write } from './port.ts';

/** etcd's default `--max-request-bytes`, 1.5 MiB. */
export const MAX_REQUEST_BYTES = 1_572_864;

/** More than etcd's own bytes around one operation (measured: under 40), so that what passes here passes there. */
const OPERATION_BYTES = 64;

/** Bytes that one write takes in a request, rounded up. */
export function computeWriteBytes(write: Write): number {
  const valueBytes = write.kind === 'put' ? Buffer.byteLength(write.value) : 0;
  return Buffer.byteLength(write.key) + valueBytes + OPERATION_BYTES;
}

/** Bytes of the whole request; each condition costs its key twice, to compare it and to read it back. */
export function computeTransactionBytes({ conditions, writes }: Transaction): number {
  let bytes = 2 * OPERATION_BYTES;
  for (const { key } of conditions) bytes += 2 * (Buffer.byteLength(key) + OPERATION_BYTES);
  for (const write of writes) bytes += computeWriteBytes(write);
  return bytes;
}

/** Whether one request takes all of it. */
export function fitsTransaction(transaction: Transaction): boolean {
  const { conditions, writes } = transaction;
  const operations = Math.max(conditions.length, writes.length);
  return operations <= MAX_TRANSACTION_WRITES && computeTransactionBytes(transaction) <= MAX_REQUEST_BYTES;
}

function refuse(what: string): never {
  throw new OcicatError('invalid', `commit transaction: ${what}`);
}

/** Throws `invalid` when it is over a limit or writes a key twice. */
export function checkTransaction(transaction: Transaction): void {
  const { conditions, writes } = transaction;
  if (conditions.length > MAX_TRANSACTION_WRITES)
    refuse(`${conditions.length} conditions, at most ${MAX_TRANSACTION_WRITES} fit`);
  if (writes.length > MAX_TRANSACTION_WRITES) refuse(`${writes.length} writes, at most ${MAX_TRANSACTION_WRITES} fit`);
  const keys = new Set<string>();
  for (const { key } of writes) {
    if (keys.has(key)) refuse(`key "${key}" is written twice`);
    keys.add(key);
  }
  for (const { key, modRevision } of conditions)
    if (!Number.isSafeInteger(modRevision) || modRevision < 0)
      refuse(`condition on "${key}" has revision ${modRevision}, wanted 0 or more`);
  const bytes = computeTransactionBytes(transaction);
  if (bytes > MAX_REQUEST_BYTES) refuse(`${bytes} bytes, at most ${MAX_REQUEST_BYTES} fit`);
}
