// A node in another subnet, behind the host's own default route, beside a router that announces one: its routes stay.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { parseCidr } from '../../src/net/cidr.ts';
import { ipv4Of, parseIp } from '../../src/net/ip.ts';
import { computeBirdConfig } from '../../src/routing/bird/config.ts';
import type { RoutingInput } from '../../src/routing/input.ts';
import { closeHost, type Host, openPair, run, until } from '../support/host/bird-hosts.ts';
import { usualBgp } from '../support/routing/bgp-settings.ts';

let pair: readonly [Host, Host];
beforeAll(() => {
  pair = openPair();
});
afterAll(async () => {
  for (const host of pair) await closeHost(host);
});

/** The other end is the gateway, the node behind it, and by the next hop of the default route a router. */
const OTHERS = `router id 10.0.0.2;
protocol device {}
protocol static inside { ipv4; route 10.65.5.0/26 unreachable; }
protocol static outside { ipv4; route 0.0.0.0/0 unreachable; }
protocol bgp far { local 10.5.0.5 as 64512; neighbor 10.0.0.1 as 64512; multihop;
  ipv4 { import all; export filter { if proto = "outside" then bgp_next_hop = 10.0.0.2; accept; }; }; }
`;

test('a default route by BGP does not hide the host’s own from the next hops of other routes', async () => {
  const [a, b] = pair;
  run(b, 'ip address add 10.5.0.5/32 dev lo');
  run(a, 'ip route add default via 10.0.0.2');
  const input: RoutingInput = {
    nodeName: a.node.name,
    nodes: [a.node, { name: 'far', ipv4: ipv4Of(Number(parseIp('10.5.0.5'))), labels: new Map() }],
    pools: [{ cidr: parseCidr('10.65.0.0/16'), encapsulation: 'none', exported: true }],
    ownBlocks: [],
    bgp: { ...usualBgp, logLevel: 'none' },
    peers: [],
  };
  await a.bird.apply(computeBirdConfig(input));
  await b.bird.apply(OTHERS);
  const routes = () => run(a, "ip route show proto bird | awk '{ print $1, $3, $NF }'");
  await until('default 10.0.0.2 2147483547\n10.65.5.0/26 10.0.0.2 2147483547', routes, 15_000);
  expect(run(a, 'ip route get 198.51.100.1')).not.toContain('metric');
}, 30_000);
