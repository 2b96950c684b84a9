import { expect, test } from 'bun:test';
import { tryParseBoolean } from './boolean.ts';

test.each(['1', 't', 'T', 'TRUE', 'true', 'True'])('"%s" is true', (text) => {
  expect(tryParseBoolean(text)).toBe(true);
});

test.each(['0', 'f', 'F', 'FALSE', 'false', 'False'])('"%s" is false', (text) => {
  expect(tryParseBoolean(text)).toBe(false);
});

test.each(['', 'yes', 'no', 'tRUE', '10', 'true ', 'true\n'])('%j is neither', (text) => {
  expect(tryParseBoolean(text)).toBeUndefined();
});
