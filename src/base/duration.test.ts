import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { formatDurationNs, tryParseDurationMs, tryParseDurationNs } from './duration.ts';

test.each([
  ['0', 0],
  ['+0', 0],
  ['0s', 0],
  ['30m', 1_800_000],
  ['1h30m', 5_400_000],
  ['1m30s', 90_000],
  ['1.5s', 1500],
  ['.5s', 500],
  ['1.s', 1000],
  ['100ms', 100],
  ['1µs', 0.001],
  ['-5s', -5000],
])('"%s" is %d ms', (text, durationMs) => {
  expect(tryParseDurationMs(text)).toBe(durationMs);
});

test.each(['', '5', 'x', 's', '.s', '1s2', '1 s', '--1s', '9999999999h'])('"%s" is refused', (text) => {
  expect(tryParseDurationNs(text)).toBeUndefined();
});

test.each([
  [0n, '0s'],
  [1_500n, '1.5µs'],
  [12_000_000_000n, '12s'],
  [1_800_000_000_000n, '30m0s'],
  [86_400_000_000_000n, '24h0m0s'],
  [-5_000_000_000n, '-5s'],
])('%d ns print as "%s"', (ns, text) => {
  expect(formatDurationNs(ns)).toBe(text);
});

test('durations come back the same', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n) + 1n, max: 2n ** 63n - 1n }), (ns) => {
      expect(tryParseDurationNs(formatDurationNs(ns))).toBe(ns);
    }),
    { seed: 7 },
  );
});
