import { afterAll, beforeAll, expect, test } from 'bun:test';
import { observeLinks } from '../../src/kernel/link/links.ts';
import { applyRoutes } from '../../src/kernel/route/route-changes.ts';
import {
  formatRoute,
  observeRoutes,
  type Route,
  type RouteFilter,
  workloadRoute,
} from '../../src/kernel/route/routes.ts';
import { parseCidr } from '../../src/net/cidr.ts';
import { parseIp } from '../../src/net/ip.ts';
import * as libc from '../../src/sys/libc.ts';
import * as netlink from '../../src/sys/netlink.ts';
import { createNetns, withNetns } from '../../src/sys/netns.ts';

let netns: number;
let socket: netlink.Netlink;
let cali0: number;
let cali1: number;
beforeAll(() => {
  netns = createNetns();
  run('for i in 0 1; do ip link add cali$i type bridge; ip link set cali$i up; done');
  socket = withNetns(netns, () => netlink.openNetlink(netlink.NETLINK_ROUTE));
  [cali0, cali1] = ['cali0', 'cali1'].map(
    (name) => observeLinks(socket).find((link) => link.name === name)?.index ?? 0,
  ) as [number, number];
});
afterAll(() => {
  socket.close();
  libc.close(netns);
});

function run(command: string): string {
  const { stdout, stderr } = withNetns(netns, () => Bun.spawnSync(['sh', '-c', command]));
  return `${stdout}${stderr}`.replaceAll(/[ \t]+$/gm, '').trim();
}

test('routes are added, found by filter and removed in batches', () => {
  const via: Route = {
    destination: parseCidr('10.9.0.0/16'),
    table: 300,
    protocol: 80,
    scope: 'universe',
    type: 'unicast',
    interfaceIndex: cali0,
    gateway: parseIp('10.0.0.1'),
    source: undefined,
    metric: 0,
  };
  const workloads = [
    workloadRoute(parseCidr('10.0.0.1/32'), cali0),
    workloadRoute(parseCidr('10.0.0.2/32'), cali1),
    workloadRoute(parseCidr('fd00::1/128'), cali0),
  ];
  expect(applyRoutes(socket, { added: [...workloads, via], removed: [] })).toEqual([]);
  const cases: readonly (readonly [RouteFilter, readonly Route[]])[] = [
    [{ protocol: 3 }, workloads],
    [{ family: 4, interfaceIndex: cali1 }, workloads.slice(1, 2)],
    [{ family: 6, protocol: 3 }, workloads.slice(2)],
    [{ table: 300 }, [via]],
    [{ protocol: 99 }, []],
  ];
  for (const [filter, routes] of cases) expect(observeRoutes(socket, filter)).toEqual(routes);
  expect(applyRoutes(socket, { added: workloads, removed: [via] })).toEqual([]);
  expect(applyRoutes(socket, { added: [], removed: [...workloads, via] })).toEqual([]);
  expect(observeRoutes(socket, { protocol: 3 })).toEqual([]);
});

test("somebody else's route in the way is reported, and the other routes are made", () => {
  run('ip route add 10.1.0.1/32 dev cali1 metric 1024');
  const wanted = [workloadRoute(parseCidr('10.1.0.1/32'), cali0), workloadRoute(parseCidr('10.1.0.2/32'), cali0)];
  const failures = applyRoutes(socket, { added: wanted, removed: [] });
  expect(failures.map(({ error }) => error.message)).toEqual([
    `add route "10.1.0.1/32 interface ${cali0} metric 1024": another route to it exists`,
  ]);
  expect(run('ip route')).toBe('10.1.0.1 dev cali1 scope link metric 1024\n10.1.0.2 dev cali0 scope link metric 1024');
  expect(wanted.map(formatRoute)[1]).toBe(`10.1.0.2/32 interface ${cali0} metric 1024`);
});
