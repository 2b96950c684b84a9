// The datastore port: an ordered key-value store with revisions, compare-and-swap transactions and watches.
// etcd (etcd/) and the in-memory store of the tests implement it and pass one contract suite (test/support/datastore).

/** etcd's 64-bit revision; a store that passes 2^53 is refused as corrupt. 0 means "absent" in conditions. */
export type Revision = number;

export interface KeyValue {
  readonly key: string;
  readonly value: string;
  /** Revision of the last write to this key. */
  readonly modRevision: Revision;
}

/** Holds when the key's modRevision is this one; 0 wants the key to be absent. */
export interface Condition {
  readonly key: string;
  readonly modRevision: Revision;
}

export type Write =
  | { readonly kind: 'put'; readonly key: string; readonly value: string; readonly lease?: Lease }
  | { readonly kind: 'delete'; readonly key: string };

/** At most MAX_TRANSACTION_WRITES conditions and writes each; no key written twice. */
export interface Transaction {
  readonly conditions: readonly Condition[];
  readonly writes: readonly Write[];
}

/** etcd's default `--max-txn-ops`. */
export const MAX_TRANSACTION_WRITES = 128;

export type CommitResult =
  | { readonly kind: 'committed'; readonly revision: Revision }
  /** Nothing was written; `current` holds what stands at each condition's key, in order, undefined where absent. */
  | { readonly kind: 'conflict'; readonly revision: Revision; readonly current: readonly (KeyValue | undefined)[] };

export type WatchEvent =
  | { readonly kind: 'put'; readonly kv: KeyValue }
  | { readonly kind: 'delete'; readonly key: string; readonly modRevision: Revision };

/**
 * All events of one or more whole revisions, in order. `revision` is the newest that the watcher has seen. Without events
 * it says that the watch is alive, and that the store has come to that revision.
 */
export interface WatchBatch {
  readonly revision: Revision;
  readonly events: readonly WatchEvent[];
}

declare const lease: unique symbol;
/** Opaque: a lease's id. */
export type Lease = string & { readonly [lease]: true };

export interface ListOptions {
  /** Read the past; throws `not-found` when it has been compacted. Default: now. */
  readonly revision?: Revision;
  /** Keys only, values empty. */
  readonly keysOnly?: boolean;
}

export interface Listing {
  readonly kvs: readonly KeyValue[];
  /** The store's revision at which all of it was read: a watch continues from the next one. */
  readonly revision: Revision;
  /** The cluster that answered; a store that was wiped or replaced has another one. */
  readonly cluster: string;
}

/**
 * Every method throws OcicatError: `unavailable` (no endpoint answers), `denied` (credentials), `aborted` (signal).
 * A commit that fails with `unavailable` may or may not have happened.
 */
export interface Datastore {
  get(key: string, signal?: AbortSignal): Promise<{ readonly kv: KeyValue | undefined; readonly revision: Revision }>;
  /** All keys that start with `prefix`, sorted by key, read in pages at one revision. */
  list(prefix: string, options?: ListOptions, signal?: AbortSignal): Promise<Listing>;
  /** Throws `invalid` for a transaction over the limits, `not-found` for a put with a lease that has run out. */
  commit(transaction: Transaction, signal?: AbortSignal): Promise<CommitResult>;
  /**
   * Events under `prefix` with modRevision ≥ fromRevision, without gaps or repeats, until aborted (then it ends; it does
   * not throw). Reconnects by itself. Throws `not-found` when fromRevision has been compacted, `conflict` when the
   * cluster is another one than before (or than `cluster`, from the listing) and `unavailable` when no endpoint takes it
   * for as long as a request may take: the caller lists again.
   */
  watch(prefix: string, fromRevision: Revision, signal: AbortSignal, cluster?: string): AsyncIterable<WatchBatch>;
  /**
   * A lease that is kept alive until dropLease or close; its keys vanish with dropLease, and `ttlSeconds` after close or
   * a crash. An outage longer than that ends it too: the holder notices at its next put and opens another one.
   */
  openLease(ttlSeconds: number, signal?: AbortSignal): Promise<Lease>;
  dropLease(lease: Lease): Promise<void>;
  /**
   * The host has lost addresses: a connection from one of them will never be answered, and is given up now instead of when
   * it is found to be silent. `isGone` is asked about the address that a connection is from.
   */
  disconnectFrom(isGone: (address: string) => boolean): void;
  close(): Promise<void>;
}
