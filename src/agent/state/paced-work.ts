// Work that is due whenever something has changed, and takes the longer the more there is: changes that come while it would
// run all the time are taken together.

export interface PacedWork {
  /** Something has changed: works at once, or as soon as it has rested for as long as it worked last. */
  touch(): void;
  /** Works now, whatever it did before. Throws what the work throws. */
  run(): void;
  close(): void;
}

/** Shorter rests than a timer can measure are none. */
const LEAST_REST_MS = 1;
/** Nobody waits for longer, however long the work takes. */
const MAX_REST_MS = 500;

/** `failed` is called with what the work throws when it runs by itself, after a rest. */
export function createPacedWork(work: () => void, failed: (error: unknown) => void): PacedWork {
  let restUntilMs = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function close(): void {
    clearTimeout(timer);
    timer = undefined;
  }

  function run(): void {
    close();
    const startMs = performance.now();
    work();
    const endMs = performance.now();
    restUntilMs = endMs + Math.min(endMs - startMs, MAX_REST_MS);
  }

  function runLater(): void {
    try {
      run();
    } catch (error) {
      failed(error);
    }
  }

  return {
    touch() {
      if (timer !== undefined) return;
      const restMs = restUntilMs - performance.now();
      if (restMs < LEAST_REST_MS) run();
      else timer = setTimeout(runLater, restMs);
    },
    run,
    close,
  };
}
