// A watch that outlives its connections: it goes on after the last revision that it has handed out.
import { describeError, OcicatError } from '../../base/errors.ts';
import { pause } from '../../sys/pause.ts';
import type { Revision, WatchBatch, WatchEvent } from '../port.ts';
import type { TokenSource } from './auth.ts';
import type { ClusterIdentity, Witnessed } from './cluster-identity.ts';
import type { MessageStream, StreamEnd } from './connection.ts';
import { computePauseMs, type EndpointPool } from './endpoints.ts';
import { decodeWatch, encodeWatchCreate, WATCH, type WatchAnswer } from './messages.ts';
import { wantsNewToken } from './status.ts';
import { createProgressQuestions } from './watch-progress.ts';

export interface WatchContext {
  readonly pool: EndpointPool;
  readonly tokens: TokenSource;
  readonly identity: ClusterIdentity;
  /** Asks the cluster, by way of a quorum, whether its history is the one that was seen, so that `identity` knows. */
  verify(signal: AbortSignal): Promise<void>;
  /** For how long it may fail to reach a server before it gives up. */
  readonly outageMs: number;
}

/** So often each stream is asked how far it has come. */
const PROGRESS_INTERVAL_MS = 5_000;

interface WatchPosition {
  /** The first revision not yet handed out. */
  next: Revision;
  /** Since when no server answers, by the monotonic clock; undefined while one does. */
  outageSinceMs: number | undefined;
  /** Failures since a server last answered. */
  failures: number;
  /** The cluster that `next` belongs to. */
  cluster: string;
}

/** Why one stream ended without being aborted. */
type StreamOutcome = { readonly kind: 'again'; readonly reason: string } | { readonly kind: 'new-token' };

function revisionOf(event: WatchEvent): Revision {
  return event.kind === 'put' ? event.kv.modRevision : event.modRevision;
}

function witnessedBy(event: WatchEvent): Witnessed {
  return event.kind === 'put' ? event.kv : { key: event.key, value: undefined, modRevision: event.modRevision };
}

/** Throws `conflict` when what answers is not the store that the watch began with; a new watch is asked for its past. */
async function checkIdentity(
  context: WatchContext,
  prefix: string,
  position: WatchPosition,
  { header }: WatchAnswer,
  isNew: boolean,
  signal: AbortSignal,
): Promise<void> {
  context.identity.follow(header);
  if (isNew) await context.verify(signal);
  if (position.cluster === 'unknown') position.cluster = context.identity.name();
  if (position.cluster === context.identity.name()) return;
  throw new OcicatError('conflict', `watch "${prefix}": the store is another one than before`);
}

/** Throws for what a new attempt does not help against. */
function judgeCancel(
  context: WatchContext,
  prefix: string,
  token: string | undefined,
  answer: WatchAnswer,
): StreamOutcome {
  if (answer.compactRevision > 0)
    throw new OcicatError(
      'not-found',
      `watch "${prefix}": the revision asked for is compacted, the oldest kept is ${answer.compactRevision}`,
    );
  const reason = answer.cancelReason || 'cancelled by the server';
  if (!/permission denied|auth/i.test(reason)) return { kind: 'again', reason };
  if (context.tokens.forget(token)) return { kind: 'new-token' };
  throw new OcicatError('denied', `watch "${prefix}": ${reason}`);
}

function judgeEnd(context: WatchContext, token: string | undefined, end: StreamEnd): StreamOutcome {
  if (end.kind === 'lost')
    return { kind: 'again', reason: end.cause === undefined ? 'the connection broke' : describeError(end.cause) };
  if (wantsNewToken(end.status) && context.tokens.forget(token)) return { kind: 'new-token' };
  return { kind: 'again', reason: end.status.message || end.status.code };
}

/** Hands out what one stream brings, moving `position` on. A revision cut into fragments comes out whole. */
async function* follow(
  context: WatchContext,
  prefix: string,
  position: WatchPosition,
  stream: MessageStream,
  token: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<WatchBatch, StreamOutcome> {
  const messages = stream.receive();
  stream.send(encodeWatchCreate(prefix, position.next));
  const questions = createProgressQuestions(stream, prefix);
  questions.ask();
  const timer = setInterval(questions.ask, PROGRESS_INTERVAL_MS);
  let fragments: WatchEvent[] = [];
  try {
    for (;;) {
      const step = await messages.next();
      if (step.done) return judgeEnd(context, token, step.value);
      const answer = decodeWatch(step.value);
      const subject = questions.subjectOf(answer);
      if (subject === 'nothing') continue;
      if (answer.canceled && subject === 'watch') return judgeCancel(context, prefix, token, answer);
      const isNew = answer.created && subject === 'watch';
      await checkIdentity(context, prefix, position, answer, isNew, signal);
      position.outageSinceMs = undefined;
      position.failures = 0;
      fragments.push(...answer.events);
      if (answer.fragment) continue;
      const events = fragments.filter((event) => revisionOf(event) >= position.next);
      fragments = [];
      const newest = events.at(-1);
      if (newest !== undefined) {
        position.next = revisionOf(newest) + 1;
        context.identity.witness(witnessedBy(newest));
        yield { revision: revisionOf(newest), events };
      } else if (!isNew) {
        // The watch's own notice says that all up to its revision has been sent; the stream's answer may overtake events.
        if (subject === 'watch') position.next = Math.max(position.next, answer.header.revision + 1);
        yield { revision: answer.header.revision, events };
      }
    }
  } finally {
    clearInterval(timer);
    await messages.return({ kind: 'lost', sent: true, cause: undefined });
  }
}

/** One connection's worth of the watch. */
async function* attempt(
  context: WatchContext,
  prefix: string,
  position: WatchPosition,
  signal: AbortSignal,
): AsyncGenerator<WatchBatch, StreamOutcome> {
  const connection = await context.pool.connection(signal);
  const token = await context.tokens.token(connection, signal);
  const stream = connection.openStream(WATCH, token, signal);
  const outcome = yield* follow(context, prefix, position, stream, token, signal);
  if (outcome.kind === 'again' && position.failures > 0) context.pool.disconnect(connection);
  return outcome;
}

function isRetriable(error: unknown): error is OcicatError {
  return error instanceof OcicatError && error.code === 'unavailable';
}

/** As Datastore.watch says. */
export async function* watchPrefix(
  context: WatchContext,
  prefix: string,
  fromRevision: Revision,
  signal: AbortSignal,
  cluster: string,
): AsyncGenerator<WatchBatch> {
  const position: WatchPosition = { next: fromRevision, outageSinceMs: undefined, failures: 0, cluster };
  let tokenRefused = false;
  while (!signal.aborted) {
    let reason: string;
    position.outageSinceMs ??= performance.now();
    try {
      const outcome = yield* attempt(context, prefix, position, signal);
      if (outcome.kind === 'new-token' && tokenRefused)
        throw new OcicatError('denied', `watch "${prefix}": permission denied`);
      tokenRefused = outcome.kind === 'new-token';
      reason = outcome.kind === 'again' ? outcome.reason : 'the token was refused';
    } catch (error) {
      if (signal.aborted) return;
      if (!isRetriable(error)) throw error;
      reason = describeError(error);
    }
    if (signal.aborted) return;
    position.outageSinceMs ??= performance.now();
    if (performance.now() - position.outageSinceMs > context.outageMs)
      throw new OcicatError('unavailable', `watch "${prefix}": ${reason}`);
    await pause(computePauseMs(position.failures, Math.random()), signal);
    position.failures += 1;
  }
}
