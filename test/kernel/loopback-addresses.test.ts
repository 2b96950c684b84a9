// The addresses at which workloads speak with the host: made and taken away by their mark, and no one else's.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { applyLoopbackAddresses, type Purpose } from '../../src/kernel/link/loopback-addresses.ts';
import { formatIp, parseIp } from '../../src/net/ip.ts';
import * as libc from '../../src/sys/libc.ts';
import { createNetns, withNetns } from '../../src/sys/netns.ts';

let netns: number;
beforeAll(() => {
  netns = createNetns();
  run('ip link set lo up; ip address add 192.0.2.9/32 dev lo');
});
afterAll(() => libc.close(netns));

const run = (command: string) => withNetns(netns, () => Bun.spawnSync(['sh', '-c', command]).stdout.toString()).trim();

const apply = (...addresses: readonly string[]) => applyFor('bgp', ...addresses);

function applyFor(purpose: Purpose, ...addresses: readonly string[]): readonly string[] {
  const { added, removed } = withNetns(netns, () => applyLoopbackAddresses(purpose, addresses.map(parseIp)));
  return [...added.map((ip) => `+${formatIp(ip)}`), ...removed.map((ip) => `-${formatIp(ip)}`)].sort();
}

/** Address, and what says that nothing is sent from it unless somebody asks for it. */
const standing = () =>
  run(
    "ip -o address show dev lo | grep -E '169.254|fd12' | sed -E 's/.* inet6? ([^ ]+) .*(scope host|deprecated).*/\\1 \\2/'",
  ).split('\n');

test('they come with their mark, are never a source by themselves, and go again', () => {
  expect(apply('169.254.0.179', 'fd12::1')).toEqual(['+169.254.0.179', '+fd12::1']);
  expect(standing()).toEqual(['169.254.0.179/32 scope host', 'fd12::1/128 deprecated']);
  expect(apply('169.254.0.179', 'fd12::1')).toEqual([]);
  expect(apply('169.254.0.180')).toEqual(['+169.254.0.180', '-169.254.0.179', '-fd12::1']);
});

test('what somebody else has put there stays', () => {
  expect(apply('192.0.2.9')).toEqual(['-169.254.0.180']);
  expect(apply()).toEqual([]);
  expect(run('ip -o -4 address show dev lo')).toContain('192.0.2.9/32');
});

test('those of one purpose stay when another one has none', () => {
  expect([apply('169.254.0.179'), applyFor('names', '169.254.1.53')]).toEqual([['+169.254.0.179'], ['+169.254.1.53']]);
  expect(apply()).toEqual(['-169.254.0.179']);
  expect(standing()).toEqual(['169.254.1.53/32 scope host']);
  expect(applyFor('names')).toEqual(['-169.254.1.53']);
});
