// From inside a pod with every right over its own packets: nothing arrives that must not, and the host stays as it was.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { formatIp, parseIp } from '../../src/net/ip.ts';
import { eventually } from '../support/host/agent-host.ts';
import * as frames from './frames.ts';
import { FLOOD_SIZE, sendToEverNew } from './neighbour-flood.ts';
import { attacks } from './network-attacks.ts';
import { OUTSIDE, OUTSIDE6, openSite, type Site } from './site.ts';

let site: Site;

beforeAll(async () => {
  site = await openSite();
}, 60_000);

afterAll(async () => {
  await site.host.close();
}, 20_000);

/** What a pod must not change: who is whose neighbour, where things are, which addresses there are. */
const observe = () => ({
  neighbours: site.host.must(
    `for family in 4 6; do ip -$family neigh show nud all dev ${site.attacker.interfaceName} | grep -v NOARP; done | sort`,
  ),
  uplink: site.host.must(`ip neigh show ${formatIp(OUTSIDE)} | cut -d" " -f1-5`),
  routes: site.host.must('ip route; ip -6 route; ip route show cache; ip -6 route show cache'),
  addresses: site.host.must('ip -o address | sed "s/ tentative//"'),
});

/** The kernel takes a packet that has been sent within this time; those that must not arrive are waited for as long. */
const SETTLE_MS = 100;

test.each(attacks.map((attack, index) => [attack.name, attack, `mark-${index}-`] as const))(
  '%s',
  async (_name, attack, mark) => {
    const before = observe();
    site.inject(attack.frames(site, mark));
    if (attack.arrives) await eventually('the packet', 5_000, () => (site.heard().includes(mark) ? true : undefined));
    else await Bun.sleep(SETTLE_MS);
    expect(site.heard().includes(mark)).toBe(attack.arrives);
    expect(observe()).toEqual(before);
    expect(site.host.run(`ping -c1 -W2 ${formatIp(OUTSIDE)}`).status).toBe(0);
  },
);

test('a flood to ever new neighbours leaves entries that the kernel may drop at once, and asks for nobody', () => {
  const enter = `ip netns exec ${site.attacker.name}`;
  const unprivileged = 'setpriv --bounding-set=-all --inh-caps=-all';
  expect(site.host.must(`${enter} ${unprivileged} python3 -c '${sendToEverNew('eth0')}'`)).toBe('sent');
  const neighbours = (family: 4 | 6) =>
    site.host.must(`ip -n ${site.attacker.name} -${family} neigh show nud all dev eth0`).split('\n');
  for (const family of [4, 6] as const) {
    expect(neighbours(family).filter((line) => line.includes(' NOARP')).length).toBeGreaterThanOrEqual(FLOOD_SIZE);
    expect(neighbours(family).filter((line) => !/ (NOARP|PERMANENT)/.test(line))).toEqual([]);
  }
  site.host.must(`for f in 4 6; do ip -n ${site.attacker.name} -$f neigh flush nud noarp dev eth0; done`);
  expect(site.host.run(`${enter} ping -c1 -W2 ${formatIp(OUTSIDE)}`).status).toBe(0);
  expect(site.host.run(`${enter} ping -c1 -W2 ${formatIp(OUTSIDE6)}`).status).toBe(0);
});

const NOBODY = parseIp('10.98.0.77');
const floods: readonly (readonly [string, (port: number) => frames.Packet])[] = [
  ['UDP to ever new ports', (port) => frames.udp(site.attacker.ipv4, NOBODY, port, 'x')],
  ['requests for connections that nobody answers', (port) => frames.syn(site.attacker.ipv4, NOBODY, port, 6000)],
];

test.each(floods)('a flood of %s leaves room for the connections of others', async (_name, packetTo) => {
  const flows = () => Number(site.host.must('cat /proc/sys/net/netfilter/nf_conntrack_count'));
  const others = flows();
  site.inject(Array.from({ length: 800 }, (_, index) => frames.frame(site.link, packetTo(20_000 + index))));
  await eventually('the limit', 5_000, () =>
    / packets [1-9]\d* .*"too many flows"/.test(site.host.must('nft list chain inet ocicat from-workload'))
      ? true
      : undefined,
  );
  expect(flows()).toBeLessThan(others + 300);
  const ping = `ping -c1 -W2 ${formatIp(OUTSIDE)}`;
  expect(site.host.run(`ip netns exec ${site.victim.name} ${ping}`).status).toBe(0);
  expect(site.host.run(ping).status).toBe(0);
});
