// Does something once after every burst of work, when nothing has happened for a while.

export interface QuietTimer {
  /** Work has been done just now. */
  touch(): void;
  close(): void;
}

/** Calls `work` when `quietMs` have passed since the last touch; the first touch is its making. */
export function createQuietTimer(quietMs: number, work: () => void): QuietTimer {
  let timer: ReturnType<typeof setTimeout> | undefined = setTimeout(run, quietMs);
  let touchedAt = performance.now();

  function run(): void {
    const restMs = touchedAt + quietMs - performance.now();
    timer = restMs > 1 ? setTimeout(run, restMs) : undefined;
    if (timer === undefined) work();
  }

  return {
    touch() {
      touchedAt = performance.now();
      timer ??= setTimeout(run, quietMs);
    },
    close() {
      clearTimeout(timer);
      timer = undefined;
    },
  };
}
