import { expect, test } from 'bun:test';
import { computeLabPlan } from './plan.ts';
import { printSegmentsScript, printUplinkScript } from './underlay.ts';

test('one segment is a bridge with the address of the services, and nothing is forwarded', () => {
  expect(printSegmentsScript(computeLabPlan('x', { nodes: 2, segments: 1, families: ['ipv4'] }))).toBe(`set -e
ip link set lo up
ip link add underlay address 02:00:00:00:99:01 type bridge
ip -4 address add 10.99.0.254/24 dev underlay
ip link set underlay up`);
});

test('between segments only what has an address of its own segment is looked up, and only among the segments', () => {
  const lines = printSegmentsScript(computeLabPlan('x', { nodes: 2, segments: 2, families: ['ipv4', 'ipv6'] })).split(
    '\n',
  );
  expect(lines.filter((line) => / rule |forward/.test(line))).toEqual([
    'ip -4 rule add pref 100 iif underlay from 10.99.0.0/24 lookup main',
    'ip -4 rule add pref 200 iif underlay blackhole',
    'ip -6 rule add pref 100 iif underlay from fd99::/64 lookup main',
    'ip -6 rule add pref 200 iif underlay blackhole',
    'ip -4 rule add pref 100 iif underlay-2 from 10.99.1.0/24 lookup main',
    'ip -4 rule add pref 200 iif underlay-2 blackhole',
    'ip -6 rule add pref 100 iif underlay-2 from fd99:0:0:1::/64 lookup main',
    'ip -6 rule add pref 200 iif underlay-2 blackhole',
    'echo 1 >/proc/sys/net/ipv4/ip_forward',
    'echo 1 >/proc/sys/net/ipv6/conf/all/forwarding',
  ]);
});

test('a host has the addresses and gateways of its segment', () => {
  const plan = computeLabPlan('x', { nodes: 2, segments: 2, families: ['ipv6'] });
  const [, second] = plan.nodes;
  if (second === undefined) throw new Error('no second host');
  expect(printUplinkScript(plan, second).split('\n').slice(2, 5)).toEqual([
    'ip -6 address add fd99:0:0:1::2/64 dev eth0 nodad',
    'ip link set eth0 up',
    'ip -6 route add default via fd99:0:0:1::254',
  ]);
});
