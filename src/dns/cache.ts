// Answers of others, remembered for as long as they say, in a bounded number of bytes: what was asked for longest ago goes first.

interface Kept {
  readonly answer: Uint8Array;
  readonly sinceMs: number;
  readonly untilMs: number;
}

interface Remembered {
  readonly answer: Uint8Array;
  readonly ageSeconds: number;
}

export interface AnswerCache {
  find(key: string, nowMs: number): Remembered | undefined;
  keep(key: string, answer: Uint8Array, seconds: number, nowMs: number): void;
  bytes(): number;
}

/** What an entry takes besides its key and its answer, about. */
const ENTRY_BYTES = 200;

export function createAnswerCache(maxBytes: number): AnswerCache {
  /** In the order in which they were last asked for. */
  const entries = new Map<string, Kept>();
  let bytes = 0;
  const sizeOf = (key: string, { answer }: Kept) => key.length + answer.length + ENTRY_BYTES;

  function drop(key: string): void {
    const kept = entries.get(key);
    if (kept === undefined) return;
    entries.delete(key);
    bytes -= sizeOf(key, kept);
  }

  function put(key: string, kept: Kept): void {
    entries.set(key, kept);
    bytes += sizeOf(key, kept);
    for (const oldest of entries.keys()) {
      if (bytes <= maxBytes) return;
      drop(oldest);
    }
  }

  return {
    find(key, nowMs) {
      const kept = entries.get(key);
      if (kept === undefined) return undefined;
      drop(key);
      if (nowMs >= kept.untilMs || nowMs < kept.sinceMs) return undefined;
      put(key, kept);
      return { answer: kept.answer, ageSeconds: Math.floor((nowMs - kept.sinceMs) / 1000) };
    },
    keep(key, answer, seconds, nowMs) {
      drop(key);
      if (seconds > 0) put(key, { answer, sinceMs: nowMs, untilMs: nowMs + seconds * 1000 });
    },
    bytes: () => bytes,
  };
}
