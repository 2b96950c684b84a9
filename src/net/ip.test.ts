import { expect, test } from 'bun:test';
import { isIP } from 'node:net';
import fc from 'fast-check';
import {
  addToIp,
  bitsOf,
  compareIps,
  familyOf,
  formatIp,
  type Ip,
  ipFromBytes,
  ipToBytes,
  ipv4Of,
  ipv6Of,
  isIpv4,
  parseIp,
  tryParseIp,
} from './ip.ts';

const anyIpv4 = fc.integer({ min: 0, max: 0xffffffff }).map(ipv4Of);
/** Many zero groups, so that the short form is met. */
const group = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff }));
const anyIpv6 = fc
  .array(group, { minLength: 8, maxLength: 8 })
  .map((groups) => ipv6Of(groups.reduce((value, part) => (value << 16n) | BigInt(part), 0n)));
const anyIp: fc.Arbitrary<Ip> = fc.oneof(anyIpv4, anyIpv6);

const canonical: readonly (readonly [text: string, canonical: string])[] = [
  ['0.0.0.0', '0.0.0.0'],
  ['255.255.255.255', '255.255.255.255'],
  ['10.0.128.1', '10.0.128.1'],
  ['::', '::'],
  ['::1', '::1'],
  ['1::', '1::'],
  ['FD00::ABCD', 'fd00::abcd'],
  ['0:0:0:0:0:0:0:1', '::1'],
  ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
  ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
  ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
  ['::2:3:4:5:6:7:8', '0:2:3:4:5:6:7:8'],
  ['::ffff:10.0.0.1', '::ffff:10.0.0.1'],
  ['::FFFF:0a00:0001', '::ffff:10.0.0.1'],
  ['64:ff9b::10.0.0.1', '64:ff9b::a00:1'],
  ['1:2:3:4:5:6:10.0.0.1', '1:2:3:4:5:6:a00:1'],
];

test.each(canonical)('%s is written %s', (text, wanted) => {
  expect(formatIp(parseIp(text))).toBe(wanted);
});

const refused = [
  ...[
    '',
    ' ',
    '1',
    '1.2.3',
    '1.2.3.4.5',
    '256.0.0.1',
    '01.2.3.4',
    '1.2.3.04',
    '1.2.3.4 ',
    '-1.2.3.4',
    '1..2.3',
    '0x1.2.3.4',
  ],
  ...[
    ':',
    ':::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1::2::3',
    '1:2:3:4:5:6:7:8::',
    '12345::',
    'g::',
    'fe80::1%eth0',
  ],
  ...['1.2.3.4::', '1:2.3.4.5::6', '::1.2.3', '::1.2.3.4:5', '::01.2.3.4', '[::1]', '1:2:3:4:5:6:7:1.2.3.4'],
];

test.each(refused)('"%s" is no address', (text) => {
  expect(tryParseIp(text)).toBeUndefined();
  expect(() => parseIp(text)).toThrow(`parse address "${text}": not an IPv4 or IPv6 address`);
});

test('what is written is read back, as text and as bytes', () => {
  fc.assert(
    fc.property(anyIp, (ip) => {
      expect(parseIp(formatIp(ip))).toBe(ip);
      expect(ipFromBytes(ipToBytes(ip))).toBe(ip);
      expect(ipToBytes(ip).length * 8).toBe(bitsOf(familyOf(ip)));
    }),
    { seed: 3, numRuns: 500 },
  );
});

test('what is an address is what the platform takes for one', () => {
  const piece = fc.constantFrom(':', '::', '.', '0', '1', '255', '256', '00', 'ffff', 'fffff', '1.2.3.4', '10');
  const near = fc.array(piece, { maxLength: 17 }).map((parts) => parts.join(''));
  fc.assert(
    fc.property(fc.oneof(near, fc.ipV4(), fc.ipV6()), (text) => {
      const ip = tryParseIp(text);
      expect([text, ip === undefined ? 0 : familyOf(ip)]).toEqual([text, isIP(text)]);
    }),
    { seed: 4, numRuns: 3000 },
  );
});

test('addresses sort by family, then by value', () => {
  const sorted = ['0.0.0.0', '9.0.0.1', '10.0.0.1', '255.0.0.0', '::', '::2', '1::'].map(parseIp);
  expect([...sorted].reverse().sort(compareIps)).toEqual(sorted);
  expect(compareIps(parseIp('::1'), parseIp('::1'))).toBe(0);
});

test('adding goes both ways and wraps at the end', () => {
  expect(formatIp(addToIp(parseIp('10.0.0.255'), 1))).toBe('10.0.1.0');
  expect(formatIp(addToIp(parseIp('255.255.255.255'), 1))).toBe('0.0.0.0');
  expect(formatIp(addToIp(parseIp('::'), -1))).toBe('ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff');
  fc.assert(
    fc.property(anyIp, fc.integer({ min: 0, max: 0xffffffff }), (ip, offset) => {
      expect(addToIp(addToIp(ip, offset), -offset)).toBe(ip);
      expect(isIpv4(addToIp(ip, offset))).toBe(isIpv4(ip));
    }),
    { seed: 5, numRuns: 200 },
  );
});

test('only 4 or 16 bytes are an address', () => {
  for (const length of [0, 3, 5, 15, 17])
    expect(() => ipFromBytes(new Uint8Array(length))).toThrow(`${length} bytes found, 4 or 16 wanted`);
});
