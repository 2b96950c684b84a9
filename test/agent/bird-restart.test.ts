// BIRD dies and comes again beside a peer that is gone, in one family and then in both: what the others say counts at once, and
// no route that they have breaks.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { type Cidr, parseCidr } from '../../src/net/cidr.ts';
import { computeBirdConfig } from '../../src/routing/bird/config.ts';
import type { BgpSettings, RoutingNode } from '../../src/routing/input.ts';
import { withNetns } from '../../src/sys/netns.ts';
import { closeHost, type Host, node, openPair, run, until, untilSteady } from '../support/host/bird-hosts.ts';
import { usualBgp } from '../support/routing/bgp-settings.ts';

let pair: readonly [Host, Host];
beforeAll(() => {
  pair = openPair();
});
afterAll(async () => {
  for (const host of pair) await closeHost(host);
});

const bgp: BgpSettings = { ...usualBgp, logLevel: 'none' };

function apply({ node: own, bird }: Host, dead: readonly RoutingNode[], blocks: readonly string[]) {
  const pools = ['10.65.0.0/16', 'fd65::/48'].map((cidr) => ({
    ...{ cidr: parseCidr(cidr), encapsulation: 'none', exported: true },
  })) as readonly { readonly cidr: Cidr; readonly encapsulation: 'none'; readonly exported: boolean }[];
  const nodes = [...pair.map((host) => host.node), ...dead];
  return bird.apply(
    computeBirdConfig({ nodeName: own.name, nodes, pools, ownBlocks: blocks.map(parseCidr), bgp, peers: [] }),
  );
}

const learned = (host: Host) =>
  run(host, "{ ip route show proto bird; ip -6 route show proto bird; } | awk '/via/ { print $1 }'")
    .split('\n')
    .join(' ');

/** What happens to routes of BIRD in a host's kernel, as `ip monitor` says it, until it is ended. */
function monitorRoutes(host: Host): () => Promise<string> {
  const monitor = withNetns(host.netns, () => Bun.spawn(['ip', 'monitor', 'route'], { stdout: 'pipe' }));
  return async () => {
    monitor.kill();
    return new Response(monitor.stdout).text();
  };
}

/** Destinations behind a gateway that a host has lost, be it for a moment. */
const lostWays = (seen: string) => [...seen.matchAll(/^Deleted (\S+) via/gm)].map(([, destination]) => destination);

const pidOf = ({ log }: Host) => Number(log.map((line) => /process id (\d+)$/.exec(line)?.[1]).findLast(Boolean));
const six = { ...node(3), ipv4: undefined };
const DEAD: readonly (readonly [what: string, dead: RoutingNode])[] = [
  ['of IPv6', { name: six.name, labels: six.labels, ...(six.ipv6 === undefined ? {} : { ipv6: six.ipv6 }) }],
  ['of both families', node(4)],
];
const STAY = ['10.65.1.0/26', 'fd65::1:0/122'];

for (const [what, dead] of DEAD)
  test(`a dead peer ${what} delays nobody’s routes when BIRD has died, and none breaks`, async () => {
    const [a, b] = pair;
    await apply(a, [dead], ['10.65.0.0/26', 'fd65::/122']);
    await apply(b, [dead], [...STAY, '10.65.1.64/26']);
    await until('10.65.1.0/26 10.65.1.64/26 fd65::1:0/122', () => learned(a), 10_000);
    await until('10.65.0.0/26 fd65::/122', () => learned(b), 10_000);
    // a second death before the first is over breaks routes (RFC 4724, section 4.2)
    for (const host of pair) await untilSteady(host);
    const [seenByA, seenByB] = [monitorRoutes(a), monitorRoutes(b)];
    process.kill(pidOf(a), 'SIGKILL');
    await apply(b, [dead], [...STAY, '10.65.1.128/26']);
    const startMs = performance.now();
    await until('10.65.1.0/26 10.65.1.64/26 10.65.1.128/26 fd65::1:0/122', () => learned(a), 7_000);
    await until('10.65.1.0/26 10.65.1.128/26 fd65::1:0/122', () => learned(a), 20_000);
    expect(performance.now() - startMs).toBeLessThan(12_000);
    expect([await seenByA(), await seenByB()].map(lostWays)).toEqual([['10.65.1.64/26'], []]);
  }, 60_000);
