// --dry-run for commands that change something: what they write stays in memory, and they read it back from there.
import type { Datastore, KeyValue, Transaction } from '../../datastore/port.ts';

/** What was written, by key; undefined for what was deleted. */
type Written = Map<string, KeyValue | undefined>;

function record(written: Written, transaction: Transaction, modRevision: number): void {
  for (const write of transaction.writes) {
    const { key } = write;
    written.set(key, write.kind === 'put' ? { key, value: write.value, modRevision } : undefined);
  }
}

function overlay(kvs: readonly KeyValue[], written: Written, prefix: string): readonly KeyValue[] {
  const merged = new Map<string, KeyValue | undefined>(kvs.map((kv) => [kv.key, kv]));
  for (const [key, kv] of written) if (key.startsWith(prefix)) merged.set(key, kv);
  const left = [...merged.values()].filter((kv) => kv !== undefined);
  return left.sort((a, b) => (a.key < b.key ? -1 : 1));
}

/** The same store for whoever reads; a commit is held against its conditions and kept from the store. */
export function openDryStore(datastore: Datastore): Datastore {
  const written: Written = new Map();
  let commits = 0;
  const get: Datastore['get'] = async (key, signal) => {
    const stored = await datastore.get(key, signal);
    return written.has(key) ? { kv: written.get(key), revision: stored.revision + commits } : stored;
  };
  return {
    ...datastore,
    get,
    async list(prefix, options = {}, signal) {
      const listing = await datastore.list(prefix, options, signal);
      const kvs = overlay(listing.kvs, written, prefix);
      return { ...listing, kvs: options.keysOnly ? kvs.map((kv) => ({ ...kv, value: '' })) : kvs };
    },
    async commit(transaction, signal) {
      const wanted = transaction.conditions;
      const read = await Promise.all(wanted.map(({ key }) => get(key, signal)));
      const revision = Math.max(0, ...read.map((one) => one.revision)) + 1;
      const current = read.map(({ kv }) => kv);
      const holds = wanted.every(({ modRevision }, index) => (current[index]?.modRevision ?? 0) === modRevision);
      if (!holds) return { kind: 'conflict', revision, current };
      commits += 1;
      record(written, transaction, revision);
      return { kind: 'committed', revision };
    },
  };
}
