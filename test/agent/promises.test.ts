// Promises of DESIGN.md on a host with a real agent, each by its number: what no other test shows whole.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { readListing } from '../support/firewall/firewall-net.ts';
import { type AgentHost, eventually, openAgentHost } from '../support/host/agent-host.ts';

const [ALLOWED, DENIED] = [1000, 2000];
const KEY = '/calico/resources/v3/projectcalico.org';

let host: AgentHost;
let target: string;

const resource = (kind: string, name: string, spec: object) =>
  JSON.stringify({ kind, apiVersion: 'projectcalico.org/v3', metadata: { name }, spec });

/** To every pod of the network: UDP to one port, and nothing else. */
const gate = {
  selector: 'has(net1)',
  types: ['Ingress'],
  ingress: [{ action: 'Allow', protocol: 'UDP', destination: { ports: [ALLOWED] } }],
};

beforeAll(async () => {
  host = await openAgentHost();
  await host.startAgent();
  target = host.addPod('target', 'net1');
  await host.etcd.ctl('put', `${KEY}/globalnetworkpolicies/gate`, resource('GlobalNetworkPolicy', 'gate', gate));
  await eventually('the policy', 5_000, () =>
    host.run(`nft list table inet ocicat | grep -qw ${ALLOWED}`).status === 0 ? true : undefined,
  );
}, 60_000);

afterAll(async () => {
  await host.close();
}, 20_000);

/** Counts what reaches a namespace, by port, from the first packet on. */
function countIn(netns: string): void {
  const ports = [ALLOWED, DENIED].map((port) => `udp dport ${port} counter;`).join(' ');
  host.must(
    `ip netns exec ${netns} nft 'table inet seen { chain first { type filter hook prerouting priority -310; ${ports} }; }'`,
  );
}

function observeSeen(netns: string): readonly number[] {
  const listed = host.must(`ip netns exec ${netns} nft list table inet seen`);
  return [...listed.matchAll(/counter packets (\d+)/g)].map(([, count]) => Number(count));
}

/** Sends to both ports all the time, whether or not there is a way, until a file says that it is enough. */
const flooder = (...to: readonly string[]) => `
import os, socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setblocking(False)
print("begun", flush=True)
while not os.path.exists("/run/enough"):
    for to in (${to.map((one) => `"${one}"`).join(', ')},):
        for port in (${ALLOWED}, ${DENIED}):
            try: s.sendto(b"x", (to, port))
            except OSError: pass`;

async function flood(netns: string, ...to: readonly string[]): Promise<void> {
  host.must(`setsid ip netns exec ${netns} python3 -c '${flooder(...to)}' > /run/flood-${netns} 2>&1 < /dev/null &`);
  await eventually('the flood', 10_000, () => (host.must(`cat /run/flood-${netns}`) === 'begun' ? true : undefined));
}

test('promise 1: ADD has no open moment: neither a pod that sends from its first moment nor one that is sent to is ahead of its policy', async () => {
  const names = ['early-1', 'early-2', 'early-3', 'early-4'];
  host.must('rm -f /run/enough');
  countIn('target');
  const fresh = names.map((name, index) => ({ name, address: `192.168.77.${index + 1}` }));
  for (const { name } of fresh) {
    host.must(`ip netns add ${name}`);
    countIn(name);
    await flood(name, target);
  }
  await flood('target', ...fresh.map(({ address }) => address));
  for (const { name, address } of fresh) {
    const { status, output } = host.cni('ADD', name, 'net1', `IP=${address}`);
    expect([status, status === 0 ? '' : output]).toEqual([0, '']);
  }
  await Bun.sleep(300);
  host.must('touch /run/enough');
  for (const name of ['target', ...names]) {
    const [allowed = 0, denied] = observeSeen(name);
    expect({ name, arrived: allowed > 0, denied }).toEqual({ name, arrived: true, denied: 0 });
  }
  for (const name of names) expect(host.cni('DEL', name, 'net1').status).toBe(0);
}, 60_000);

const STRANGE = ['192.168.255.99', 'fd42::99'] as const;

/** A link as anybody could make one with our prefix, which would work in both families without rules. */
const ADD_STRANGER = `
ip netns add stranger
ip link add calistranger address 02:00:00:00:00:99 type veth peer name eth0 netns stranger
ip link set calistranger up
sysctl -qw net.ipv4.conf.calistranger.proxy_arp=1 net.ipv4.conf.calistranger.forwarding=1 net.ipv6.conf.all.forwarding=1
ip route add ${STRANGE[0]}/32 dev calistranger
ip -6 route add ${STRANGE[1]}/128 dev calistranger
ip address add fd98::1/64 dev eth0 nodad
ip -n outside address add fd98::2/64 dev eth0 nodad
ip -n outside route add fd42::/112 via fd98::1
ip -n stranger link set eth0 up
ip -n stranger address add ${STRANGE[0]}/32 dev eth0
ip -n stranger address add ${STRANGE[1]}/128 dev eth0 nodad
for gateway in 169.254.1.1 fe80::99; do
  ip -n stranger neigh add $gateway lladdr 02:00:00:00:00:99 dev eth0
  ip -n stranger route add $gateway dev eth0
  ip -n stranger route add default via $gateway dev eth0
done`;

/** None of the ways from and to the stranger is open, and packets are tried on each. */
function expectStrangerClosed(when: string): void {
  const from = ['10.98.0.1', '10.98.0.2', 'fd98::1', 'fd98::2'].map(
    (to) => host.run(`ip netns exec stranger ping -c1 -W0.2 ${to}`).status,
  );
  const to = STRANGE.flatMap((address) =>
    ['', 'ip netns exec outside '].map((enter) => host.run(`${enter}ping -c1 -W0.2 ${address}`).status),
  );
  expect({ when, open: [...from, ...to].filter((status) => status === 0) }).toEqual({ when, open: [] });
}

test('promise 2: an interface that no rule names is closed both ways in both families: while an agent runs, hangs, has been killed, and starts', async () => {
  host.must(ADD_STRANGER);
  expectStrangerClosed('while the agent runs');
  host.must('kill -STOP $(cat /run/agent.pid)');
  expectStrangerClosed('while the agent hangs');
  host.must('kill -CONT $(cat /run/agent.pid)');
  await host.stopAgent('KILL');
  expectStrangerClosed('while no agent lives');
  const started = host.startAgent();
  expectStrangerClosed('while an agent starts');
  await started;
  expectStrangerClosed('with another agent');
  host.must('ip link delete calistranger; ip netns delete stranger');
}, 60_000);

/** What others have on a host, of every kind that the agent has too. */
const FOREIGN = `
nft 'table inet theirs { set s { type ipv4_addr; elements = { 192.0.2.7 }; }; chain c { type filter hook forward priority 10; ip saddr @s counter; }; }'
nft 'table arp theirs { chain c { type filter hook input priority 10; counter; }; }'
ip link add theirs0 type veth peer name theirs1; ip link set theirs1 up; ip link set theirs0 up; ip address add 192.0.2.1/24 dev theirs0
ip route add 198.51.100.0/24 via 192.0.2.9 dev theirs0 proto 77
ip rule add from 192.0.2.0/24 lookup 77 pref 777; ip route add default via 192.0.2.9 dev theirs0 table 77
ip neigh add 192.0.2.9 lladdr 02:00:00:00:00:77 dev theirs0 nud permanent
ip link add calilike type veth peer name likewise`;

const observeForeign = () => ({
  rules: readListing(host.must('(nft -j list table inet theirs; nft -j list table arp theirs) | head -1')),
  other: host
    .must(
      'nft -a list table arp theirs; ip -o link show theirs0; ip -o address show theirs0; ip route show proto 77; ip rule; ip route show table 77; ip neigh show dev theirs0; ip link show calilike | head -1',
    )
    .replace(/counter packets \d+ bytes \d+/g, 'counter')
    .replaceAll(' tentative', ''),
});

test('promise 8: what is ours is known again without memory of the last run, and nobody else’s is touched', async () => {
  host.must(FOREIGN);
  const before = observeForeign();
  host.addPod('passing', 'net1');
  await host.stopAgent('KILL');
  // what a run that nobody remembers has left: rules of an endpoint that is gone, and a link that was never finished
  const dead = host.must(`ip route | grep -o 'dev calipassing' | head -1`);
  expect(dead).toBe('dev calipassing');
  await host.etcd.ctl('del', '--prefix', `${KEY}/workloadendpoints/default/node--1-cni-passing`);
  host.must('rm -rf /var/lib/calico/endpoints/*passing* && ip netns delete passing');
  host.must('ip link add calihalf address ee:ee:ee:ee:ee:ee type veth peer name p-half');
  await host.startAgent();
  const left = () =>
    host.run('ip -o link | grep -E "calipassing|calihalf"; nft list table inet ocicat | grep calipassing');
  await eventually('what was left to go', 10_000, () => (left().output === '' ? true : undefined));
  expect(observeForeign()).toEqual(before);
}, 60_000);

const net = (index: number) => `198.18.${index}.0/24`;

/** Resources of every kind that rules come from. */
const resources: readonly (readonly [key: string, text: string])[] = [
  [`${KEY}/tiers/first`, resource('Tier', 'first', { order: 1, defaultAction: 'Pass' })],
  ...['x', 'y', 'z'].map((name, index): readonly [string, string] => [
    `${KEY}/globalnetworkpolicies/order-${name}`,
    resource('GlobalNetworkPolicy', `order-${name}`, {
      tier: index === 0 ? 'first' : 'default',
      order: index,
      selector: 'all()',
      types: ['Ingress', 'Egress'],
      ingress: [{ action: index === 0 ? 'Pass' : 'Allow', source: { selector: "set == 'one'" } }],
      egress: [
        { action: 'Allow', destination: { nets: [net(index)] } },
        { action: 'Deny', protocol: 'ICMP' },
        { action: 'Allow' },
      ],
    }),
  ]),
  ...[1, 2].map((index): readonly [string, string] => [
    `${KEY}/globalnetworksets/set-${index}`,
    JSON.stringify({
      kind: 'GlobalNetworkSet',
      apiVersion: 'projectcalico.org/v3',
      metadata: { name: `set-${index}`, labels: { set: 'one' } },
      spec: { nets: [net(10 * index), '198.18.0.0/16'] },
    }),
  ]),
];

const listRules = () => readListing(host.must('nft -j list ruleset'));
const isWhole = () => host.run('nft list table inet ocicat | grep -q 198.18.2.0/24').status === 0;

/** One after the other, then gone in another order. */
async function enter(order: readonly number[]): Promise<readonly unknown[]> {
  for (const index of order) {
    const [key = '', text = ''] = resources[index] ?? [];
    await host.etcd.ctl('put', key, text);
  }
  await eventually('the rules', 5_000, () => (isWhole() ? true : undefined));
  await Bun.sleep(300);
  return listRules();
}

test('promise 9: the rules depend on what the store has, not on the order in which it came, nor on what was there before', async () => {
  const before = listRules();
  const there = [...resources.keys()];
  const first = await enter(there);
  expect(first).not.toEqual(before);
  const orders = [there.toReversed(), [3, 0, 5, 1, 4, 2]];
  for (const order of orders) {
    for (const index of order) await host.etcd.ctl('del', resources[index]?.[0] ?? '');
    await eventually('the rules to be as before', 5_000, () =>
      Bun.deepEquals(listRules(), before) ? true : undefined,
    );
    expect(await enter(order)).toEqual(first);
  }
  await host.stopAgent('KILL');
  await host.startAgent();
  expect(listRules()).toEqual(first);
}, 60_000);
