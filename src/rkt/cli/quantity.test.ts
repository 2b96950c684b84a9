import { expect, test } from 'bun:test';
import { parseMemory, parseMilliCpu, parseQuantity } from './quantity.ts';

test.each([
  ['25Mi', 26_214_400],
  ['42M', 42_000_000],
  ['1e3', 1000],
  ['.5', 0.5],
  ['2E', 2e18],
])('%s is %d', (text, value) => {
  expect(parseQuantity(text)).toBe(value);
});

test.each(['', 'x', '1 k', '-1', '1Kb', '1ee'])('"%s" is refused', (text) => {
  expect(() => parseQuantity(text)).toThrow(`quantity "${text}"`);
});

test('limits', () => {
  expect(parseMilliCpu('900m')).toBe(900);
  expect(parseMilliCpu('1.5')).toBe(1500);
  expect(() => parseMilliCpu('0')).toThrow('must be more than nothing');
  expect(parseMemory('42Mi')).toBe(44_040_192);
  expect(() => parseMemory('4095')).toThrow(
    'memory limit of 4095 bytes too low. Try a reasonable value, such as --memory=16M',
  );
});
