// A pod on two networks, with the real agent: each interface has the rules of its own network and no other.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { type AgentHost, openAgentHost } from '../support/host/agent-host.ts';

let host: AgentHost;
/** The addresses of the pod's two interfaces. */
let first: readonly string[];
let second: readonly string[];

/** IPv4 and IPv6. */
function addressesOf(pod: string, ifname: string): readonly string[] {
  const shown = host.must(`ip -n ${pod} -o address show ${ifname} scope global`);
  return [...shown.matchAll(/inet6? ([0-9a-f.:]+)\//g)].map(([, address = '']) => address);
}

function reaches(pod: string, address: string, from = ''): boolean {
  const source = from === '' ? '' : `-I ${from}`;
  return host.run(`ip netns exec ${pod} ping -c1 -W0.5 ${source} ${address}`).status === 0;
}

beforeAll(async () => {
  host = await openAgentHost({
    environment: { CALICO_IPV6POOL_CIDR: 'fd80:24e2::/64' },
    ipam: { assign_ipv6: 'true' },
  });
  await host.startAgent();
  // the one that is preferred comes last
  host.addPod('both', 'network2', 'eth1');
  host.addPod('both', 'network1', 'eth0');
  host.addPod('one', 'network1');
  host.addPod('two', 'network2');
  [first, second] = [addressesOf('both', 'eth0'), addressesOf('both', 'eth1')];
}, 60_000);
afterAll(() => host.close());

function expectIsolation(): void {
  expect([first.length, second.length]).toEqual([2, 2]);
  for (const [pod, own, foreign] of [
    ['one', first, second],
    ['two', second, first],
  ] as const) {
    expect(own.map((address) => [pod, address, reaches(pod, address)])).toEqual(own.map((ip) => [pod, ip, true]));
    expect(foreign.map((address) => [pod, address, reaches(pod, address)])).toEqual(
      foreign.map((ip) => [pod, ip, false]),
    );
  }
}

test('members of a network reach its interface, and not the other', () => {
  expectIsolation();
  const [two = '', two6 = ''] = addressesOf('two', 'eth0');
  const [own = '', own6 = ''] = second;
  expect([reaches('both', two, own), reaches('both', two6, own6)]).toEqual([true, true]);
  expect([reaches('both', two), reaches('both', two6)]).toEqual([false, false]);
});

test('no interface sends from the address of another', () => {
  const [one = ''] = addressesOf('one', 'eth0');
  const [foreign = ''] = first;
  const received = () =>
    Number(host.must('ip netns exec one cat /proc/net/snmp | grep ^Icmp: | tail -1 | cut -d" " -f2'));
  host.must(
    `ip -n both rule add from ${foreign} lookup 77 priority 1; ip -n both route add default via 169.254.1.1 dev eth1 onlink table 77`,
  );
  const before = received();
  expect(reaches('both', one, foreign)).toBe(false);
  expect(received()).toBe(before);
  host.must('ip -n both rule del priority 1');
  expect(reaches('both', one, foreign)).toBe(true);
});

test('both are as they were for an agent that has just started, and DEL of one leaves the other', async () => {
  await host.stopAgent('KILL');
  expectIsolation();
  await host.startAgent();
  expectIsolation();
  expect(host.cni('CHECK', 'both', 'network1').status).toBe(0);
  expect(host.cni('CHECK', 'both', 'network2', '', {}, 'eth1').status).toBe(0);
  expect(host.cni('DEL', 'both', 'network1').status).toBe(0);
  expect(second.map((address) => reaches('two', address))).toEqual([true, true]);
  expect(host.must('ip -n both -o link | grep -c eth0 || true')).toBe('0');
  host.addPod('both', 'network1', 'eth0');
  first = addressesOf('both', 'eth0');
  expectIsolation();
}, 60_000);
