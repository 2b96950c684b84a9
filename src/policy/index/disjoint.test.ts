// Ranges as keys, and the sets without overlaps that are made of them.
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { type Cidr, cidrContains, cidrsOverlap, formatCidr, hostCidr, maskCidr } from '../../net/cidr.ts';
import { formatIp, type Ip, ipv4Of, ipv6Of } from '../../net/ip.ts';
import { computeDisjoint, indexRanges } from './disjoint.ts';
import { portKey, portMemberOf, rangeKey, rangeOf } from './member-key.ts';

const v4: fc.Arbitrary<Ip> = fc.oneof(fc.nat(0xffffffff), fc.constantFrom(0, 0xffffffff, 0x0a000001)).map(ipv4Of);
const v6: fc.Arbitrary<Ip> = fc.oneof(fc.bigInt(0n, 2n ** 128n - 1n), fc.constantFrom(0n, 2n ** 128n - 1n)).map(ipv6Of);
const address = fc.oneof(v4, v6);

test('keys tell ranges and port triples apart and give them back', () => {
  const range = fc.oneof(fc.tuple(v4, fc.integer({ min: 1, max: 32 })), fc.tuple(v6, fc.integer({ min: 1, max: 128 })));
  fc.assert(
    fc.property(range, ([ip, prefixLength]) => {
      expect(rangeOf(rangeKey(ip, prefixLength))).toEqual({ address: ip, prefixLength });
    }),
    { seed: 1 },
  );
  const member = fc.record({
    address,
    protocol: fc.integer({ min: 1, max: 255 }),
    port: fc.integer({ min: 1, max: 65535 }),
  });
  fc.assert(
    fc.property(member, (one) => expect(portMemberOf(portKey(one))).toEqual(one)),
    { seed: 2 },
  );
});

test('the disjoint set holds the same addresses', () => {
  /** Ranges and addresses that crowd around two places, so that they cover one another. */
  const near4 = fc.integer({ min: 0, max: 63 }).map((low) => ipv4Of(0x0a000000 + low));
  const near6 = fc.integer({ min: 0, max: 63 }).map((low) => ipv6Of((0xfdn << 120n) + BigInt(low)));
  const range4 = fc
    .tuple(near4, fc.integer({ min: 24, max: 31 }))
    .map(([ip, prefixLength]) => maskCidr({ address: ip, prefixLength }));
  const range6 = fc
    .tuple(near6, fc.integer({ min: 120, max: 127 }))
    .map(([ip, prefixLength]) => maskCidr({ address: ip, prefixLength }));
  const ranges = fc.array(fc.oneof(range4, range6), { maxLength: 8 });
  const addresses = fc.uniqueArray(fc.oneof(near4, near6), { maxLength: 12 });
  fc.assert(
    fc.property(ranges, addresses, (given, singles) => {
      const keys = new Set(given.map((range) => rangeKey(range.address, range.prefixLength)));
      const disjoint: readonly Cidr[] = Array.from(computeDisjoint(indexRanges(keys), singles), rangeOf);
      for (const [index, a] of disjoint.entries()) {
        for (const b of disjoint.slice(index + 1)) {
          if (cidrsOverlap(a, b)) throw new Error(`${formatCidr(a)} and ${formatCidr(b)} overlap`);
        }
      }
      const all = [...given, ...singles.map(hostCidr)];
      for (let low = 0; low < 256; low++) {
        for (const probe of [ipv4Of(0x0a000000 + low), ipv6Of((0xfdn << 120n) + BigInt(low))]) {
          const inside = (list: readonly Cidr[]) => list.some((range) => cidrContains(range, probe));
          if (inside(disjoint) !== inside(all)) throw new Error(`${formatIp(probe)} is in one and not in the other`);
        }
      }
    }),
    { seed: 3, numRuns: 150 },
  );
});
