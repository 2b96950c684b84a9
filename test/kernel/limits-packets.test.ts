// Limits of endpoints with real packets: how many in a second, how many connections at a time, and the mark that they get.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { defaultFirewallConfig } from '../../src/firewall/config.ts';
import { createFirewall, type Firewall } from '../../src/firewall/firewall.ts';
import type { KernelFirewall } from '../../src/kernel/nftables/firewall.ts';
import { parseCidr } from '../../src/net/cidr.ts';
import { formatIp, type Ip } from '../../src/net/ip.ts';
import type { TrafficLimits } from '../../src/policy/types/types.ts';
import { inNetns, openFirewallIn, removeAllNetns, runIn } from '../support/firewall/firewall-net.ts';
import {
  addHost,
  addPod,
  connects,
  countOf,
  endpointOf,
  networkOf,
  type Pod,
} from '../support/firewall/firewall-pods.ts';

interface Site {
  readonly host: string;
  readonly kernel: KernelFirewall;
  readonly firewall: Firewall;
  readonly a: Pod;
  readonly b: Pod;
}

let site: Site;
const open: { stop?(force: boolean): void; end?(): void }[] = [];
const NONE: TrafficLimits = { ingress: {}, egress: {} };

/** The kernel holds what is wanted, to the last flag. */
function limit(pod: Pod, limits: TrafficLimits): void {
  const changes = [{ kind: 'endpoint-set', endpoint: endpointOf(pod, 'one', { limits }) }] as const;
  expect(site.kernel.apply(site.firewall.apply(changes), site.firewall.ruleset)).toEqual({ kind: 'applied' });
  expect(site.kernel.resync(site.firewall.ruleset)).toEqual([]);
}

/** How many of 60 echo requests, sent within half a second, are answered. */
function answered(from: Pod, to: Ip): number {
  const command = ['sh', '-c', `ping -q -c 60 -i 0.005 -W 1 ${formatIp(to)} || true`];
  return Number(/(\d+) received/.exec(runIn(from.netns, command))?.[1]);
}

function rulesetOf(): string {
  return runIn(site.host, ['nft', 'list', 'ruleset']);
}

beforeAll(() => {
  const host = addHost();
  const firewall = createFirewall(defaultFirewallConfig);
  const [a, b] = [addPod(host, 1), addPod(host, 2)];
  site = { host, kernel: openFirewallIn(host), firewall, a, b };
  firewall.apply(networkOf('one', [a, b]));
  site.kernel.loadBase(defaultFirewallConfig);
  site.kernel.resync(firewall.ruleset);
  open.push(inNetns(b.netns, () => Bun.listen({ hostname: '::', port: 80, socket: { data() {} } })));
});

afterAll(() => {
  for (const one of open) {
    one.stop?.(true);
    one.end?.();
  }
  site.kernel.close();
  removeAllNetns();
});

test('packets beyond the rate are dropped, those of a flow that stands too, in both families and directions', () => {
  expect(answered(site.a, site.b.ipv4)).toBe(60);
  const slow = { packets: { rate: 10, burst: 5 } };
  for (const limits of [
    { ...NONE, ingress: slow },
    { ...NONE, egress: slow },
  ])
    for (const to of [site.b.ipv4, site.b.ipv6]) {
      limit(site.b, NONE);
      limit(site.b, limits);
      expect(answered(site.a, to)).toBeWithin(5, 30);
    }
  expect(countOf(site.host, 'too many packets')).toBeGreaterThan(20);
});

test('without limits nothing of them is left in the kernel', () => {
  limit(site.b, NONE);
  expect(answered(site.a, site.b.ipv4)).toBe(60);
  expect(rulesetOf()).not.toContain('limits-');
});

test('connections beyond the number are refused, those that stand go on, and one that ends makes room', async () => {
  limit(site.b, { ...NONE, ingress: { connections: 2 } });
  const socket = { data() {} };
  const connect = () => inNetns(site.a.netns, () => Bun.connect({ hostname: formatIp(site.b.ipv4), port: 80, socket }));
  const [first, second] = [await connect(), await connect()];
  open.push(second);
  expect(connects(site.a.netns, site.b.ipv4, 80)).toBe('refused');
  limit(site.b, NONE);
  expect(connects(site.a.netns, site.b.ipv4, 80)).toBe('open');
  first.end();
});

test('an endpoint has no more connections of its own than it may', async () => {
  limit(site.a, { ...NONE, egress: { connections: 1 } });
  const options = { hostname: formatIp(site.b.ipv6), port: 80, socket: { data() {} } };
  const held = await inNetns(site.a.netns, () => Bun.connect(options));
  expect(connects(site.a.netns, site.b.ipv4, 80)).toBe('refused');
  held.end();
  limit(site.a, NONE);
});

/** Counts at b what comes from a with this mark, 40 echo requests in all. */
function marked(to: Ip, mark: number): number {
  const table = `table inet seen { chain c { type filter hook input priority -400; ip dscp ${mark} icmp type echo-request counter; ip6 dscp ${mark} icmpv6 type echo-request counter; }; }`;
  runIn(site.b.netns, ['nft', '-f', '-'], table);
  runIn(site.a.netns, ['sh', '-c', `ping -q -c 4 -i 0.01 -W 1 ${formatIp(to)}`]);
  const listed = runIn(site.b.netns, ['nft', 'list', 'table', 'inet', 'seen']);
  runIn(site.b.netns, ['nft', 'delete', 'table', 'inet', 'seen']);
  return [...listed.matchAll(/packets (\d+)/g)].reduce((sum, [, packets]) => sum + Number(packets), 0);
}

test('packets to the world get the mark that the endpoint asks for, those to pools keep theirs', () => {
  limit(site.a, { ...NONE, dscp: 46 });
  for (const to of [site.b.ipv4, site.b.ipv6]) expect([marked(to, 46), marked(to, 0)]).toEqual([4, 0]);
  const pools = ['10.65.0.0/16', 'fd00:65::/64'].map((text) => ({ cidr: parseCidr(text), natOutgoing: false }));
  site.kernel.apply(site.firewall.setPools(pools), site.firewall.ruleset);
  for (const to of [site.b.ipv4, site.b.ipv6]) expect(marked(to, 46)).toBe(0);
});
