import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { formatIp } from './ip.ts';
import { linkLocalOf, localMac, macFromBytes, macToBytes, parseMac, tryParseMac } from './mac.ts';

const sixBytes = fc.uint8Array({ minLength: 6, maxLength: 6 });

test('either case and either joint, one canonical text', () => {
  const table = ['ee:ee:ee:ee:ee:ee', 'EE-EE-EE-EE-EE-EE', 'eE:Ee:ee:ee:ee:ee', 'ee:ee-ee:ee-ee:ee'];
  for (const text of table) expect(parseMac(text) as string).toBe('ee:ee:ee:ee:ee:ee');
});

const refused = [
  '',
  'ee:ee:ee:ee:ee',
  'ee:ee:ee:ee:ee:ee:ee',
  'e:ee:ee:ee:ee:ee',
  'eg:ee:ee:ee:ee:ee',
  'eeeeeeeeeeee',
  ' ee:ee:ee:ee:ee:ee',
];

test.each(refused)('"%s" is no MAC address', (text) => {
  expect(tryParseMac(text)).toBeUndefined();
  expect(() => parseMac(text)).toThrow(`parse MAC address "${text}": six hexadecimal pairs wanted`);
});

test('bytes and text say the same', () => {
  fc.assert(
    fc.property(sixBytes, (bytes) => {
      expect(macToBytes(macFromBytes(bytes))).toEqual(bytes);
      expect(parseMac(macFromBytes(bytes))).toBe(macFromBytes(bytes));
    }),
    { seed: 9, numRuns: 200 },
  );
});

test('a local address is local and of one receiver, and changes nothing else', () => {
  fc.assert(
    fc.property(sixBytes, (bytes) => {
      const [first = 0, ...rest] = macToBytes(localMac(bytes));
      expect(first & 3).toBe(2);
      expect([first >> 2, ...rest]).toEqual([(bytes[0] ?? 0) >> 2, ...bytes.subarray(1)]);
    }),
    { seed: 10, numRuns: 200 },
  );
});

test('the link-local address of an interface follows from its Ethernet address', () => {
  const of = (text: string) => formatIp(linkLocalOf(parseMac(text)));
  expect(of('ee:ee:ee:ee:ee:ee')).toBe('fe80::ecee:eeff:feee:eeee');
  expect(of('34:56:78:9a:bc:de')).toBe('fe80::3656:78ff:fe9a:bcde');
});
