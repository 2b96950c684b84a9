// Durations as resources store them, in Go's notation: `90s` is kept as `1m30s`.
import { formatDurationNs, tryParseDurationNs } from '../../base/duration.ts';
import { parsedText } from '../../schema/scalars.ts';
import type { Scalar } from '../../schema/schema.ts';

const SECOND_NS = 1_000_000_000n;

function tryReadDuration(value: unknown): string | undefined {
  const ns = typeof value === 'string' ? tryParseDurationNs(value) : undefined;
  return ns === undefined ? undefined : formatDurationNs(ns);
}

/** A duration as a field holds it, in Go's own spelling. */
export const duration = parsedText('a duration such as 90s, 1m30s or 1h', tryReadDuration);

/** A duration of so many seconds, both ends included; the store may have any. */
export function durationWithin(minSeconds: number, maxSeconds: number): Scalar<string> {
  const holds = (ns: bigint) => ns >= BigInt(minSeconds) * SECOND_NS && ns <= BigInt(maxSeconds) * SECOND_NS;
  return {
    ...parsedText(`a duration from ${minSeconds}s to ${maxSeconds}s, such as 90s or 1m30s`, (value) => {
      const ns = tryParseDurationNs(value);
      return ns !== undefined && holds(ns) ? formatDurationNs(ns) : undefined;
    }),
    readStored: tryReadDuration,
  };
}
