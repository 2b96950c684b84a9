import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { type Cidr, formatCidr, parseCidr } from '../net/cidr.ts';
import { ipv4Of, parseIp } from '../net/ip.ts';
import {
  bytesOfInterfaceName,
  bytesOfIp,
  bytesOfU16,
  ipOfBytes,
  maskBytes,
  nextBytes,
  previousBytes,
} from './bytes.ts';
import { printKey } from './keys.ts';
import type { KeyType, SetSpec } from './nft.ts';
import { bytesOfPorts, bytesOfRange, mergePorts, withoutCovered } from './ranges.ts';

function spec(key: readonly KeyType[], interval: boolean): SetSpec {
  return { name: 'some-set', key, interval, verdicts: false };
}

const name = bytesOfInterfaceName('cali1');
const range = (first: string, last: string): string => bytesOfIp(parseIp(first)) + bytesOfIp(parseIp(last));

const printed: readonly (readonly [SetSpec, string, string])[] = [
  [spec(['ipv4_addr'], false), bytesOfIp(parseIp('10.0.0.1')), '10.0.0.1'],
  [spec(['ipv4_addr'], true), range('10.0.0.0', '10.255.255.255'), '10.0.0.0/8'],
  [spec(['ipv4_addr'], true), range('10.0.0.1', '10.0.0.1'), '10.0.0.1'],
  [spec(['ipv4_addr'], true), range('10.0.0.1', '10.0.0.2'), '10.0.0.1-10.0.0.2'],
  [spec(['ipv4_addr'], true), range('0.0.0.0', '255.255.255.255'), '0.0.0.0/0'],
  [spec(['ipv6_addr'], true), range('fd00::', 'fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'), 'fd00::/8'],
  [spec(['inet_service'], true), bytesOfPorts({ min: 0, max: 65535 }), '0-65535'],
  [spec(['ifname', 'ipv4_addr'], false), name + bytesOfIp(parseIp('10.0.0.1')), '"cali1" . 10.0.0.1'],
  [
    spec(['ifname', 'ipv4_addr'], true),
    name + bytesOfIp(parseIp('10.0.0.0')) + name + bytesOfIp(parseIp('10.0.255.255')),
    '"cali1" . 10.0.0.0/16',
  ],
  [
    spec(['ipv4_addr', 'inet_proto', 'inet_service'], false),
    `${bytesOfIp(parseIp('10.0.0.1'))}\x06\0\0\0\0\x50\0\0`,
    '10.0.0.1 . 6 . 80',
  ],
  [spec(['ct_state'], false), '\x02\0\0\0', 'established'],
];

for (const [set, key, text] of printed) {
  test(`the key ${text}`, () => expect(printKey(set, key)).toBe(text));
}

test('the next and the previous of a value are inverse, but at the end', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 0xffff }), (value) => {
      const next = nextBytes(bytesOfU16(value));
      expect(next).toBe(value === 0xffff ? undefined : bytesOfU16(value + 1));
      if (next !== undefined) expect(previousBytes(next)).toBe(bytesOfU16(value));
    }),
    { seed: 1 },
  );
  expect(previousBytes('\0\0')).toBe('\xff\xff');
});

test('masks', () => {
  expect([0, 1, 8, 9, 31, 32].map((length) => maskBytes(length, 4))).toEqual([
    '\0\0\0\0',
    '\x80\0\0\0',
    '\xff\0\0\0',
    '\xff\x80\0\0',
    '\xff\xff\xff\xfe',
    '\xff\xff\xff\xff',
  ]);
});

test('addresses as bytes and back', () => {
  for (const text of ['0.0.0.0', '255.254.3.128', '::', 'fd00::80ff', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff']) {
    expect(ipOfBytes(bytesOfIp(parseIp(text)))).toBe(parseIp(text));
  }
});

test('ranges without the covered ones do not overlap and cover the same addresses', () => {
  const cidr = fc.record({ high: fc.integer({ min: 0, max: 15 }), prefixLength: fc.integer({ min: 0, max: 32 }) });
  const cidrs = fc.array(cidr.map(({ high, prefixLength }) => ({ address: ipv4Of(high * 0x11111111), prefixLength })));
  fc.assert(
    fc.property(cidrs, fc.integer({ min: 0, max: 0xffffffff }), (list, probe) => {
      const holds = (all: readonly Cidr[]): number =>
        all
          .map(bytesOfRange)
          .filter((key) => key.slice(0, 4) <= bytesOfIp(ipv4Of(probe)) && bytesOfIp(ipv4Of(probe)) <= key.slice(4))
          .length;
      const kept = withoutCovered(list);
      expect(holds(kept)).toBe(holds(list) > 0 ? 1 : 0);
      expect(withoutCovered([...list].reverse())).toEqual(kept);
    }),
    { seed: 2, numRuns: 300 },
  );
  expect(withoutCovered(['10.1.2.3/8', '10.9.0.0/16', 'fd00::/8'].map(parseCidr)).map(formatCidr)).toEqual([
    '10.0.0.0/8',
    'fd00::/8',
  ]);
});

test('ports that overlap or touch become one range', () => {
  const ranges = [
    { min: 443, max: 443 },
    { min: 80, max: 90 },
    { min: 85, max: 100 },
    { min: 101, max: 101 },
    { min: 82, max: 83 },
  ];
  expect(mergePorts(ranges)).toEqual([
    { min: 80, max: 101 },
    { min: 443, max: 443 },
  ]);
});
