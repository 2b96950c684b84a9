import { expect, test } from 'bun:test';
import { createReplyReader } from './control.ts';
import { parseRoutes } from './routes.ts';
import { parseBirdStatus } from './status.ts';

const linesOf = (reply: string) =>
  reply
    .split('\n')
    .map(createReplyReader())
    .map(({ line }) => line);

// what BIRD 2.0.12 says to `show route`
const ROUTES = `1007-Table master4:
 0.0.0.0/0            unicast [kernel_v4 07:04:52.565] * (10)
 	via 10.0.0.77 on eth0
 10.77.0.0/24         unicast [Mesh_10_0_0_2 07:04:53.505 from 10.0.0.2] * (100) [i]
 	via 10.0.0.2 on eth0
                      unreachable [Global_10_0_0_3 2026-11-27 from 10.0.0.3] (100/-) [AS65001i]
 10.201.0.0/16        unicast [kernel_v4 07:04:52.565] ! (10)
 	via 10.0.0.7 on eth0 weight 1
 	via 10.0.0.8 on eth0 onlink weight 1
 10.65.0.64/26        blackhole [blocks_v4 07:04:52.564] * (200)
 
 Table master6:
 fd00::/64            unicast [direct1 07:04:52.564] * (240)
 	dev eth0
0000 `;

test('routes are read with where they lead, who brought them, and whether they are used', () => {
  const via = (gateway: string) => ({ gateway, interfaceName: 'eth0' });
  const route = (destination: string, protocol: string, isBest: boolean, action = 'unicast') => ({
    ...{ destination, protocol, isBest, action },
  });
  expect(parseRoutes(linesOf(ROUTES))).toEqual([
    { ...route('0.0.0.0/0', 'kernel_v4', true), nextHops: [via('10.0.0.77')] },
    { ...route('10.77.0.0/24', 'Mesh_10_0_0_2', true), nextHops: [via('10.0.0.2')] },
    { ...route('10.77.0.0/24', 'Global_10_0_0_3', false, 'unreachable'), nextHops: [] },
    { ...route('10.201.0.0/16', 'kernel_v4', false), nextHops: [via('10.0.0.7'), via('10.0.0.8')] },
    { ...route('10.65.0.64/26', 'blocks_v4', true, 'blackhole'), nextHops: [] },
    { ...route('fd00::/64', 'direct1', true), nextHops: [{ gateway: undefined, interfaceName: 'eth0' }] },
  ]);
});

test('BIRD says what it is and since when', () => {
  const reply = `1000-BIRD 2.0.12
1011-Router ID is 10.0.0.2
 Hostname is host-1
 Current server time is 2026-11-28 07:04:55.142
 Last reboot on 2026-11-28 07:04:52.564
 Last reconfiguration on 2026-11-28 07:05:01.112
0013 Daemon is up and running`;
  expect(parseBirdStatus(linesOf(reply))).toEqual({
    version: '2.0.12',
    routerId: '10.0.0.2',
    startedAt: '2026-11-28 07:04:52',
    configuredAt: '2026-11-28 07:05:01',
  });
});
