// The in-memory stand-in for etcd: the same port and the same rules, for tests without a server.
import { OcicatError } from '../../../src/base/errors.ts';
import { checkTransaction } from '../../../src/datastore/limits.ts';
import type {
  CommitResult,
  Condition,
  Datastore,
  KeyValue,
  Lease,
  Revision,
  Transaction,
  WatchBatch,
  WatchEvent,
  Write,
} from '../../../src/datastore/port.ts';

/** The store, with what an administrator or an accident can do to a real one. */
export interface MemoryDatastore extends Datastore {
  /** Forgets history before this revision: reading or watching the past below it throws `not-found`. */
  compact(revision: Revision): void;
  /** Becomes an empty store of another cluster; running watches throw `conflict`. */
  replaceCluster(): void;
  /** While false every call throws `unavailable`, and so do running watches. */
  setAvailable(available: boolean): void;
  /** Ends a lease as if its holder had died: its keys vanish. */
  expireLease(lease: Lease): void;
}

interface Stored extends KeyValue {
  readonly lease: Lease | undefined;
}

/** One cluster's life: the present, and every change that led to it (kept whole; `compacted` only forbids to look). */
interface Cluster {
  readonly name: string;
  readonly keys: Map<string, Stored>;
  readonly log: WatchEvent[];
  readonly leases: Set<Lease>;
  revision: Revision;
  compacted: Revision;
}

/** Like etcd: an empty store stands at revision 1. */
function createCluster(name: string): Cluster {
  return { name, keys: new Map(), log: [], leases: new Set(), revision: 1, compacted: 0 };
}

function revisionOf(event: WatchEvent): Revision {
  return event.kind === 'put' ? event.kv.modRevision : event.modRevision;
}

function keyOf(event: WatchEvent): string {
  return event.kind === 'put' ? event.kv.key : event.key;
}

function checkNotCompacted(cluster: Cluster, revision: Revision): void {
  if (revision >= cluster.compacted) return;
  throw new OcicatError('not-found', `read revision "${revision}": compacted, the oldest kept is ${cluster.compacted}`);
}

function keysNow(cluster: Cluster): Iterable<KeyValue> {
  return [...cluster.keys.values()].map(({ key, value, modRevision }) => ({ key, value, modRevision }));
}

function keysThen(cluster: Cluster, revision: Revision): Iterable<KeyValue> {
  if (revision > cluster.revision)
    throw new OcicatError('invalid', `read revision "${revision}": the store is only at ${cluster.revision}`);
  checkNotCompacted(cluster, revision);
  const keys = new Map<string, KeyValue>();
  for (const event of cluster.log) {
    if (revisionOf(event) > revision) break;
    if (event.kind === 'put') keys.set(event.kv.key, event.kv);
    else keys.delete(event.key);
  }
  return keys.values();
}

function applyWrite(cluster: Cluster, write: Write, modRevision: Revision): void {
  if (write.kind === 'put') {
    const { key, value } = write;
    cluster.keys.set(key, { key, value, modRevision, lease: write.lease });
    cluster.log.push({ kind: 'put', kv: { key, value, modRevision } });
  } else if (cluster.keys.delete(write.key)) {
    cluster.log.push({ kind: 'delete', key: write.key, modRevision });
  }
}

/** All writes in one new revision; a transaction that changes nothing makes none. */
function applyWrites(cluster: Cluster, writes: readonly Write[]): void {
  const before = cluster.log.length;
  for (const write of writes) applyWrite(cluster, write, cluster.revision + 1);
  if (cluster.log.length > before) cluster.revision += 1;
}

function holds(cluster: Cluster, condition: Condition): boolean {
  return (cluster.keys.get(condition.key)?.modRevision ?? 0) === condition.modRevision;
}

function commitTo(cluster: Cluster, { conditions, writes }: Transaction): CommitResult {
  for (const write of writes)
    if (write.kind === 'put' && write.lease !== undefined && !cluster.leases.has(write.lease))
      throw new OcicatError('not-found', `commit transaction: lease "${write.lease}" does not exist`);
  if (conditions.every((condition) => holds(cluster, condition))) {
    applyWrites(cluster, writes);
    return { kind: 'committed', revision: cluster.revision };
  }
  const standing = new Map([...keysNow(cluster)].map((kv) => [kv.key, kv]));
  return { kind: 'conflict', revision: cluster.revision, current: conditions.map(({ key }) => standing.get(key)) };
}

function endLease(cluster: Cluster, lease: Lease): void {
  cluster.leases.delete(lease);
  const keys = [...cluster.keys.values()].filter((stored) => stored.lease === lease);
  applyWrites(
    cluster,
    keys.map(({ key }) => ({ kind: 'delete', key })),
  );
}

/** Keys compare as UTF-8 bytes, as etcd sorts them. */
function byKey(a: KeyValue, b: KeyValue): number {
  return Buffer.compare(Buffer.from(a.key), Buffer.from(b.key));
}

/** Opens an empty store. Stores do not share anything. */
export function openMemoryDatastore(): MemoryDatastore {
  let clusters = 1;
  let leases = 0;
  let available = true;
  let cluster = createCluster('memory-1');
  const wakers = new Set<() => void>();

  function wake(): void {
    for (const waker of [...wakers]) waker();
    wakers.clear();
  }

  /** Lets other work run, as a real round trip would, then hands out the cluster. */
  async function reach(signal?: AbortSignal): Promise<Cluster> {
    await Promise.resolve();
    if (signal?.aborted) throw new OcicatError('aborted', 'ask datastore "memory": aborted', { cause: signal.reason });
    if (!available) throw new OcicatError('unavailable', 'reach datastore "memory": it has been made unavailable');
    return cluster;
  }

  async function untilChanged(signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      wakers.add(resolve);
      signal.addEventListener('abort', () => resolve(), { once: true });
      if (signal.aborted) resolve();
    });
  }

  async function* watch(
    prefix: string,
    fromRevision: Revision,
    signal: AbortSignal,
    wantedCluster = cluster.name,
  ): AsyncGenerator<WatchBatch> {
    let next = fromRevision;
    let delivered = fromRevision - 1;
    while (!signal.aborted) {
      const at = await reach();
      if (at.name !== wantedCluster)
        throw new OcicatError('conflict', `watch "${prefix}": the cluster is "${at.name}", wanted "${wantedCluster}"`);
      checkNotCompacted(at, next);
      const { revision } = at;
      const events = at.log.filter((event) => revisionOf(event) >= next && keyOf(event).startsWith(prefix));
      next = Math.max(next, revision + 1);
      const isNews = events.length > 0 || revision > delivered;
      delivered = Math.max(delivered, revision);
      if (isNews) yield { revision, events };
      else if (at === cluster && at.revision === revision && available) await untilChanged(signal);
    }
  }

  return {
    watch,
    async get(key, signal) {
      const at = await reach(signal);
      const stored = at.keys.get(key);
      const kv = stored && { key, value: stored.value, modRevision: stored.modRevision };
      return { kv, revision: at.revision };
    },
    async list(prefix, options = {}, signal) {
      const at = await reach(signal);
      const all = options.revision === undefined ? keysNow(at) : keysThen(at, options.revision);
      const found = [...all].filter(({ key }) => key.startsWith(prefix)).sort(byKey);
      const kvs = options.keysOnly ? found.map((kv) => ({ ...kv, value: '' })) : found;
      return { kvs, revision: options.revision ?? at.revision, cluster: at.name };
    },
    async commit(transaction, signal) {
      checkTransaction(transaction);
      const result = commitTo(await reach(signal), transaction);
      wake();
      return result;
    },
    async openLease(_ttlSeconds, signal) {
      const at = await reach(signal);
      leases += 1;
      const lease = String(leases) as Lease;
      at.leases.add(lease);
      return lease;
    },
    disconnectFrom: () => undefined,
    async dropLease(lease) {
      endLease(await reach(), lease);
      wake();
    },
    async close() {
      available = false;
      wake();
    },
    compact(revision) {
      cluster.compacted = revision;
      wake();
    },
    replaceCluster() {
      clusters += 1;
      cluster = createCluster(`memory-${clusters}`);
      wake();
    },
    setAvailable(now) {
      available = now;
      wake();
    },
    expireLease(lease) {
      endLease(cluster, lease);
      wake();
    },
  };
}
