// Tells when nothing has happened for a while after a burst of work, and then now and then until the next one.

export interface QuietTimer {
  /** Work has been done just now. */
  touch(): void;
  close(): void;
}

/**
 * Calls `work('first')` when `quietMs` have passed since the last touch (the first touch is its making), and then
 * `work('again')` each `againMs` until the next touch.
 */
export function createQuietTimer(
  quietMs: number,
  againMs: number,
  work: (turn: 'first' | 'again') => void,
): QuietTimer {
  let timer = setTimeout(look, quietMs);
  let touchedAt = performance.now();
  let isQuiet = false;

  function look(): void {
    const restMs = touchedAt + quietMs - performance.now();
    timer = setTimeout(look, restMs > 1 ? restMs : againMs);
    if (restMs > 1) return;
    work(isQuiet ? 'again' : 'first');
    isQuiet = true;
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
