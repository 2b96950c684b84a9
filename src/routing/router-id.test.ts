import { expect, test } from 'bun:test';
import { formatIp, ipv4Of } from '../net/ip.ts';
import { computeRouterId, hashRouterId } from './router-id.ts';

const nodes = [{ name: 'a', ipv4: ipv4Of(0x0a000001), labels: new Map<string, string>() }];

test('asked for, else the address, else the hash', () => {
  expect(formatIp(computeRouterId({ nodeName: 'a', nodes, routerId: ipv4Of(0x01020304) }))).toBe('1.2.3.4');
  expect(formatIp(computeRouterId({ nodeName: 'a', nodes }))).toBe('10.0.0.1');
  expect(computeRouterId({ nodeName: 'b', nodes })).toBe(hashRouterId('b'));
  expect(computeRouterId({ nodeName: 'a', nodes, routerId: 'hash' })).toBe(hashRouterId('a'));
});

test('the hash is the start of SHA-256, out of the multicast range', () => {
  // printf %s a | sha256sum: ca978112…; printf %s host-24 | sha256sum: eda980e8…, and 0xed - 32 = 205
  expect(formatIp(hashRouterId('a'))).toBe('202.151.129.18');
  expect(formatIp(hashRouterId('host-24'))).toBe('205.169.128.232');
});
