import { afterAll, beforeAll, expect, test } from 'bun:test';
import {
  type DesiredPath,
  type DesiredTunnel,
  type PathState,
  pathKey,
} from '../../src/kernel/reconcile/path-state.ts';
import { openPaths } from '../../src/kernel/reconcile/paths.ts';
import { applyRoutes } from '../../src/kernel/route/route-changes.ts';
import { observeRoutes, TABLE_MAIN, workloadRoute } from '../../src/kernel/route/routes.ts';
import { hostCidr } from '../../src/net/cidr.ts';
import { ipv4Of, ipv6Of, parseIp } from '../../src/net/ip.ts';
import { macFromBytes, parseMac } from '../../src/net/mac.ts';
import * as libc from '../../src/sys/libc.ts';
import { withRouteSocket } from '../../src/sys/netlink.ts';
import { createNetns, withNetns } from '../../src/sys/netns.ts';

const HOSTS = 500;
const BLOCKS = 4;

let netns: number;
const run = (command: string) =>
  withNetns(netns, () => Bun.spawnSync(['sh', '-c', command]))
    .stdout.toString()
    .trim();

beforeAll(() => {
  netns = createNetns();
  run(
    'ip link set lo up; ip link add eth0 type veth peer name far; ip addr add 10.99.0.1/16 dev eth0; ip link set eth0 up; ip link set far up',
  );
});
afterAll(() => libc.close(netns));

test('thousands of routes are made, refused and removed at once, and each that is refused is named', () => {
  const addresses = Array.from({ length: 3_000 }, (_, at) =>
    at % 2 === 0 ? ipv4Of(0x0a010000 + at) : ipv6Of((0xfd01n << 112n) + BigInt(at)),
  );
  const here = addresses.map((address) => workloadRoute(hostCidr(address), 1));
  withRouteSocket((socket) => {
    expect(applyRoutes(socket, { added: here, removed: [] })).toEqual([]);
    expect(observeRoutes(socket, { protocol: 3 })).toHaveLength(3_000);
    const elsewhere = here.filter(({ scope }) => scope === 'link').map((route) => ({ ...route, interfaceIndex: 2 }));
    const failures = applyRoutes(socket, { added: elsewhere, removed: [] });
    expect(failures.map(({ route }) => route)).toEqual(elsewhere);
    expect(failures.at(-1)?.error.message).toMatch(/10\.1\.11\.182\/32 .*another route to it exists$/);
    expect(applyRoutes(socket, { added: [], removed: here })).toEqual([]);
    expect(observeRoutes(socket, { protocol: 3 })).toEqual([]);
  }, netns);
});

function stateOf(hosts: number): PathState {
  const insideOf = (host: number) => ipv4Of(0xac100000 + host * BLOCKS * 64);
  const all = Array.from({ length: hosts }, (_, host) => host + 1);
  const peers = all.map((host) => ({
    address: insideOf(host),
    mac: macFromBytes(Uint8Array.of(0x66, 0, 0, 0, host >> 8, host & 255)),
    underlay: ipv4Of(0x0a630000 + 256 + host),
  }));
  const routes = all.flatMap((host) =>
    Array.from({ length: BLOCKS }, (_, block): DesiredPath => {
      const destination = { address: ipv4Of(insideOf(host) + block * 64), prefixLength: 26 };
      const link = { kind: 'name', name: 'vxlan.calico' } as const;
      return { destination, table: TABLE_MAIN, way: { kind: 'gateway', link, gateway: insideOf(host) } };
    }),
  );
  const tunnel: DesiredTunnel = {
    ...{ kind: 'vxlan', vni: 4096, port: 4789, local: parseIp('10.99.0.1'), mac: parseMac('66:00:00:00:00:00') },
    ...{ mtuBytes: 1450, addresses: [insideOf(0)], peers },
  };
  return {
    tunnels: new Map([['vxlan.calico', tunnel]]),
    routes: new Map(routes.map((route) => [pathKey(route), route])),
    rules: [],
  };
}

const counts = () =>
  run(
    'ip route show proto 80 | wc -l; bridge fdb show dev vxlan.calico | wc -l; ip neigh show dev vxlan.calico | wc -l',
  ).split('\n');

test('2,000 blocks of 500 hosts are routed in one go, one host of them comes and goes by itself, all go in one go', () => {
  const paths = withNetns(netns, () => openPaths());
  const [most, all] = [stateOf(HOSTS - 1), stateOf(HOSTS)];
  expect(paths.reconcile(all).failures).toEqual([]);
  expect(counts()).toEqual([String(HOSTS * BLOCKS), String(HOSTS), String(HOSTS)]);
  const { routes, neighbours, forwarding } = paths.change(all, most).paths;
  expect([routes.removed.length, neighbours.removed.length, forwarding.removed.length]).toEqual([BLOCKS, 1, 1]);
  expect(counts()).toEqual([String((HOSTS - 1) * BLOCKS), String(HOSTS - 1), String(HOSTS - 1)]);
  paths.change(most, all);
  const again = paths.reconcile(all).paths;
  expect([again.routes.set, again.routes.removed, again.neighbours.set, again.forwarding.set]).toEqual([
    [],
    [],
    [],
    [],
  ]);
  run('ip route flush proto 80; ip neigh flush dev vxlan.calico nud permanent; bridge fdb flush dev vxlan.calico');
  expect(paths.reconcile(all).failures).toEqual([]);
  expect(counts()).toEqual([String(HOSTS * BLOCKS), String(HOSTS), String(HOSTS)]);
  expect(paths.reconcile(stateOf(0)).failures).toEqual([]);
  expect(counts()).toEqual(['0', '0', '0']);
  paths.close();
});
