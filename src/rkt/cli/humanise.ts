// Times, durations and sizes as rkt shows them: humanised for people, Go's layouts for programs.
import { OcicatError } from '../../base/errors.ts';

const SECOND = 1;
const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const WEEK = 7 * DAY;
const MONTH = 30 * DAY;
const YEAR = 12 * MONTH;

/** Upper bounds in seconds, and the words below each; `unit` divides the age. Source: go-humanize times.go. */
const magnitudes: readonly (readonly [below: number, words: string, unit: number])[] = [
  [SECOND, 'now', 1],
  [2 * SECOND, '1 second', 1],
  [MINUTE, 'N seconds', SECOND],
  [2 * MINUTE, '1 minute', 1],
  [HOUR, 'N minutes', MINUTE],
  [2 * HOUR, '1 hour', 1],
  [DAY, 'N hours', HOUR],
  [2 * DAY, '1 day', 1],
  [WEEK, 'N days', DAY],
  [2 * WEEK, '1 week', 1],
  [MONTH, 'N weeks', WEEK],
  [2 * MONTH, '1 month', 1],
  [YEAR, 'N months', MONTH],
  [18 * MONTH, '1 year', 1],
  [2 * YEAR, '2 years', 1],
  [37 * YEAR, 'N years', YEAR],
];

/** `11 seconds ago`, `2 minutes from now`, `now`; `a long while ago` for an unknown time or one 37 years away. */
export function formatAge(timeMs: number | undefined, nowMs: number): string {
  if (timeMs === undefined) return 'a long while ago';
  const direction = timeMs <= nowMs ? 'ago' : 'from now';
  const seconds = Math.trunc(Math.abs(nowMs - timeMs) / 1000);
  const row = magnitudes.find(([below]) => seconds < below);
  if (row === undefined) return `a long while ${direction}`;
  const [, words, unit] = row;
  return words === 'now' ? words : `${words.replace('N', String(Math.trunc(seconds / unit)))} ${direction}`;
}

function digits(value: number, width: number): string {
  return String(value).padStart(width, '0');
}

/**
 * Go's layout `2006-01-02 15:04:05.999 -0700 MST` in local time; the zero time when unknown. A zone other than UTC is
 * named by its offset, as Go names a zone that has no abbreviation.
 */
export function printTime(timeMs: number | undefined): string {
  if (timeMs === undefined) return '0001-01-01 00:00:00 +0000 UTC';
  const time = new Date(timeMs);
  const east = -time.getTimezoneOffset();
  const offset = `${east < 0 ? '-' : '+'}${digits(Math.trunc(Math.abs(east) / 60), 2)}${digits(Math.abs(east) % 60, 2)}`;
  const fraction = digits(time.getMilliseconds(), 3).replace(/0+$/, '');
  const day = `${digits(time.getFullYear(), 4)}-${digits(time.getMonth() + 1, 2)}-${digits(time.getDate(), 2)}`;
  const clock = `${digits(time.getHours(), 2)}:${digits(time.getMinutes(), 2)}:${digits(time.getSeconds(), 2)}`;
  return `${day} ${clock}${fraction === '' ? '' : `.${fraction}`} ${offset} ${east === 0 ? 'UTC' : offset}`;
}

/** `12B`, `1.2MiB`, `143MiB`: binary units, one decimal below ten. Source: go-humanize bytes.go. */
export function formatSize(sizeBytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];
  if (sizeBytes < 10) return `${sizeBytes}B`;
  const step = Math.min(Math.floor(Math.log(sizeBytes) / Math.log(1024)), units.length - 1);
  const value = Math.floor((sizeBytes / 1024 ** step) * 10 + 0.5) / 10;
  return `${value < 10 ? value.toFixed(1) : value.toFixed(0)}${units[step] ?? ''}`;
}

const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** Milliseconds of a Go duration: `30m`, `1h30m`, `1.5s`, `0`; undefined if it is not one or is negative. */
export function tryParseDuration(text: string): number | undefined {
  if (text === '0') return 0;
  if (!/^\+?(\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)((\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))*$/.test(text)) return;
  let sumMs = 0;
  for (const [, value, unit] of text.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g)) {
    sumMs += Number(value) * (unitMs[unit ?? ''] ?? 0);
  }
  return sumMs;
}

/** Throws `invalid` for what tryParseDuration does not understand. */
export function parseDuration(text: string): number {
  const durationMs = tryParseDuration(text);
  if (durationMs === undefined) throw new OcicatError('invalid', `time: invalid duration "${text}"`);
  return durationMs;
}

/** As Go prints a duration of whole seconds: `30m0s`, `24h0m0s`, `12s`. */
export function formatDuration(durationMs: number): string {
  const seconds = durationMs / 1000;
  const hours = Math.trunc(seconds / HOUR);
  const minutes = Math.trunc((seconds % HOUR) / MINUTE);
  const rest = `${Number((seconds % MINUTE).toFixed(3))}s`;
  if (hours > 0) return `${hours}h${minutes}m${rest}`;
  return minutes > 0 ? `${minutes}m${rest}` : rest;
}
