// Tells when nothing has happened for a while after a burst of work, and then now and then until the next one; and now and
// then while the work does not stop.

export interface QuietTimer {
  /** Work has been done just now. */
  touch(): void;
  close(): void;
}

export interface QuietTimes {
  /** Without a touch for so long it is quiet. */
  readonly quietMs: number;
  /** Between two turns while it stays quiet. */
  readonly againMs: number;
  /** Between two turns at least while it never becomes quiet. */
  readonly busyMs: number;
}

/**
 * Calls `work('first')` when it has become quiet after a touch (the first touch is its making), or has not for too long;
 * and then `work('again')` while it stays quiet.
 */
export function createQuietTimer(times: QuietTimes, work: (turn: 'first' | 'again') => void): QuietTimer {
  const { quietMs, againMs, busyMs } = times;
  let timer = setTimeout(look, quietMs);
  let touchedAt = performance.now();
  let workedAt = touchedAt;
  let isQuiet = false;

  function look(): void {
    const now = performance.now();
    const restMs = touchedAt + quietMs - now;
    const isBusy = restMs > 1;
    timer = setTimeout(look, isBusy ? restMs : againMs);
    if (isBusy && now - workedAt < busyMs) return;
    workedAt = now;
    work(isQuiet ? 'again' : 'first');
    isQuiet = !isBusy;
  }

  return {
    touch() {
      touchedAt = performance.now();
      if (!isQuiet) return;
      isQuiet = false;
      clearTimeout(timer);
      timer = setTimeout(look, quietMs);
    },
    close: () => clearTimeout(timer),
  };
}
