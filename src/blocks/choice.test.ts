import { expect, test } from 'bun:test';
import { formatCidr, parseCidr } from '../net/cidr.ts';
import { blocksOf, createWalk, placeOf } from './choice.ts';

const walkOf = (pool: string, prefixLength: number, host = 'host1') => createWalk(parseCidr(pool), prefixLength, host);
const textsOf = (blocks: Iterable<ReturnType<typeof parseCidr>>) => [...blocks].map(formatCidr);

test('a host sees every block once, wrapping at the end, always in the same order', () => {
  const seen = textsOf(blocksOf(walkOf('10.0.0.0/24', 26), []));
  expect(seen).toEqual(textsOf(blocksOf(walkOf('10.0.0.0/24', 26), [])));
  expect([...seen].sort()).toEqual(['10.0.0.0/26', '10.0.0.128/26', '10.0.0.192/26', '10.0.0.64/26']);
  const all = ['10.0.0.0/26', '10.0.0.64/26', '10.0.0.128/26', '10.0.0.192/26'];
  const start = all.indexOf(seen[0] ?? '');
  expect(seen).toEqual([...all.slice(start), ...all.slice(0, start)]);
});

test('hosts with neighbouring names start far from each other', () => {
  const starts = Array.from({ length: 50 }, (_, i) => createWalk(parseCidr('10.0.0.0/8'), 26, `host${i}`).start);
  expect(new Set(starts).size).toBe(50);
});

test('the place of a block is when it is reached', () => {
  const walk = walkOf('10.0.0.0/22', 26);
  expect([...blocksOf(walk, [])].map((block) => placeOf(walk, block))).toEqual(
    Array.from({ length: 16 }, (_, i) => BigInt(i)),
  );
});

test('reserved blocks are left out, however many they are, in few steps', () => {
  const walk = walkOf('fd00::/64', 122);
  const reserved = [parseCidr('fd00::/65'), parseCidr('fd00:0:0:0:8000::/66'), parseCidr('fd00::c000:0:0:0/67')];
  const startedAt = performance.now();
  const first = blocksOf(walk, reserved).next().value;
  expect(performance.now() - startedAt).toBeLessThan(50);
  expect(first !== undefined && placeOf(walk, first) >= 0n).toBe(true);
  expect(textsOf(blocksOf(walk, [parseCidr('fd00::/64')]))).toEqual([]);
  expect(
    textsOf(blocksOf(walkOf('10.0.0.0/24', 26), [parseCidr('10.0.0.0/25'), parseCidr('10.0.0.192/27')])).sort(),
  ).toEqual(['10.0.0.128/26', '10.0.0.192/26']);
});

test('a pool of one block, and blocks of one address', () => {
  expect(textsOf(blocksOf(walkOf('10.0.0.0/26', 26), []))).toEqual(['10.0.0.0/26']);
  expect(textsOf(blocksOf(walkOf('10.0.0.0/31', 32), [])).sort()).toEqual(['10.0.0.0/32', '10.0.0.1/32']);
});
