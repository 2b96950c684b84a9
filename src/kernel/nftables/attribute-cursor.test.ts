// Attributes are found in place as they are read one by one, and a length that points outside ends the search.
import { expect, test } from 'bun:test';
import { createMessageWriter } from '../../sys/netlink.ts';
import { endOfValue, findValue, isLatin1, latin1At, nextValue, typeOfValue, valueAt } from './attribute-cursor.ts';

const HEADER = 16;
const writer = createMessageWriter()
  .begin(1, 0)
  .attrString(1, 'abc')
  .attrBe32(2, 7)
  .nest(3)
  .attrString(1, 'in')
  .endNest();
const bytes = writer.end().finish().slice();

test('the values of a list come one after the other, with their types', () => {
  const types: number[] = [];
  for (let at = valueAt(bytes, HEADER, bytes.length); at !== 0; at = nextValue(bytes, at, bytes.length))
    types.push(typeOfValue(bytes, at));
  expect(types).toEqual([1, 2, 3]);
});

test('a value is found by its type, also inside of another', () => {
  const outer = findValue(bytes, 3, HEADER, bytes.length);
  const inner = findValue(bytes, 1, outer, endOfValue(bytes, outer));
  expect(latin1At(bytes, inner, endOfValue(bytes, inner))).toBe('in\0');
  expect(findValue(bytes, 4, HEADER, bytes.length)).toBe(0);
});

test('text is the same with zeros behind it and with nothing else', () => {
  const at = findValue(bytes, 1, HEADER, bytes.length);
  const end = endOfValue(bytes, at);
  expect(['abc', 'ab', 'abcd', 'abd'].map((text) => isLatin1(bytes, at, end, text))).toEqual([
    true,
    false,
    false,
    false,
  ]);
});

test('what is cut off is not read', () => {
  for (let length = HEADER; length < bytes.length; length++) {
    const cut = bytes.subarray(0, length);
    for (let at = valueAt(cut, HEADER, length); at !== 0; at = nextValue(cut, at, length))
      expect(endOfValue(cut, at)).toBeLessThanOrEqual(length);
  }
});
