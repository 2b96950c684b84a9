// -v and -vv: tells what is asked of the store, how long it takes, and what is read and written.
import type { Datastore, KeyValue, Write } from '../../datastore/port.ts';

function formatWrite(write: Write): string {
  return write.kind === 'put' ? `  put ${write.key} ${write.value}` : `  delete ${write.key}`;
}

function formatRead({ key, value }: KeyValue): string {
  return `  found ${key} ${value}`;
}

/** The same store, which tells every request but watches and leases, and with `values` what they carry. */
export function traceStore(datastore: Datastore, values: boolean, notify: (line: string) => void): Datastore {
  const notifyAll = (lines: readonly string[]) => {
    if (values) for (const line of lines) notify(line);
  };
  const timed = async <T>(
    what: string,
    work: () => Promise<T>,
    outcome: (result: T) => string,
    read: (result: T) => readonly KeyValue[] = () => [],
  ): Promise<T> => {
    const startedAt = performance.now();
    const took = () => `${(performance.now() - startedAt).toFixed(1)} ms`;
    try {
      const result = await work();
      notify(`${what}: ${outcome(result)} in ${took()}`);
      notifyAll(read(result).map(formatRead));
      return result;
    } catch (error) {
      notify(`${what}: failed after ${took()}`);
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
        ({ kv }) => (kv === undefined ? [] : [kv]),
      ),
    list: (prefix, options, signal) =>
      timed(
        `list ${prefix}`,
        () => datastore.list(prefix, options, signal),
        ({ kvs }) => `${kvs.length} keys`,
        ({ kvs }) => kvs,
      ),
    commit: (transaction, signal) => {
      notifyAll(transaction.writes.map(formatWrite));
      return timed(
        `commit ${transaction.writes.length} writes`,
        () => datastore.commit(transaction, signal),
        (result) => result.kind,
      );
    },
  };
}
