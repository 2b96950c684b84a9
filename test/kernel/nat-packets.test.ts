// Translated addresses with real packets: which address and port a packet leaves with, and floating addresses of endpoints.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { defaultFirewallConfig, type FirewallConfig } from '../../src/firewall/config.ts';
import { createFirewall, type Firewall } from '../../src/firewall/firewall.ts';
import type { KernelFirewall } from '../../src/kernel/nftables/firewall.ts';
import { parseCidr } from '../../src/net/cidr.ts';
import { formatIp, type Ip, isIpv4, parseIp } from '../../src/net/ip.ts';
import type { FloatingAddress } from '../../src/policy/types/types.ts';
import {
  addNetns,
  inNetns,
  nft,
  openFirewallIn,
  removeAllNetns,
  run,
  runIn,
} from '../support/firewall/firewall-net.ts';
import { addHost, addPod, endpointOf, networkOf, type Pod } from '../support/firewall/firewall-pods.ts';

const OUTSIDE = parseIp('192.0.2.2');
const OUTSIDE6 = parseIp('2001:db8::2');
const PORT = 7000;
const FLOATING = parseIp('203.0.113.9');
const FLOATING6 = parseIp('2001:db8:9::9');

interface Site {
  readonly host: string;
  readonly outside: string;
  readonly kernel: KernelFirewall;
  readonly firewall: Firewall;
  readonly a: Pod;
  readonly b: Pod;
}

let site: Site;
const servers: { stop(force: boolean): void }[] = [];

/** Answers a connection with the address and port that it came from. */
function answerWithPeer(netns: string, hostname: string): void {
  const open = (socket: Bun.Socket) => void socket.end(`${socket.remoteAddress} ${socket.remotePort}`);
  servers.push(inNetns(netns, () => Bun.listen({ hostname, port: PORT, socket: { open, data() {} } })));
}

/** Another host, which knows the way to the floating addresses and to nothing else behind this one. */
function addOutside(host: string): string {
  const outside = addNetns();
  run(['ip', '-n', host, 'link', 'add', 'eth9', 'type', 'veth', 'peer', 'name', 'eth9', 'netns', outside]);
  const of = (ends: string) => [
    'sh',
    '-ec',
    `sysctl -qw net.ipv6.conf.eth9.accept_dad=0; ip link set eth9 up; ${ends}`,
  ];
  runIn(
    host,
    of(
      'ip addr add 192.0.2.1/24 dev eth9; ip addr add 192.0.2.7/32 dev eth9; ip -6 addr add 2001:db8::1/64 dev eth9 nodad',
    ),
  );
  runIn(
    outside,
    of(`ip link set lo up; ip addr add 192.0.2.2/24 dev eth9; ip -6 addr add 2001:db8::2/64 dev eth9 nodad
      ip route add 203.0.113.0/24 via 192.0.2.1; ip -6 route add 2001:db8:9::/64 via 2001:db8::1`),
  );
  return outside;
}

/** What is answered to a connection from there; undefined when none comes within a second. */
async function askFrom(netns: string, to: Ip): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const socket = {
    data: (_: unknown, bytes: Buffer) => resolve(bytes.toString()),
    error: () => resolve(undefined),
    connectError: () => resolve(undefined),
  };
  setTimeout(() => resolve(undefined), 1_000);
  inNetns(netns, () => Bun.connect({ hostname: formatIp(to), port: PORT, socket })).then(
    (client) => promise.finally(() => client.end()),
    () => resolve(undefined),
  );
  return promise;
}

/** By this configuration; the kernel holds what is wanted, to the last flag. */
function configure(nat: Partial<FirewallConfig['nat']>): void {
  const config = { ...defaultFirewallConfig, nat: { ...defaultFirewallConfig.nat, ...nat } };
  expect(site.kernel.apply(site.firewall.setConfig(config), site.firewall.ruleset)).toEqual({ kind: 'applied' });
  expect(site.kernel.resync(site.firewall.ruleset)).toEqual([]);
}

function float(pod: Pod, floating: readonly FloatingAddress[]): void {
  const changes = [{ kind: 'endpoint-set', endpoint: endpointOf(pod, 'one', { floating }) }] as const;
  expect(site.kernel.apply(site.firewall.apply(changes), site.firewall.ruleset)).toEqual({ kind: 'applied' });
  expect(site.kernel.resync(site.firewall.ruleset)).toEqual([]);
}

const portOf = (answer: string | undefined): number => Number(answer?.split(' ')[1]);

beforeAll(() => {
  const host = addHost();
  const outside = addOutside(host);
  const firewall = createFirewall(defaultFirewallConfig);
  const [a, b] = [addPod(host, 1), addPod(host, 2)];
  site = { host, outside, kernel: openFirewallIn(host), firewall, a, b };
  firewall.apply(networkOf('one', [a, b]));
  // the outside may speak to pods
  firewall.apply([{ kind: 'set-changed', id: 's:one', type: 'address', added: [OUTSIDE, OUTSIDE6], removed: [] }]);
  firewall.setPools(
    [parseCidr('10.65.0.0/16'), parseCidr('fd00:65::/64')].map((cidr) => ({ cidr, natOutgoing: true })),
  );
  site.kernel.loadBase(defaultFirewallConfig);
  site.kernel.resync(firewall.ruleset);
  for (const hostname of [formatIp(OUTSIDE), formatIp(OUTSIDE6)]) answerWithPeer(outside, hostname);
  for (const pod of [a, b])
    for (const hostname of [pod.ipv4, pod.ipv6].map(formatIp)) answerWithPeer(pod.netns, hostname);
});

afterAll(() => {
  for (const server of servers) server.stop(true);
  site.kernel.close();
  removeAllNetns();
});

test('with natPortRange packets leave from ports of it, in both families', async () => {
  configure({ ports: { min: 41_000, max: 41_003 } });
  for (const [to, as] of [
    [OUTSIDE, '192.0.2.1'],
    [OUTSIDE6, '2001:db8::1'],
  ] as const) {
    const answer = await askFrom(site.a.netns, to);
    expect(answer?.split(' ')[0]).toBe(as);
    expect(portOf(answer)).toBeWithin(41_000, 41_004);
  }
});

test('with natOutgoingAddress packets leave with that address, from a range of ports too', async () => {
  configure({ address: parseIp('192.0.2.7') });
  expect(await askFrom(site.a.netns, OUTSIDE)).toStartWith('192.0.2.7 ');
  configure({ address: parseIp('192.0.2.7'), ports: { min: 42_000, max: 42_000 } });
  expect(await askFrom(site.a.netns, OUTSIDE)).toBe('192.0.2.7 42000');
  expect(await askFrom(site.a.netns, OUTSIDE6)).toBe('2001:db8::1 42000');
});

test('with an interface filter only what leaves through such an interface is translated', async () => {
  configure({ interfaceFilter: 'eth8' });
  expect(await askFrom(site.a.netns, OUTSIDE)).toBeUndefined(); // nobody there knows the way back
  for (const interfaceFilter of ['eth9', 'eth+', '+']) {
    configure({ interfaceFilter });
    expect(await askFrom(site.a.netns, OUTSIDE)).toStartWith('192.0.2.1 ');
  }
});

test('a floating address leads to its endpoint, from outside, from the host and from its neighbours, in both families', async () => {
  const floating = [
    { external: FLOATING, internal: site.b.ipv4 },
    { external: FLOATING6, internal: site.b.ipv6 },
  ];
  configure({ floatingAddresses: true });
  for (const to of [FLOATING, FLOATING6]) {
    expect(await askFrom(site.outside, to)).toBeUndefined();
    runIn(site.host, ['ip', 'route', 'add', formatIp(to), 'dev', site.b.interfaceName]); // as the agent does
  }
  float(site.b, floating);
  for (const to of [FLOATING, FLOATING6]) {
    expect(await askFrom(site.outside, to)).toStartWith(`${formatIp(isIpv4(to) ? OUTSIDE : OUTSIDE6)} `);
    expect(await askFrom(site.host, to)).toBeDefined();
    expect(await askFrom(site.a.netns, to)).toStartWith(`${formatIp(isIpv4(to) ? site.a.ipv4 : site.a.ipv6)} `);
  }
});

test('an endpoint that calls its own floating address is called by that address', async () => {
  expect(await askFrom(site.b.netns, FLOATING)).toStartWith(`${formatIp(FLOATING)} `);
  expect(await askFrom(site.b.netns, FLOATING6)).toStartWith(`${formatIp(FLOATING6)} `);
});

test('policy is asked about the endpoint behind a floating address', async () => {
  const removed = [OUTSIDE];
  const steps = site.firewall.apply([{ kind: 'set-changed', id: 's:one', type: 'address', added: [], removed }]);
  site.kernel.apply(steps, site.firewall.ruleset);
  expect(await askFrom(site.outside, FLOATING)).toBeUndefined();
  expect(await askFrom(site.outside, FLOATING6)).toBeDefined();
});

test('of two endpoints that name a floating address the first address has it, whoever came first', async () => {
  float(site.a, [{ external: FLOATING, internal: site.a.ipv4 }]);
  expect(nft(site.host, 'list map inet ocicat floating-addresses4')).toContain(formatIp(FLOATING));
  expect(await askFrom(site.a.netns, FLOATING)).toStartWith(`${formatIp(FLOATING)} `); // its own now
  float(site.a, []);
  expect(await askFrom(site.a.netns, FLOATING)).toStartWith(`${formatIp(site.a.ipv4)} `);
});

test('without floatingIPs nothing is translated, and nothing of it is left in the kernel', async () => {
  configure({});
  expect(await askFrom(site.a.netns, FLOATING)).toBeUndefined();
  const listed = runIn(site.host, ['nft', 'list', 'ruleset']);
  expect(listed).not.toContain('dnat');
  expect(listed).not.toContain(formatIp(FLOATING));
});
