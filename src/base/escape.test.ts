import { expect, test } from 'bun:test';
import { escapeLine, escapeText, isShown } from './escape.ts';

test.each([
  ['\x1b[31mred', '\\x1b[31mred'],
  ['a\x07b\x00c\x7fd', 'a\\x07b\\x00c\\u007fd'],
  ['\x9b2J', '\\u009b2J'],
  ['over\rwritten', 'over\\rwritten'],
  ['\u202egnp.exe', '\\u202egnp.exe'],
  ['net\u200bwork1\ufeff', 'net\\u200bwork1\\ufeff'],
  ['a\u2028b\u2029c\u2066d\xade', 'a\\u2028b\\u2029c\\u2066d\\u00ade'],
  ['tag\u{e0041}', 'tag\\udb40\\udc41'],
  ['line\n\tindented\n', 'line\n\tindented\n'],
])('%j is shown as %j', (text, shown) => {
  expect([escapeText(text), isShown(text)]).toEqual([shown, shown === text]);
});

test('in a line, line breaks and tabs are shown too', () => {
  expect(escapeLine('a\nb\tc\r\n\x1b')).toBe('a\\nb\\tc\\r\\n\\x1b');
});

test.each(['käse', '网络', 'عربي', '👍🏽', 'e\u0301', '½ → ∞', '\u0600 \u00a0'])('%s is kept as it is', (text) => {
  expect([escapeLine(text), isShown(text)]).toEqual([text, true]);
});

test('no control character of any plane gets through, and JSON stays what it was', () => {
  const all = Array.from({ length: 0x3000 }, (_, code) => String.fromCodePoint(code)).join('');
  expect(escapeLine(all)).not.toMatch(/[\0-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e]/);
  const document = { all, deep: ['\x9b', '\u202e', '\u{e0041}'] };
  expect(JSON.parse(escapeText(JSON.stringify(document, undefined, 2)))).toEqual(document);
});
