import { expect, test } from 'bun:test';
import { parseMemory, parseMilliCpu } from './quantity.ts';

test('limits', () => {
  expect(parseMilliCpu('900m')).toBe(900);
  expect(parseMilliCpu('1.5')).toBe(1500);
  expect(() => parseMilliCpu('0')).toThrow('must be more than nothing');
  expect(parseMemory('42Mi')).toBe(44_040_192);
  expect(() => parseMemory('4095')).toThrow(
    'memory limit of 4095 bytes too low. Try a reasonable value, such as --memory=16M',
  );
});
