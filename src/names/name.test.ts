import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { parseNaming, printNaming } from './annotations.ts';
import { tryParseName } from './name.ts';

const LONG = `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(61)}`;

test.each(['web', 'Web_1', '_sip', 'a', '0a1b2c3d4e5f', 'shop.front', 'a--b', LONG])('%p is a name', (text) => {
  expect(tryParseName(text)).toBe(text.toLowerCase());
});

test.each([
  ...['', '.', 'a.', '.a', 'a..b', '-a', 'a-', 'a b', 'a\nb', 'a\0', 'ä', '\u212aelvin', '*', 'a/b', 'a;b', '\u202ea'],
  ...['10.0.0.1', 'web.1', '1.in-addr.arpa', 'arpa', 'localhost', 'x.LOCALHOST', 'a'.repeat(64), `${LONG}c`],
])('%p is none', (text) => {
  expect(tryParseName(text)).toBeUndefined();
});

const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?$/);

test('what annotations say of names is read as it was written, and nothing of what others write there is a name', () => {
  const limit = fc.constantFrom('internal' as const, 'off' as const);
  const naming = fc.record({
    names: fc.uniqueArray(label.filter((one) => one !== 'arpa')),
    limits: fc.uniqueArray(fc.tuple(label, limit), { selector: ([network]) => network }).map((list) => new Map(list)),
  });
  fc.assert(
    fc.property(naming, (one) => {
      expect(parseNaming(printNaming(one))).toEqual(one);
    }),
  );
  fc.assert(
    fc.property(fc.anything(), fc.anything(), (names, dns) => {
      const read = parseNaming({ 'ocicat/names': names, 'ocicat/dns': dns });
      expect(read.names.every((one) => tryParseName(one) === one)).toBe(true);
    }),
  );
});
