// etcd's v3 requests and responses that the store uses (etcd api/etcdserverpb/rpc.proto, api/mvccpb/kv.proto).
import type { KeyValue, Lease, Revision, Transaction, WatchEvent, Write } from '../port.ts';
import {
  decodeMessage,
  delimitedField,
  encodeMessage,
  type Readers,
  readBoolean,
  readBytes,
  readNumber,
  readSigned,
  readText,
  readUnsigned,
  varintField,
} from './protobuf.ts';

export const RANGE = '/etcdserverpb.KV/Range';
export const TXN = '/etcdserverpb.KV/Txn';
export const WATCH = '/etcdserverpb.Watch/Watch';
export const LEASE_GRANT = '/etcdserverpb.Lease/LeaseGrant';
export const LEASE_REVOKE = '/etcdserverpb.Lease/LeaseRevoke';
export const LEASE_KEEP_ALIVE = '/etcdserverpb.Lease/LeaseKeepAlive';
export const AUTHENTICATE = '/etcdserverpb.Auth/Authenticate';

/** In every response: who answered, and at which revision. */
export interface Header {
  clusterId: bigint;
  revision: Revision;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const headerReaders: Readers<Header> = {
  1: varintField((into, cursor) => {
    into.clusterId = readUnsigned(cursor);
  }),
  3: varintField((into, cursor) => {
    into.revision = readNumber(cursor);
  }),
};

function decodeHeader(bytes: Buffer): Header {
  return decodeMessage(bytes, { clusterId: 0n, revision: 0 }, headerReaders);
}

function headerField<T extends { header: Header }>(): Readers<T>[number] {
  return delimitedField((into, cursor) => {
    into.header = decodeHeader(readBytes(cursor));
  });
}

const noHeader = (): Header => ({ clusterId: 0n, revision: 0 });

const keyValueReaders: Readers<Mutable<KeyValue>> = {
  1: delimitedField((into, cursor) => {
    into.key = readText(cursor);
  }),
  3: varintField((into, cursor) => {
    into.modRevision = readNumber(cursor);
  }),
  5: delimitedField((into, cursor) => {
    into.value = readText(cursor);
  }),
};

function decodeKeyValue(bytes: Buffer): KeyValue {
  return decodeMessage<Mutable<KeyValue>>(bytes, { key: '', value: '', modRevision: 0 }, keyValueReaders);
}

/** The end of the range of all keys with a prefix: the prefix with its last byte counted up; `\0` means "no end". */
export function computeRangeEnd(prefix: string): Buffer {
  const end = Buffer.from(prefix);
  for (let at = end.length - 1; at >= 0; at -= 1) {
    const byte = end[at] ?? 255;
    if (byte === 255) continue;
    end[at] = byte + 1;
    return end.subarray(0, at + 1);
  }
  return Buffer.from([0]);
}

export interface RangeQuery {
  /** First key; empty is not allowed by etcd: `\0` is the least one. */
  readonly key: string;
  /** Exclusive; undefined reads the one key. */
  readonly rangeEnd?: Buffer;
  /** 0 is no limit. */
  readonly limit?: number;
  readonly revision?: Revision;
  readonly keysOnly?: boolean;
}

export function encodeRange(query: RangeQuery): Buffer {
  return encodeMessage([1, query.key], [2, query.rangeEnd], [3, query.limit], [4, query.revision], [8, query.keysOnly]);
}

export interface RangeAnswer {
  header: Header;
  readonly kvs: KeyValue[];
  more: boolean;
}

const rangeReaders: Readers<RangeAnswer> = {
  1: headerField(),
  2: delimitedField((into, cursor) => {
    into.kvs.push(decodeKeyValue(readBytes(cursor)));
  }),
  3: varintField((into, cursor) => {
    into.more = readBoolean(cursor);
  }),
};

export function decodeRange(bytes: Buffer): RangeAnswer {
  return decodeMessage<RangeAnswer>(bytes, { header: noHeader(), kvs: [], more: false }, rangeReaders);
}

/** A lease's id travels as int64 and is text outside. */
export function formatLease(id: bigint): Lease {
  return id.toString() as Lease;
}

function encodeWrite(write: Write): Buffer {
  if (write.kind === 'delete') return encodeMessage([3, encodeMessage([1, write.key])]);
  const lease = write.lease === undefined ? undefined : BigInt(write.lease);
  return encodeMessage([2, encodeMessage([1, write.key], [2, write.value], [3, lease])]);
}

/** Compare target MOD (2), result EQUAL (0, left out). An absent key has mod revision 0. */
function encodeCondition(key: string, modRevision: Revision): Buffer {
  return encodeMessage([2, 2], [3, key], [6, modRevision]);
}

/** If all conditions hold all writes, else a read of each condition's key, in order. */
export function encodeTransaction({ conditions, writes }: Transaction): Buffer {
  return encodeMessage(
    ...conditions.map(({ key, modRevision }) => [1, encodeCondition(key, modRevision)] as const),
    ...writes.map((write) => [2, encodeWrite(write)] as const),
    ...conditions.map(({ key }) => [3, encodeMessage([1, encodeRange({ key })])] as const),
  );
}

export interface TransactionAnswer {
  header: Header;
  succeeded: boolean;
  /** The keys read when it did not succeed. */
  readonly ranges: RangeAnswer[];
}

const operationReaders: Readers<RangeAnswer[]> = {
  1: delimitedField((into, cursor) => {
    into.push(decodeRange(readBytes(cursor)));
  }),
};

const transactionReaders: Readers<TransactionAnswer> = {
  1: headerField(),
  2: varintField((into, cursor) => {
    into.succeeded = readBoolean(cursor);
  }),
  3: delimitedField((into, cursor) => {
    decodeMessage(readBytes(cursor), into.ranges, operationReaders);
  }),
};

export function decodeTransaction(bytes: Buffer): TransactionAnswer {
  const empty: TransactionAnswer = { header: noHeader(), succeeded: false, ranges: [] };
  return decodeMessage(bytes, empty, transactionReaders);
}

/** Asks a watch's stream how far it has come. Servers before etcd 3.4 do nothing. */
export const WATCH_PROGRESS_REQUEST = encodeMessage([3, encodeMessage()]);

/** Watches a prefix; with progress notices while it is quiet, and with answers cut when they grow over 1.5 MB. */
export function encodeWatchCreate(prefix: string, startRevision: Revision): Buffer {
  const key = prefix === '' ? '\0' : prefix;
  return encodeMessage([
    1,
    encodeMessage([1, key], [2, computeRangeEnd(prefix)], [3, startRevision], [4, true], [8, true]),
  ]);
}

export function encodeWatchCancel(watchId: bigint): Buffer {
  return encodeMessage([2, encodeMessage([1, watchId])]);
}

export interface WatchAnswer {
  header: Header;
  /** Which watch of the stream it is about; -1 when it is about all, as the answer to WATCH_PROGRESS_REQUEST. */
  watchId: bigint;
  created: boolean;
  canceled: boolean;
  /** When the start was compacted: the oldest revision that is kept. */
  compactRevision: Revision;
  cancelReason: string;
  /** More of the same revisions follows. */
  fragment: boolean;
  readonly events: WatchEvent[];
}

interface RawEvent {
  deleted: boolean;
  kv: KeyValue;
}

const eventReaders: Readers<RawEvent> = {
  1: varintField((into, cursor) => {
    into.deleted = readNumber(cursor) === 1;
  }),
  2: delimitedField((into, cursor) => {
    into.kv = decodeKeyValue(readBytes(cursor));
  }),
};

function decodeEvent(bytes: Buffer): WatchEvent {
  const empty: RawEvent = { deleted: false, kv: { key: '', value: '', modRevision: 0 } };
  const { deleted, kv } = decodeMessage(bytes, empty, eventReaders);
  return deleted ? { kind: 'delete', key: kv.key, modRevision: kv.modRevision } : { kind: 'put', kv };
}

const watchReaders: Readers<WatchAnswer> = {
  1: headerField(),
  2: varintField((into, cursor) => {
    into.watchId = readSigned(cursor);
  }),
  3: varintField((into, cursor) => {
    into.created = readBoolean(cursor);
  }),
  4: varintField((into, cursor) => {
    into.canceled = readBoolean(cursor);
  }),
  5: varintField((into, cursor) => {
    into.compactRevision = readNumber(cursor);
  }),
  6: delimitedField((into, cursor) => {
    into.cancelReason = readText(cursor);
  }),
  7: varintField((into, cursor) => {
    into.fragment = readBoolean(cursor);
  }),
  11: delimitedField((into, cursor) => {
    into.events.push(decodeEvent(readBytes(cursor)));
  }),
};

export function decodeWatch(bytes: Buffer): WatchAnswer {
  const empty: WatchAnswer = {
    header: noHeader(),
    watchId: 0n,
    created: false,
    canceled: false,
    compactRevision: 0,
    cancelReason: '',
    fragment: false,
    events: [],
  };
  return decodeMessage(bytes, empty, watchReaders);
}

export function encodeLeaseGrant(ttlSeconds: number): Buffer {
  return encodeMessage([1, ttlSeconds]);
}

/** Revoke and keep-alive have the same request. */
export function encodeLeaseId(lease: Lease): Buffer {
  return encodeMessage([1, BigInt(lease)]);
}

export interface LeaseAnswer {
  header: Header;
  id: bigint;
  /** 0 when a kept-alive lease is gone. */
  ttlSeconds: number;
}

const leaseReaders: Readers<LeaseAnswer> = {
  1: headerField(),
  2: varintField((into, cursor) => {
    into.id = readSigned(cursor);
  }),
  3: varintField((into, cursor) => {
    into.ttlSeconds = Number(readSigned(cursor));
  }),
};

/** The answer to a grant and to a keep-alive. */
export function decodeLease(bytes: Buffer): LeaseAnswer {
  return decodeMessage(bytes, { header: noHeader(), id: 0n, ttlSeconds: 0 }, leaseReaders);
}

export function encodeAuthenticate(name: string, password: string): Buffer {
  return encodeMessage([1, name], [2, password]);
}

const authenticateReaders: Readers<{ token: string }> = {
  2: delimitedField((into, cursor) => {
    into.token = readText(cursor);
  }),
};

export function decodeAuthenticate(bytes: Buffer): string {
  return decodeMessage(bytes, { token: '' }, authenticateReaders).token;
}
