import { expect, test } from 'bun:test';
import fc from 'fast-check';
import {
  type Cidr,
  cidrContains,
  cidrCovers,
  cidrFamily,
  cidrSize,
  cidrsOverlap,
  formatCidr,
  hostCidr,
  isHostCidr,
  isMasked,
  lastOf,
  maskCidr,
  parseCidr,
  sameCidr,
  tryParseCidr,
  tryParseCidrOrIp,
} from './cidr.ts';
import { addToIp, formatIp, ipv4Of, ipv6Of, parseIp } from './ip.ts';

const anyIpv4 = fc.record({
  address: fc.integer({ min: 0, max: 0xffffffff }).map(ipv4Of),
  prefixLength: fc.integer({ min: 0, max: 32 }),
});
const anyIpv6 = fc.record({
  address: fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }).map(ipv6Of),
  prefixLength: fc.integer({ min: 0, max: 128 }),
});
const anyCidr: fc.Arbitrary<Cidr> = fc.oneof(anyIpv4, anyIpv6);

const ranges: readonly (readonly [text: string, masked: string, last: string, size: number])[] = [
  ['0.0.0.0/0', '0.0.0.0/0', '255.255.255.255', 2 ** 32],
  ['10.1.2.3/8', '10.0.0.0/8', '10.255.255.255', 2 ** 24],
  ['192.168.0.65/26', '192.168.0.64/26', '192.168.0.127', 64],
  ['255.255.255.255/1', '128.0.0.0/1', '255.255.255.255', 2 ** 31],
  ['10.0.0.1/32', '10.0.0.1/32', '10.0.0.1', 1],
  ['::/0', '::/0', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 2 ** 128],
  ['fd80::42/122', 'fd80::40/122', 'fd80::7f', 64],
  ['fd80::1/128', 'fd80::1/128', 'fd80::1', 1],
];

test.each(ranges)('%s: its range is %s, ends with %s and has %d addresses', (text, masked, last, size) => {
  const cidr = parseCidr(text);
  expect(formatCidr(cidr)).toBe(text);
  expect(formatCidr(maskCidr(cidr))).toBe(masked);
  expect(isMasked(cidr)).toBe(text === masked);
  expect(formatIp(lastOf(cidr))).toBe(last);
  expect(cidrSize(cidr)).toBe(size);
  expect(isHostCidr(cidr)).toBe(size === 1);
});

const refused = [
  '',
  '10.0.0.0',
  '10.0.0.0/',
  '10.0.0.0/33',
  '10.0.0.0/08',
  '10.0.0.0/-1',
  '10.0.0/8',
  '::/129',
  '/8',
  '::1/1/1',
  ' ::/0',
];

test.each(refused)('"%s" is no range', (text) => {
  expect(tryParseCidr(text)).toBeUndefined();
  expect(() => parseCidr(text)).toThrow(`parse range "${text}": not an address and a prefix length`);
});

test('a bare address is the range of itself alone', () => {
  expect(tryParseCidrOrIp('10.0.0.1')).toEqual(hostCidr(parseIp('10.0.0.1')));
  expect(tryParseCidrOrIp('fd00::1')).toEqual({ address: parseIp('fd00::1'), prefixLength: 128 });
  expect(tryParseCidrOrIp('10.0.0.1/8')).toEqual(parseCidr('10.0.0.1/8'));
  expect(tryParseCidrOrIp('ten')).toBeUndefined();
});

test('what is written is read back', () => {
  fc.assert(
    fc.property(anyCidr, (cidr) => {
      expect(parseCidr(formatCidr(cidr))).toEqual(cidr);
      expect(isMasked(maskCidr(cidr))).toBe(true);
    }),
    { seed: 6, numRuns: 300 },
  );
});

test('a range has its first and its last address, and not the ones around it', () => {
  fc.assert(
    fc.property(anyCidr, (any) => {
      const cidr = maskCidr(any);
      expect([cidr.address, lastOf(cidr), any.address].map((ip) => cidrContains(any, ip))).toEqual([true, true, true]);
      const neighbours = cidr.prefixLength === 0 ? [] : [addToIp(cidr.address, -1), addToIp(lastOf(cidr), 1)];
      expect(neighbours.filter((ip) => cidrContains(cidr, ip))).toEqual([]);
    }),
    { seed: 7, numRuns: 300 },
  );
});

test('two ranges overlap when one covers the other, and cover by first and last address', () => {
  fc.assert(
    fc.property(anyCidr, anyCidr, (a, b) => {
      const within =
        cidrFamily(a) === cidrFamily(b) && cidrContains(a, maskCidr(b).address) && cidrContains(a, lastOf(b));
      expect(cidrCovers(a, b)).toBe(within);
      expect(cidrsOverlap(a, b)).toBe(cidrCovers(a, b) || cidrCovers(b, a));
      expect(cidrsOverlap(a, b)).toBe(cidrsOverlap(b, a));
    }),
    { seed: 8, numRuns: 500 },
  );
});

test('families never meet', () => {
  expect(cidrContains(parseCidr('::/0'), parseIp('0.0.0.0'))).toBe(false);
  expect(cidrsOverlap(parseCidr('::/0'), parseCidr('0.0.0.0/0'))).toBe(false);
  expect(sameCidr(parseCidr('10.0.0.0/8'), parseCidr('10.0.0.0/9'))).toBe(false);
  expect(sameCidr(parseCidr('10.0.0.0/8'), parseCidr('10.0.0.0/8'))).toBe(true);
});
