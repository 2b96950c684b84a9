// Waiting that a signal can cut short: for a time, for work, and for a gate that opens and shuts again and again.
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

export interface Gate {
  isOpen(): boolean;
  open(): void;
  shut(): void;
  /** Throws `aborted`. */
  untilOpen(signal: AbortSignal): Promise<void>;
}

/** Begins open. */
export function createGate(): Gate {
  let shut: PromiseWithResolvers<void> | undefined;
  return {
    isOpen: () => shut === undefined,
    open() {
      shut?.resolve();
      shut = undefined;
    },
    shut() {
      shut ??= Promise.withResolvers<void>();
    },
    async untilOpen(signal) {
      while (shut !== undefined) await untilAborted(shut.promise, signal);
    },
  };
}
