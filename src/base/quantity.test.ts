import { expect, test } from 'bun:test';
import { parseQuantity } from './quantity.ts';

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
