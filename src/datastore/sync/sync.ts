// Follows everything below some prefixes through outages, compaction and a changed cluster, as differences only.
import { isOcicatError, OcicatError } from '../../base/errors.ts';
import { pause } from '../../sys/pause.ts';
import type { Datastore, Listing, Revision, WatchBatch } from '../port.ts';
import { mergeStreams } from './merge.ts';
import { STALL_MS, watchForStall } from './watchdog.ts';

/** A key that changed. `value` is undefined when it is gone; `modRevision` is then where that was seen. */
export interface SyncUpdate {
  readonly key: string;
  readonly value: string | undefined;
  readonly modRevision: Revision;
}

export type SyncMessage =
  /** While in sync in revision order, below each prefix; at most one update for a key in one message. */
  | { readonly kind: 'updates'; readonly updates: readonly SyncUpdate[] }
  /** All that stood in the store when this was asked for has been handed out. First, and after each `disconnected`. */
  | { readonly kind: 'in-sync' }
  /** The watches have seen everything up to this revision, or are alive and at it. */
  | { readonly kind: 'progress'; readonly revision: Revision }
  /**
   * The store is out of reach, or is not the one it was, or (`timeout`) goes on without telling us: what was handed out
   * stands until news come. Once an outage.
   */
  | { readonly kind: 'disconnected'; readonly error: OcicatError }
  /** Another store, or an earlier state of the same: what follows until `in-sync` counts whatever its revisions are. */
  | { readonly kind: 'replaced' };

/** Updates in one message: small enough that the consumer can yield to other work in between. */
const UPDATES_PER_MESSAGE = 1_000;
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5_000;

/** What has been handed out: each key with its revision. Values are the consumer's to keep. */
type Known = Map<string, Revision>;

function forgetKnown(known: Known, prefix: string, listing: Listing): SyncUpdate[] {
  const standing = new Set(listing.kvs.map(({ key }) => key));
  const gone = [...known.keys()].filter((key) => key.startsWith(prefix) && !standing.has(key));
  for (const key of gone) known.delete(key);
  return gone.map((key) => ({ key, value: undefined, modRevision: listing.revision }));
}

/** What a listing adds to what is known, deletions first. `known` follows. */
function takeListing(known: Known, prefix: string, listing: Listing, trusted: boolean): readonly SyncUpdate[] {
  const updates = forgetKnown(known, prefix, listing);
  for (const { key, value, modRevision } of listing.kvs) {
    // In another cluster an equal revision says nothing about the value.
    if (trusted && known.get(key) === modRevision) continue;
    known.set(key, modRevision);
    updates.push({ key, value, modRevision });
  }
  return updates;
}

/** The net effect of a watch's batch on each key, in the order of their last changes. `known` follows. */
function takeBatch(known: Known, batch: WatchBatch): readonly SyncUpdate[] {
  const latest = new Map<string, SyncUpdate>();
  for (const event of batch.events) {
    const update = event.kind === 'put' ? event.kv : { ...event, value: undefined };
    const { key, value, modRevision } = update;
    if ((known.get(key) ?? 0) >= modRevision) continue;
    latest.delete(key);
    latest.set(key, { key, value, modRevision });
  }
  for (const { key, value, modRevision } of latest.values())
    if (value === undefined) known.delete(key);
    else known.set(key, modRevision);
  return [...latest.values()];
}

function* inMessages(updates: readonly SyncUpdate[]): Generator<SyncMessage> {
  for (let at = 0; at < updates.length; at += UPDATES_PER_MESSAGE)
    yield { kind: 'updates', updates: updates.slice(at, at + UPDATES_PER_MESSAGE) };
}

interface Position {
  readonly prefix: string;
  /** Everything up to here has been handed out. */
  revision: Revision;
  readonly cluster: string;
}

/** What the slowest has reached. */
function reachedBy(positions: readonly Position[]): Revision {
  return Math.min(...positions.map(({ revision }) => revision));
}

interface Arrival {
  readonly position: Position;
  readonly batch: WatchBatch;
}

async function* watchFrom(datastore: Datastore, position: Position, signal: AbortSignal): AsyncGenerator<Arrival> {
  const { prefix, revision, cluster } = position;
  for await (const batch of datastore.watch(prefix, revision + 1, signal, cluster)) yield { position, batch };
}

function toError(error: unknown): OcicatError {
  return isOcicatError(error) ? error : new OcicatError('internal', 'follow datastore: failed', { cause: error });
}

/**
 * Everything below the prefixes (none within another): first what stands, then `in-sync`, then every change, until
 * aborted; it never throws for the store's sake. It takes no more from the store than the consumer takes from it. What
 * changed and changed again while the store was away is seen once, as it is in the end.
 */
export async function* openSync(
  datastore: Datastore,
  prefixes: readonly string[],
  signal: AbortSignal,
  stallMs = STALL_MS,
): AsyncGenerator<SyncMessage> {
  const known: Known = new Map();
  let cluster: string | undefined;
  let connected = true;
  let retryMs = FIRST_RETRY_MS;

  async function* relist(): AsyncGenerator<SyncMessage, readonly Position[]> {
    const positions: Position[] = [];
    for (const prefix of prefixes) {
      const listing = await datastore.list(prefix, {}, signal);
      const trusted = cluster === undefined || cluster === listing.cluster;
      if (!trusted && positions.length === 0) yield { kind: 'replaced' };
      positions.push({ prefix, revision: listing.revision, cluster: listing.cluster });
      yield* inMessages(takeListing(known, prefix, listing, trusted));
    }
    const [first] = positions;
    if (positions.some((position) => position.cluster !== first?.cluster))
      throw new OcicatError('conflict', 'list datastore: the store became another one in between');
    cluster = first?.cluster;
    return positions;
  }

  async function* followOnce(): AsyncGenerator<SyncMessage> {
    const positions = yield* relist();
    yield { kind: 'in-sync' };
    connected = true;
    retryMs = FIRST_RETRY_MS;
    let reached = reachedBy(positions);
    const open = (stop: AbortSignal): readonly AsyncIterable<Arrival>[] => [
      ...positions.map((position) => watchFrom(datastore, position, stop)),
      watchForStall(datastore, prefixes[0] ?? '', () => reached, stop, stallMs),
    ];
    for await (const { position, batch } of mergeStreams(open, signal)) {
      yield* inMessages(takeBatch(known, batch));
      position.revision = Math.max(position.revision, batch.revision);
      const now = reachedBy(positions);
      if (now > reached || batch.events.length === 0) yield { kind: 'progress', revision: now };
      reached = now;
    }
  }

  while (!signal.aborted) {
    try {
      yield* followOnce();
      if (!signal.aborted) throw new OcicatError('unavailable', 'watch datastore: the watch ended by itself');
    } catch (error) {
      if (signal.aborted) return;
      if (connected) yield { kind: 'disconnected', error: toError(error) };
      connected = false;
    }
    await pause(retryMs, signal);
    retryMs = Math.min(LAST_RETRY_MS, retryMs * 2);
  }
}
