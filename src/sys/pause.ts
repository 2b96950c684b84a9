// Waiting that a signal can cut short: for a time, for work, and for a state that comes and goes.
import { OcicatError } from '../base/errors.ts';

/** Resolves after the time, or early when the signal fires. */
export function pause(timeMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, timeMs);
    signal.addEventListener('abort', done);
    if (signal.aborted) done();
  });
}

/** The promise's outcome, or `aborted` as soon as the signal fires; the work itself goes on. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(new OcicatError('aborted', 'ask datastore: aborted', { cause: signal.reason }));
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

/** A state to wait for, which is set and reset any number of times. */
export interface ManualResetEvent {
  isSet(): boolean;
  set(): void;
  reset(): void;
  /** Returns while it is set. Throws `aborted`. */
  wait(signal: AbortSignal): Promise<void>;
}

/** Begins reset. */
export function createManualResetEvent(): ManualResetEvent {
  let waiting: PromiseWithResolvers<void> | undefined = Promise.withResolvers<void>();
  return {
    isSet: () => waiting === undefined,
    set() {
      waiting?.resolve();
      waiting = undefined;
    },
    reset() {
      waiting ??= Promise.withResolvers<void>();
    },
    async wait(signal) {
      while (waiting !== undefined) await untilAborted(waiting.promise, signal);
    },
  };
}
