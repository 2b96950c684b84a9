// Tells when nothing has happened for a while after a burst of work, and then now and then until the next one; and now and
// then while the work does not stop.

export interface IdleTimer {
  /** Work has been done just now. */
  touch(): void;
  close(): void;
}

export interface IdleTimes {
  /** Without a touch for so long it is idle. */
  readonly idleMs: number;
  /** Between two turns while it stays idle. */
  readonly againMs: number;
  /** Between two turns at least while it never becomes idle. */
  readonly busyMs: number;
}

/**
 * Calls `work('first')` when it has become idle after a touch (the first touch is its making), or has not for too long;
 * and then `work('again')` while it stays idle.
 */
export function createIdleTimer(times: IdleTimes, work: (turn: 'first' | 'again') => void): IdleTimer {
  const { idleMs, againMs, busyMs } = times;
  let timer = setTimeout(look, idleMs);
  let touchedAt = performance.now();
  let workedAt = touchedAt;
  let isIdle = false;

  function look(): void {
    const now = performance.now();
    const restMs = touchedAt + idleMs - now;
    const isBusy = restMs > 1;
    timer = setTimeout(look, isBusy ? restMs : againMs);
    if (isBusy && now - workedAt < busyMs) return;
    workedAt = now;
    work(isIdle ? 'again' : 'first');
    isIdle = !isBusy;
  }

  return {
    touch() {
      touchedAt = performance.now();
      if (!isIdle) return;
      isIdle = false;
      clearTimeout(timer);
      timer = setTimeout(look, idleMs);
    },
    close: () => clearTimeout(timer),
  };
}
