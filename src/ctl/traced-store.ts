// -v: tells what is asked of the store, and how long it takes.
import type { Datastore } from '../datastore/port.ts';

/** The same store, which tells every request but watches and leases. */
export function traceStore(datastore: Datastore, tell: (line: string) => void): Datastore {
  const timed = async <T>(what: string, work: () => Promise<T>, outcome: (result: T) => string): Promise<T> => {
    const startedAt = performance.now();
    const took = () => `${(performance.now() - startedAt).toFixed(1)} ms`;
    try {
      const result = await work();
      tell(`${what}: ${outcome(result)} in ${took()}`);
      return result;
    } catch (error) {
      tell(`${what}: failed after ${took()}`);
      throw error;
    }
  };
  return {
    ...datastore,
    get: (key, signal) =>
      timed(
        `get ${key}`,
        () => datastore.get(key, signal),
        ({ kv }) => (kv === undefined ? 'absent' : `revision ${kv.modRevision}`),
      ),
    list: (prefix, options, signal) =>
      timed(
        `list ${prefix}`,
        () => datastore.list(prefix, options, signal),
        ({ kvs }) => `${kvs.length} keys`,
      ),
    commit: (transaction, signal) =>
      timed(
        `commit ${transaction.writes.length} writes`,
        () => datastore.commit(transaction, signal),
        (result) => result.kind,
      ),
  };
}
