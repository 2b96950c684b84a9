import { expect, test } from 'bun:test';
import { formatAge, formatSize, parseTimespan, printTime } from './format.ts';

const HOUR = 3600;
const DAY = 24 * HOUR;

test.each([
  [0, 'now'],
  [1, '1 second ago'],
  [2, '2 seconds ago'],
  [59, '59 seconds ago'],
  [60, '1 minute ago'],
  [120, '2 minutes ago'],
  [HOUR, '1 hour ago'],
  [5 * HOUR + 3599, '5 hours ago'],
  [DAY, '1 day ago'],
  [6 * DAY, '6 days ago'],
  [7 * DAY, '1 week ago'],
  [29 * DAY, '4 weeks ago'],
  [30 * DAY, '1 month ago'],
  [90 * DAY, '3 months ago'],
  [360 * DAY, '1 year ago'],
  [540 * DAY, '2 years ago'],
  [1100 * DAY, '3 years ago'],
  [37 * 360 * DAY, 'a long while ago'],
  [-90, '1 minute from now'],
])('an age of %d s reads "%s"', (seconds, text) => {
  const nowMs = 2_000_000_000_000;
  expect(formatAge(nowMs - seconds * 1000, nowMs)).toBe(text);
});

test('an unknown time is long ago, and the zero time for programs', () => {
  expect(formatAge(undefined, 0)).toBe('a long while ago');
  expect(printTime(undefined)).toBe('0001-01-01 00:00:00 +0000 UTC');
});

test('a time drops trailing zeros of its fraction', () => {
  const time = new Date(2026, 0, 2, 3, 4, 5, 120).getTime();
  expect(printTime(time)).toStartWith('2026-01-02 03:04:05.12 ');
  expect(printTime(time - 120)).toStartWith('2026-01-02 03:04:05 ');
});

test.each([
  [0, '0B'],
  [12, '12B'],
  [1024, '1.0KiB'],
  [1_258_291, '1.2MiB'],
  [149_946_368, '143MiB'],
])('%d bytes read "%s"', (sizeBytes, text) => {
  expect(formatSize(sizeBytes)).toBe(text);
});

test.each([
  ['0', 0],
  ['1h30m', 5_400_000],
])('a timespan of "%s" is %d ms', (text, durationMs) => {
  expect(parseTimespan(text)).toBe(durationMs);
});

test.each(['', '5', '-1s'])('a timespan of "%s" is refused', (text) => {
  expect(() => parseTimespan(text)).toThrow(`time: invalid duration "${text}"`);
});
