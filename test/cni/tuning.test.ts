// The reference plugin `tuning` after ours in a chain gives a container another MAC address: the container has network, and
// everything that knows the address knows the new one.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { type AgentHost, eventually, openAgentHost } from '../support/host/agent-host.ts';

const MAC = 'c2:11:22:33:44:55';
const OTHER = 'c2:11:22:33:44:66';
const KEY = '/calico/resources/v3/projectcalico.org/workloadendpoints/default/node--1-cni-a-eth0';
let host: AgentHost;
let result: object;
let addresses: readonly string[];

const plugin = (command: string, type: string, config: object) =>
  host.run(
    `CNI_COMMAND=${command} CNI_CONTAINERID=a CNI_NETNS=/run/netns/a CNI_IFNAME=eth0 CNI_PATH=/usr/lib/cni /usr/lib/cni/${type} <<'END'\n${JSON.stringify({ cniVersion: '1.0.0', name: 'net1', type, ...config })}\nEND`,
  );
const reaches = (from: string, to: string) => host.run(`ip netns exec ${from} ping -c1 -W1 ${to}`).status === 0;
const allReach = () =>
  addresses.every((address) => reaches('b', address)) && reaches('a', '10.98.0.2') && reaches('a', 'fd00:10::b');

async function storedMac(): Promise<string> {
  return JSON.parse(await host.etcd.ctl('get', '--print-value-only', KEY)).spec.mac;
}

beforeAll(async () => {
  host = await openAgentHost({ ipam: { assign_ipv4: 'true', assign_ipv6: 'true' } });
  const pool = {
    kind: 'IPPool',
    apiVersion: 'projectcalico.org/v3',
    metadata: { name: 'six' },
    spec: { cidr: 'fd00:10::/64' },
  };
  await host.startAgent();
  await host.etcd.ctl('put', '/calico/resources/v3/projectcalico.org/ippools/six', JSON.stringify(pool));
  await Bun.sleep(300);
  expect(host.cni('ADD', 'b', 'net1', 'IP=fd00:10::b').status).toBe(0);
}, 60_000);
afterAll(async () => {
  await host.close();
}, 20_000);

test('right after the chain the container reaches others and is reached, in both families', async () => {
  const { status, output } = host.cni('ADD', 'a', 'net1');
  expect(status, output).toBe(0);
  const tuned = plugin('ADD', 'tuning', { mac: MAC, prevResult: JSON.parse(output) });
  expect(tuned.status, tuned.output).toBe(0);
  result = JSON.parse(tuned.output);
  addresses = [...tuned.output.matchAll(/"address": "([^/]+)\//g)].map((match) => match[1] ?? '');
  expect(addresses).toHaveLength(2);
  const { elapsedMs } = await eventually('network', 3_000, () => (allReach() ? true : undefined));
  expect(elapsedMs).toBeLessThan(2_500);
  expect(await storedMac()).toBe(MAC);
  expect(host.must('ip neigh show nud permanent')).toContain(`lladdr ${MAC}`);
  // of neighbour discovery the container may speak for the link-local address of its address (RFC 4291, appendix A), and no other
  expect(host.must('nft list table inet ocicat').match(/"cali\w+" \. fe80::[0-9a-f:]+/g)).toContain(
    `"calia" . fe80::c011:22ff:fe33:4455`,
  );
});

test('CHECK of the chain succeeds, at once after another change too', () => {
  const check = (mac: string, prevResult: object) => [
    host.cni('CHECK', 'a', 'net1', '', { prevResult }).output,
    plugin('CHECK', 'tuning', { mac, prevResult }).output,
  ];
  expect(check(MAC, result)).toEqual(['', '']);
  host.must(`ip -n a link set eth0 address ${OTHER}`);
  const changed = JSON.parse(JSON.stringify(result).replaceAll(MAC, OTHER));
  expect(check(OTHER, changed)).toEqual(['', '']);
  expect(allReach()).toBe(true);
});

test('what nobody checks is found when the house is kept, also by the next agent', async () => {
  host.must(`ip -n a link set eth0 address ${MAC}`);
  await host.stopAgent('KILL');
  expect(allReach()).toBe(false);
  await host.startAgent();
  await eventually('network', 3_000, () => (allReach() ? true : undefined));
  expect(await storedMac()).toBe(MAC);
});

test("a container that takes the host's own MAC address is not followed", async () => {
  host.must('ip -n a link set eth0 address ee:ee:ee:ee:ee:ee');
  expect(host.cni('CHECK', 'a', 'net1', '', { prevResult: result }).output).toContain('pod link eth0.mac');
  expect(await storedMac()).toBe(MAC);
  host.must(`ip -n a link set eth0 address ${MAC}`);
  expect(host.cni('DEL', 'a', 'net1').status).toBe(0);
});
