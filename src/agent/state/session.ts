// One session with the store: follows it from an empty cluster state on, through outages and replacement, until told to stop.

import type { NodeCache } from '../../attach/endpoint/node-cache.ts';
import type { OcicatError } from '../../base/errors.ts';
import { AFFINITIES_PREFIX, BLOCKS_PREFIX, printKey, RESOURCES_PREFIX } from '../../datastore/keys.ts';
import type { Datastore } from '../../datastore/port.ts';
import { openSync, type SyncMessage } from '../../datastore/sync/sync.ts';
import type { StoreUpdate } from '../../ipam/commit.ts';
import type { Log } from '../../sys/log.ts';
import { createManualResetEvent } from '../../sys/pause.ts';
import { createEventDispatcher, type EventTargets } from './event-dispatcher.ts';
import { createPacedWork } from './paced-work.ts';
import { createProjection, type ProjectionTargets } from './projection.ts';

const FOLLOWED = [RESOURCES_PREFIX, BLOCKS_PREFIX, AFFINITIES_PREFIX, printKey({ kind: 'ipam-config' })];

export interface SessionContext extends EventTargets, ProjectionTargets {
  readonly dataplane: EventTargets['dataplane'] & ProjectionTargets['dataplane'];
  readonly workloads: ProjectionTargets['workloads'];
  readonly workloadPeers: ProjectionTargets['workloadPeers'];
  readonly datastore: Datastore;
  /** For so long it may be ahead of what has come of it. */
  readonly stallMs: number;
  readonly cache: NodeCache;
  /** Something has happened: this is no time to tidy up. */
  readonly touchIdle: () => void;
  /** Somebody has deleted a key, in the store that we follow. */
  readonly deleted: (key: string) => void;
  readonly log: Log;
}

export interface Session {
  /** Takes in what this agent itself has just written, so that it need not wait for the watch. */
  takeOwn(update: StoreUpdate): void;
  /** Brings the kernel to what is known, unless a part of a listing is still to come. */
  flush(): void;
  /** As flush, as soon as the listing is through. Throws `aborted`. */
  flushWhole(signal: AbortSignal): Promise<void>;
  /** Why the agent does not know what stands in the store now; undefined while it follows. */
  whyBehind(): string | undefined;
  /** `listener` is called when the store has been read, or its pools have changed: pods that it does not know may be written back. */
  onRead(listener: () => void): void;
  /** Runs until aborted. */
  run(signal: AbortSignal): Promise<void>;
}

export function createSession(context: SessionContext): Session {
  const { cache, log } = context;
  const listeners: (() => void)[] = [];
  const notifyRead = () => {
    for (const listener of listeners) listener();
  };
  const events = createEventDispatcher(context);
  const projection = createProjection(context, events, notifyRead);
  const listed = createManualResetEvent();
  let isInSync = false;
  /** The store that is being read is another one: what it lacks was not deleted by anybody. */
  let isReplaced = false;
  let behind: OcicatError | undefined;
  const failure = Promise.withResolvers<never>();
  const flushes = createPacedWork(() => {
    if (listed.isSet()) projection.flush();
  }, failure.reject);

  /** Half of a listing says nothing about the whole: its other half may hold what denies. */
  function takeUpdates(updates: readonly StoreUpdate[]): void {
    context.touchIdle();
    if (!isInSync) listed.reset();
    for (const update of updates) {
      cache.apply(update);
      events.dispatch(update);
      if (update.value === undefined && !isReplaced) context.deleted(update.key);
    }
    flushes.touch();
  }

  function takeInSync(): void {
    isInSync = true;
    isReplaced = false;
    if (behind?.code !== 'timeout') behind = undefined;
    listed.set();
    projection.restore();
    cache.setInSync(true);
    notifyRead();
    log.info('in step with the datastore');
  }

  function takeDisconnected(error: OcicatError): void {
    isInSync = false;
    behind = error;
    if (error.code === 'timeout') log.error('the datastore is not followed; it is read again', error);
    else log.warn('the datastore does not answer; everything stays as it is until it does', error);
  }

  function takeReplaced(): void {
    isReplaced = true;
    listed.reset();
    events.forgetRevisions();
    cache.setInSync(false);
    log.warn('the datastore is another one than before, or an earlier state of it; all of it is read again');
  }

  function takeProgress(): void {
    if (behind !== undefined) log.info('the datastore is followed again');
    behind = undefined;
  }

  function take(message: SyncMessage): void {
    if (message.kind === 'updates') takeUpdates(message.updates);
    else if (message.kind === 'in-sync') takeInSync();
    else if (message.kind === 'progress') takeProgress();
    else if (message.kind === 'disconnected') takeDisconnected(message.error);
    else takeReplaced();
  }

  async function follow(signal: AbortSignal): Promise<void> {
    for await (const message of openSync(context.datastore, FOLLOWED, signal, context.stallMs)) take(message);
  }

  return {
    takeOwn(update) {
      context.touchIdle();
      events.dispatch(update);
    },
    flush: flushes.run,
    async flushWhole(signal) {
      await listed.wait(signal);
      flushes.run();
    },
    whyBehind: () => behind?.message,
    onRead: (listener) => void listeners.push(listener),
    async run(signal) {
      try {
        await Promise.race([follow(signal), failure.promise]);
      } finally {
        flushes.close();
      }
    },
  };
}
