// Durations in Go's notation, as resources store them: `90s` is kept as `1m30s`.
import { parsedText } from '../../schema/scalars.ts';
import type { Scalar } from '../../schema/schema.ts';

const unitNs: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};
const MAX_NS = 2n ** 63n - 1n;
const SECOND_NS = 1_000_000_000n;

/** Nanoseconds, up to 2^63-1 either way; undefined for anything that Go's time.ParseDuration refuses. */
export function tryParseDurationNs(text: string): bigint | undefined {
  const match = /^([+-]?)((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)$/.exec(text);
  if (match === null) return /^[+-]?0$/.test(text) ? 0n : undefined;
  let total = 0n;
  for (const [, whole = '', fraction = '', unit = ''] of (match[2] ?? '').matchAll(/(\d*)(?:\.(\d*))?([a-zµμ]+)/g)) {
    const ns = unitNs[unit] ?? 0n;
    const digits = fraction.slice(0, 18);
    total += BigInt(whole === '' ? '0' : whole) * ns + (BigInt(`0${digits}`) * ns) / 10n ** BigInt(digits.length);
  }
  if (total > MAX_NS) return undefined;
  return match[1] === '-' ? -total : total;
}

function withFraction(value: bigint, unit: bigint, name: string): string {
  const fraction = (value % unit)
    .toString()
    .padStart(unit.toString().length - 1, '0')
    .replace(/0+$/, '');
  return `${value / unit}${fraction === '' ? '' : `.${fraction}`}${name}`;
}

/** Go's Duration.String: `1h0m0s`, `1m30s`, `1.5ms`, `0s`. */
export function formatDurationNs(ns: bigint): string {
  if (ns < 0n) return `-${formatDurationNs(-ns)}`;
  if (ns === 0n) return '0s';
  if (ns < 1_000n) return `${ns}ns`;
  if (ns < 1_000_000n) return withFraction(ns, 1_000n, 'µs');
  if (ns < 1_000_000_000n) return withFraction(ns, 1_000_000n, 'ms');
  const hours = ns / 3_600_000_000_000n;
  const minutes = (ns / 60_000_000_000n) % 60n;
  const seconds = withFraction(ns % 60_000_000_000n, 1_000_000_000n, 's');
  if (hours > 0n) return `${hours}h${minutes}m${seconds}`;
  return minutes > 0n ? `${minutes}m${seconds}` : seconds;
}

/** Milliseconds of a duration that a parsed resource holds, such as `1m30s`; undefined for text that is none. */
export function tryParseDurationMs(text: string): number | undefined {
  const ns = tryParseDurationNs(text);
  return ns === undefined ? undefined : Number(ns) / 1_000_000;
}

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
