import { expect, test } from 'bun:test';
import { formatCidr, parseCidr } from '../net/cidr.ts';
import { blocksOf, createProbeOrder, probeIndexOf } from './probe-order.ts';

const orderOf = (pool: string, prefixLength: number, host = 'host1') =>
  createProbeOrder(parseCidr(pool), prefixLength, host);
const textsOf = (blocks: Iterable<ReturnType<typeof parseCidr>>) => [...blocks].map(formatCidr);

test('a host sees every block once, wrapping at the end, always in the same order', () => {
  const seen = textsOf(blocksOf(orderOf('10.0.0.0/24', 26), []));
  expect(seen).toEqual(textsOf(blocksOf(orderOf('10.0.0.0/24', 26), [])));
  expect([...seen].sort()).toEqual(['10.0.0.0/26', '10.0.0.128/26', '10.0.0.192/26', '10.0.0.64/26']);
  const all = ['10.0.0.0/26', '10.0.0.64/26', '10.0.0.128/26', '10.0.0.192/26'];
  const start = all.indexOf(seen[0] ?? '');
  expect(seen).toEqual([...all.slice(start), ...all.slice(0, start)]);
});

test('hosts with neighbouring names start far from each other', () => {
  const starts = Array.from({ length: 50 }, (_, i) => createProbeOrder(parseCidr('10.0.0.0/8'), 26, `host${i}`).start);
  expect(new Set(starts).size).toBe(50);
});

test('the place of a block is when it is reached', () => {
  const order = orderOf('10.0.0.0/22', 26);
  expect([...blocksOf(order, [])].map((block) => probeIndexOf(order, block))).toEqual(
    Array.from({ length: 16 }, (_, i) => BigInt(i)),
  );
});

test('reserved blocks are left out, however many they are, in few steps', () => {
  const order = orderOf('fd00::/64', 122);
  const reserved = [parseCidr('fd00::/65'), parseCidr('fd00:0:0:0:8000::/66'), parseCidr('fd00::c000:0:0:0/67')];
  const startedAt = performance.now();
  const first = blocksOf(order, reserved).next().value;
  expect(performance.now() - startedAt).toBeLessThan(50);
  expect(first !== undefined && probeIndexOf(order, first) >= 0n).toBe(true);
  expect(textsOf(blocksOf(order, [parseCidr('fd00::/64')]))).toEqual([]);
  expect(
    textsOf(blocksOf(orderOf('10.0.0.0/24', 26), [parseCidr('10.0.0.0/25'), parseCidr('10.0.0.192/27')])).sort(),
  ).toEqual(['10.0.0.128/26', '10.0.0.192/26']);
});

test('a pool of one block, and blocks of one address', () => {
  expect(textsOf(blocksOf(orderOf('10.0.0.0/26', 26), []))).toEqual(['10.0.0.0/26']);
  expect(textsOf(blocksOf(orderOf('10.0.0.0/31', 32), [])).sort()).toEqual(['10.0.0.0/32', '10.0.0.1/32']);
});
