// What the firewall does to real packets between pods, their host and the world outside.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { defaultFirewallConfig } from '../../src/firewall/config.ts';
import { createFirewall, type Firewall } from '../../src/firewall/firewall.ts';
import type { KernelFirewall } from '../../src/kernel/nftables/firewall.ts';
import { parseCidr } from '../../src/net/cidr.ts';
import { formatIp, type Ip, parseIp } from '../../src/net/ip.ts';
import { ANY_SIDE, type PolicyChange, type RuleList } from '../../src/policy/types/types.ts';
import { allowing } from '../support/firewall/firewall-cases.ts';
import { addNetns, inNetns, openFirewallIn, removeAllNetns, run, runIn } from '../support/firewall/firewall-net.ts';
import {
  addHost,
  addPod,
  connects,
  countOf,
  endpointOf,
  HOST_IPV4,
  HOST_IPV6,
  networkOf,
  type Pod,
  pings,
  sendRaw,
  sendUdp,
} from '../support/firewall/firewall-pods.ts';

const servers: { stop(force: boolean): void }[] = [];

interface Site {
  readonly host: string;
  readonly kernel: KernelFirewall;
  readonly firewall: Firewall;
  readonly a: Pod;
  readonly b: Pod;
  readonly c: Pod;
  readonly unknown: Pod;
}

let site: Site;

/** Takes connections in the background: the kernel opens them whether or not anybody accepts. */
function listen(netns: string, hostname: string, port: number): void {
  servers.push(inNetns(netns, () => Bun.listen({ hostname, port, socket: { data() {} } })));
}

function apply(changes: readonly PolicyChange[]): void {
  const steps = site.firewall.apply(changes);
  expect(site.kernel.apply(steps, site.firewall.ruleset)).toEqual({ kind: 'applied' });
}

function both(pod: Pod): readonly Ip[] {
  return [pod.ipv4, pod.ipv6];
}

beforeAll(() => {
  const host = addHost();
  const kernel = openFirewallIn(host);
  const [a, b, c, unknown] = [addPod(host, 1), addPod(host, 2), addPod(host, 3), addPod(host, 4)];
  site = {
    host,
    kernel,
    firewall: createFirewall({ ...defaultFirewallConfig, sourceSpoofing: true }),
    a,
    b,
    c,
    unknown,
  };
});

afterAll(() => {
  for (const server of servers) server.stop(true);
  site.kernel.close();
  removeAllNetns();
});

test('without the firewall the pods reach one another and the host (so that the tests below mean something)', () => {
  for (const to of [...both(site.b), ...both(site.unknown), HOST_IPV4, HOST_IPV6])
    expect(pings(site.a.netns, to)).toBe(true);
  for (const to of both(site.unknown)) expect(pings(site.host, to)).toBe(true);
});

test('promise 2: with the static part alone every workload is unknown: nothing from it, nothing to it, in both families', () => {
  site.kernel.loadBase(defaultFirewallConfig);
  for (const to of [...both(site.b), HOST_IPV4, HOST_IPV6]) expect(pings(site.a.netns, to)).toBe(false);
  for (const to of both(site.a)) expect(pings(site.host, to)).toBe(false);
  expect(countOf(site.host, 'unknown interface')).toBeGreaterThan(3);
});

test('pods of one network reach one another, those of another and unknown ones do not', () => {
  apply([...networkOf('one', [site.a, site.b]), ...networkOf('two', [site.c])]);
  for (const to of [...both(site.b)]) expect(pings(site.a.netns, to)).toBe(true);
  for (const to of both(site.a)) {
    expect(pings(site.b.netns, to)).toBe(true);
    expect(pings(site.c.netns, to)).toBe(false);
    expect(pings(site.unknown.netns, to)).toBe(false);
  }
  for (const to of [...both(site.c), ...both(site.unknown)]) expect(pings(site.a.netns, to)).toBe(false);
  expect(countOf(site.host, 'no policy or profile decided')).toBeGreaterThan(1);
});

test('the host reaches known workloads only, and they reach it only when told', () => {
  for (const to of both(site.a)) expect(pings(site.host, to)).toBe(true);
  for (const to of both(site.unknown)) expect(pings(site.host, to)).toBe(false);
  for (const to of [HOST_IPV4, HOST_IPV6]) expect(pings(site.a.netns, to)).toBe(false);
  expect(countOf(site.host, 'workload to host')).toBe(2);
  const config = { ...defaultFirewallConfig, endpointToHostAction: 'return' } as const;
  expect(site.kernel.loadBase(config)).toEqual({
    kind: 'loaded',
    findings: [{ object: 'rules', name: 'host-action', state: 'changed' }],
  });
  for (const to of [HOST_IPV4, HOST_IPV6]) expect(pings(site.a.netns, to)).toBe(true);
  for (const to of [HOST_IPV4, HOST_IPV6]) expect(pings(site.unknown.netns, to)).toBe(false);
  for (const to of both(site.b)) expect(pings(site.a.netns, to)).toBe(true);
  site.kernel.loadBase(defaultFirewallConfig);
});

test('a workload sends only from its own addresses and its allowed sources', () => {
  const [other4, other6] = [parseIp('10.65.0.77'), parseIp('fd00:65::77')];
  for (const address of [other4, other6])
    runIn(site.a.netns, ['ip', 'address', 'add', formatIp(address), 'dev', 'eth0', 'noprefixroute']);
  for (const [address, pod] of [
    [other4, site.a],
    [other6, site.a],
  ] as const) {
    runIn(site.host, ['ip', 'route', 'add', formatIp(address), 'dev', pod.interfaceName]);
  }
  const reaches = (): readonly boolean[] => [
    pings(site.a.netns, site.b.ipv4, other4),
    pings(site.a.netns, site.b.ipv6, other6),
  ];
  const added = [other4, other6];
  apply([{ kind: 'set-changed', id: 's:one', type: 'address', added, removed: [] }]);
  expect(reaches()).toEqual([false, false]);
  expect(countOf(site.host, 'source address of somebody else')).toBeGreaterThanOrEqual(2);
  const allowedSources = [parseCidr('10.65.0.64/26'), parseCidr('fd00:65::70/124')];
  apply([{ kind: 'endpoint-set', endpoint: endpointOf(site.a, 'one', { allowedSources }) }]);
  expect(reaches()).toEqual([true, true]);
  apply([
    { kind: 'set-changed', id: 's:one', type: 'address', added: [], removed: added },
    { kind: 'endpoint-set', endpoint: endpointOf(site.a, 'one') },
  ]);
  expect(reaches()).toEqual([false, false]);
});

test('a workload opens no tunnel, plays no router and serves no addresses', () => {
  for (const to of both(site.b)) sendUdp(site.a.netns, to, 4789);
  expect(countOf(site.host, 'VXLAN from a workload')).toBe(2);
  sendRaw(site.a.netns, site.b.ipv4, 4, new Uint8Array(20));
  sendRaw(site.a.netns, site.b.ipv6, 4, new Uint8Array(20));
  expect(countOf(site.host, 'IP in IP from a workload')).toBe(2);
  sendRaw(site.a.netns, site.b.ipv6, 58, Uint8Array.of(134, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
  expect(countOf(site.host, 'router advertisement')).toBe(1);
  sendRaw(site.a.netns, site.b.ipv6, 58, Uint8Array.of(137, ...new Uint8Array(39)));
  expect(countOf(site.host, 'redirect')).toBe(1);
  sendRaw(site.a.netns, site.b.ipv4, 17, Uint8Array.of(0, 67, 0, 68, 0, 8, 0, 0));
  expect(countOf(site.host, 'DHCP server')).toBe(1);
  sendRaw(site.a.netns, site.b.ipv6, 17, Uint8Array.of(2, 35, 2, 34, 0, 8, 0, 0));
  expect(countOf(site.host, 'DHCPv6 server')).toBe(1);
});

/** In tier one: whatever goes to port 81 is denied, 82 allowed, 83 left to tier two, all else too (default pass). */
function tierPolicies(): readonly PolicyChange[] {
  const toPort = (action: 'allow' | 'deny' | 'pass', port: number) =>
    allowing({ action, protocol: 6, destination: { ...ANY_SIDE, ports: [{ min: port, max: port }] } });
  const first: RuleList = {
    id: 'GlobalNetworkPolicy//first',
    ingress: [toPort('deny', 81), toPort('allow', 82), toPort('pass', 83), toPort('deny', 83)],
    egress: [],
  };
  const second: RuleList = { id: 'NetworkPolicy/default/second', ingress: [toPort('allow', 83)], egress: [] };
  const tiers = [
    { tier: 'one', defaultAction: 'deny', ingress: [first.id], egress: [] },
    { tier: 'two', defaultAction: 'deny', ingress: [second.id], egress: [] },
  ] as const;
  return [
    { kind: 'rules-set', list: first },
    { kind: 'rules-set', list: second },
    { kind: 'endpoint-set', endpoint: endpointOf(site.b, 'one', { tiers }) },
  ];
}

test('tiers decide before profiles, pass skips the rest of a tier', () => {
  for (const port of [80, 81, 82, 83]) listen(site.b.netns, '0.0.0.0', port);
  const tryAll = () => [80, 81, 82, 83].map((port) => connects(site.a.netns, site.b.ipv4, port));
  expect(tryAll()).toEqual(['open', 'open', 'open', 'open']);
  apply(tierPolicies());
  expect(tryAll()).toEqual(['timeout', 'timeout', 'open', 'open']);
  apply([
    { kind: 'endpoint-set', endpoint: endpointOf(site.b, 'one') },
    { kind: 'rules-removed', id: 'GlobalNetworkPolicy//first' },
    { kind: 'rules-removed', id: 'NetworkPolicy/default/second' },
  ]);
  expect(tryAll()).toEqual(['open', 'open', 'open', 'open']);
});

/** A connection from one pod to a port of another that answers with what it gets; throws when it does not within a second. */
async function openEcho(from: Pod, to: Pod, port: number): Promise<(expected: string) => Promise<string>> {
  let answered: (expected: string) => void = () => {};
  const echo = {
    hostname: '0.0.0.0',
    port,
    socket: { data: (at: Bun.Socket, expected: Buffer) => void at.write(expected) },
  };
  servers.push(inNetns(to.netns, () => Bun.listen(echo)));
  const handlers = { data: (_socket: unknown, data: Buffer) => answered(data.toString()) };
  const options = { hostname: formatIp(to.ipv4), port, socket: handlers };
  const socket = await inNetns(from.netns, () => Bun.connect(options));
  servers.push({ stop: () => socket.end() });
  return (expected) => {
    const answer = new Promise<string>((resolve, reject) => {
      answered = resolve;
      setTimeout(() => reject(new Error('no answer')), 1000);
    });
    socket.write(expected);
    return answer;
  };
}

test('promise 3: a restart keeps allowed flows and denied ones denied until the state is known again', async () => {
  const say = await openEcho(site.a, site.b, 90);
  expect(await say('before')).toBe('before');
  const restarted = openFirewallIn(site.host);
  expect(restarted.loadBase(defaultFirewallConfig)).toEqual({ kind: 'loaded', findings: [] });
  expect(await say('meanwhile')).toBe('meanwhile');
  expect(pings(site.a.netns, site.b.ipv4)).toBe(true);
  expect(pings(site.c.netns, site.b.ipv4)).toBe(false);
  expect(restarted.resync(site.firewall.ruleset)).toEqual([]);
  expect(await say('after')).toBe('after');
  restarted.close();
});

test('a policy that comes to deny new connections leaves the established ones', async () => {
  const say = await openEcho(site.a, site.b, 91);
  expect(await say('before')).toBe('before');
  apply([{ kind: 'endpoint-set', endpoint: endpointOf(site.b, 'one', { profiles: [] }) }]);
  expect(await say('after')).toBe('after');
  expect(connects(site.a.netns, site.b.ipv4, 91)).toBe('timeout');
  apply([{ kind: 'endpoint-set', endpoint: endpointOf(site.b, 'one') }]);
  expect(connects(site.a.netns, site.b.ipv4, 91)).toBe('open');
});

test('with denyAction reject a denied connection is refused at once', () => {
  const config = { ...defaultFirewallConfig, denyAction: 'reject' } as const;
  const firewall = createFirewall(config);
  firewall.apply([...networkOf('one', [site.a, site.b]), ...networkOf('two', [site.c])]);
  site.kernel.resync(firewall.ruleset);
  expect(connects(site.c.netns, site.b.ipv4, 80)).toBe('refused');
  expect(connects(site.c.netns, site.b.ipv6, 80)).toBe('refused');
  site.kernel.resync(site.firewall.ruleset);
  expect(connects(site.c.netns, site.b.ipv4, 80)).toBe('timeout');
});

test('a flood of packets that a log rule names writes as many lines as its limit allows', () => {
  const logging: RuleList = {
    id: 'Profile//two',
    ingress: [allowing({ action: 'log', comment: 'lines' }), allowing()],
    egress: [allowing()],
  };
  apply([{ kind: 'rules-set', list: logging }]);
  const startedMs = performance.now();
  for (let sent = 0; sent < 200; sent++) sendUdp(site.a.netns, site.c.ipv4, 3000 + sent);
  const seconds = (performance.now() - startedMs) / 1000;
  const { rate, burst } = defaultFirewallConfig.logLimit;
  const lines = countOf(site.host, 'rule 0: lines');
  expect(lines).toBeGreaterThanOrEqual(burst);
  expect(lines).toBeLessThanOrEqual(burst + Math.ceil(seconds * rate));
  apply(networkOf('two', [site.c]).filter(({ kind }) => kind === 'rules-set'));
});

test('packets from a pool with natOutgoing leave with the address of the host, others with their own', () => {
  const outside = addNetns();
  run(['ip', '-n', site.host, 'link', 'add', 'eth9', 'type', 'veth', 'peer', 'name', 'eth9', 'netns', outside]);
  runIn(site.host, ['sh', '-ec', 'ip addr add 192.0.2.1/24 dev eth9; ip link set eth9 up']);
  runIn(outside, ['sh', '-ec', 'ip addr add 192.0.2.2/24 dev eth9; ip link set eth9 up']);
  expect(pings(site.a.netns, parseIp('192.0.2.2'))).toBe(false); // nobody there knows the way back
  const pools = [{ cidr: parseCidr('10.65.0.0/16'), natOutgoing: true }];
  site.kernel.apply(site.firewall.setPools(pools), site.firewall.ruleset);
  expect(pings(site.a.netns, parseIp('192.0.2.2'))).toBe(true);
  site.kernel.apply(site.firewall.setPools(pools, [parseCidr('192.0.2.0/24')]), site.firewall.ruleset);
  expect(pings(site.a.netns, parseIp('192.0.2.2'))).toBe(false);
});

test('an endpoint that goes away takes its established flows with it', () => {
  expect(pings(site.a.netns, site.b.ipv4)).toBe(true);
  apply([{ kind: 'endpoint-removed', id: 'default/cali2' }]);
  expect(pings(site.a.netns, site.b.ipv4)).toBe(false);
  expect(pings(site.b.netns, site.a.ipv4)).toBe(false);
});
