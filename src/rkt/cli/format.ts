// Times, durations and sizes as rkt shows them: formatted for people, Go's layouts for programs.
import { tryParseDurationMs } from '../../base/duration.ts';
import { OcicatError } from '../../base/errors.ts';

const SECOND = 1;
const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const WEEK = 7 * DAY;
const MONTH = 30 * DAY;
const YEAR = 12 * MONTH;

/** Upper bounds in seconds, and what is shown below each; `unit` divides the age. Source: go-humanize times.go. */
const magnitudes: readonly (readonly [below: number, text: string, unit: number])[] = [
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
  const [, text, unit] = row;
  return text === 'now' ? text : `${text.replace('N', String(Math.trunc(seconds / unit)))} ${direction}`;
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

/** Milliseconds of a Go duration: `30m`, `1h30m`, `1.5s`, `0`; undefined if it is not one or is negative. */
export function tryParseTimespan(text: string): number | undefined {
  const durationMs = tryParseDurationMs(text);
  return durationMs === undefined || durationMs < 0 ? undefined : durationMs;
}

/** Throws `invalid` for what tryParseTimespan does not understand. */
export function parseTimespan(text: string): number {
  const durationMs = tryParseTimespan(text);
  if (durationMs === undefined) throw new OcicatError('invalid', `time: invalid duration "${text}"`);
  return durationMs;
}
