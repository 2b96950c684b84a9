// Durations in Go's notation: `1m30s`, `1.5h`, `100ms` (Go's package time, ParseDuration and Duration.String).

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

/** Milliseconds, with a fraction; undefined where tryParseDurationNs is. */
export function tryParseDurationMs(text: string): number | undefined {
  const ns = tryParseDurationNs(text);
  return ns === undefined ? undefined : Number(ns) / 1_000_000;
}
