import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { formatPortRange, type PortRange, portInRange, tryParsePortRange } from './port.ts';

const table: readonly (readonly [number | string, PortRange | undefined])[] = [
  [80, { min: 80, max: 80 }],
  ['80', { min: 80, max: 80 }],
  [0, { min: 0, max: 0 }],
  [65535, { min: 65535, max: 65535 }],
  ['8000:8010', { min: 8000, max: 8010 }],
  ['0:65535', { min: 0, max: 65535 }],
  ['7:7', { min: 7, max: 7 }],
  ['8:7', undefined],
  [65536, undefined],
  [-1, undefined],
  [1.5, undefined],
  ['', undefined],
  [':', undefined],
  ['1:', undefined],
  [':1', undefined],
  ['1:2:3', undefined],
  ['http', undefined],
  ['1-2', undefined],
];

test.each(table)('ports %p', (value, range) => {
  expect(tryParsePortRange(value)).toEqual(range as PortRange);
});

test('what is written is read back, and holds what lies between', () => {
  const port = fc.integer({ min: 0, max: 65535 });
  fc.assert(
    fc.property(port, port, port, (a, b, asked) => {
      const range = { min: Math.min(a, b), max: Math.max(a, b) };
      expect(tryParsePortRange(formatPortRange(range))).toEqual(range);
      expect(portInRange(range, asked)).toBe(asked >= range.min && asked <= range.max);
      expect([range.min, range.max].every((end) => portInRange(range, end))).toBe(true);
    }),
    { seed: 12, numRuns: 200 },
  );
});
