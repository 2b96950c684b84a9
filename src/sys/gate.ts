// Something that work may have to wait for, and that opens and shuts again and again.
import { untilAborted } from './pause.ts';

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
