import { afterAll, beforeAll, expect, test } from 'bun:test';
import { withNetns } from '../../src/sys/netns.ts';
import { removePaths } from '../../src/uninstall/data-plane.ts';
import { createTunnelHosts, TUNNEL, type TunnelHosts } from '../support/host/tunnel-hosts.ts';

let hosts: TunnelHosts;
beforeAll(() => {
  hosts = createTunnelHosts();
});
afterAll(() => hosts.close());

const uninstall = () => withNetns(hosts.netns(0), removePaths);

test('tunnels, routes and rules of ours are taken off the host, a line for each, and nothing of anybody else', () => {
  hosts.run(0, 'ip link add mine type vxlan id 9 dstport 4790 dev eth0; ip route add 10.6.0.0/24 via 10.99.0.2');
  const look = () => hosts.run(0, 'ip -br link; ip -4 route show table all; ip rule; ip -6 route | grep -v fe80');
  const before = look();
  const rule = { family: 4, mark: 1, mask: 1, isInverted: true, table: 77, priority: 99 } as const;
  hosts.reconcile(0, { ...hosts.desired(0), rules: [rule] });
  expect(uninstall()).toEqual([
    `removed link ${TUNNEL}`,
    expect.stringMatching(/^removed route blackhole 192.168.0.0\/26/),
    expect.stringMatching(/^removed route 192.168.64.0\/26 via 192.168.64.1/),
    expect.stringMatching(/^removed route blackhole fd00:a::\/112/),
    expect.stringMatching(/^removed route fd00:b::\/112 via fd00:b::1/),
    'removed rule 99 to table 77',
  ]);
  expect(look()).toBe(before);
  expect(uninstall()).toEqual([]);
});
