import { afterAll, beforeAll, expect, test } from 'bun:test';
import { readListing } from '../support/firewall/firewall-net.ts';
import { type AgentHost, DESCRIBE_PROTECTION, eventually, openAgentHost } from '../support/host/agent-host.ts';

const PORT = 7000;
const UNKNOWN = '192.168.255.99';
let host: AgentHost;
/** Addresses: a and b are in one network, c is in another. */
let a: string;
let b: string;

const ECHO = `
import socket, threading
def serve(c):
    while True:
        d = c.recv(64)
        if not d: return
        c.sendall(d)
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("", ${PORT})); s.listen()
print("listening", flush=True)
while True: threading.Thread(target=serve, args=(s.accept()[0],)).start()`;

/** Counts answers over one connection, a line each. */
const COUNT = (address: string) => `
import socket, time
s = socket.create_connection(("${address}", ${PORT})); s.settimeout(30)
n = 0
while True:
    s.sendall(b"x"); assert s.recv(64) == b"x"
    n += 1
    print(n, flush=True)
    time.sleep(0.01)`;

function startIn(pod: string, program: string, output: string): void {
  host.must(`setsid ip netns exec ${pod} python3 -c '${program}' > ${output} 2>&1 < /dev/null &`);
}

const countAnswers = () => Number(host.must('wc -l < /run/flow'));

/** The connection that was made at the very beginning carries data now. */
async function expectFlowGoesOn(): Promise<void> {
  expect(host.must('cat /run/flow')).not.toContain('Error');
  const before = countAnswers();
  await eventually('data over the old connection', 5_000, () => (countAnswers() > before + 5 ? true : undefined));
}

function connects(pod: string, address: string, timeoutSeconds: number): boolean {
  const script = `exec 3<>/dev/tcp/${address}/${PORT}`;
  return host.run(`ip netns exec ${pod} timeout ${timeoutSeconds} bash -c '${script}'`).status === 0;
}

function countUnknown(): number {
  const listing = host.must('nft list table inet ocicat');
  return [...listing.matchAll(/packets (\d+) bytes \d+ drop comment "unknown interface"/g)].reduce(
    (sum, [, packets]) => sum + Number(packets),
    0,
  );
}

/** Packets from and to an interface that no endpoint has are dropped, and counted while they are. */
function expectUnknownDropped(): void {
  const before = countUnknown();
  for (const [from, to] of [
    ['unknown', a],
    ['unknown', '10.98.0.1'],
    ['a', UNKNOWN],
  ]) {
    expect([from, to, host.run(`ip netns exec ${from} ping -c1 -W0.2 ${to}`).status]).toEqual([from, to, 1]);
  }
  expect(host.run(`ping -c1 -W0.2 ${UNKNOWN}`).status).not.toBe(0);
  expect(countUnknown()).toBeGreaterThanOrEqual(before + 4);
}

async function expectAsPromised(): Promise<void> {
  await expectFlowGoesOn();
  expect({ 'a to b': connects('a', b, 5), 'c to b': connects('c', b, 0.5) }).toEqual({
    'a to b': true,
    'c to b': false,
  });
  expectUnknownDropped();
}

/** Undefined while there is no table of ours. */
function tryReadRules(): readonly unknown[] | undefined {
  const { status, output } = host.run('nft list table arp ocicat > /dev/null && nft -j list ruleset');
  return status === 0 ? readListing(output) : undefined;
}

/** Rules, links and routes: all that carries and holds back workloads. */
const observe = () => ({
  rules: tryReadRules(),
  links: host.must('ip -o link | grep -o "cali.*"'),
  routes: host.must('ip route | grep -v "^blackhole"'),
});

/** A link as anybody could make one, which would work without rules. */
const ADD_UNKNOWN = `
ip netns add unknown
ip link add caliunknown address 02:00:00:00:00:99 type veth peer name eth0 netns unknown
ip link set caliunknown up
sysctl -qw net.ipv4.conf.caliunknown.proxy_arp=1 net.ipv4.conf.caliunknown.forwarding=1
ip route add ${UNKNOWN}/32 dev caliunknown
ip -n unknown address add ${UNKNOWN}/32 dev eth0
ip -n unknown link set eth0 up
ip -n unknown neigh add 169.254.1.1 lladdr 02:00:00:00:00:99 dev eth0
ip -n unknown route add 169.254.1.1 dev eth0
ip -n unknown route add default via 169.254.1.1`;

beforeAll(async () => {
  host = await openAgentHost({ environment: { NFTABLES_OWN_TABLE: 'false' } }); // so that it can be damaged
  await host.startAgent();
  [a, b] = [host.addPod('a', 'net1'), host.addPod('b', 'net1')];
  host.addPod('c', 'net2');
  host.must(ADD_UNKNOWN);
  startIn('b', ECHO, '/run/echo');
  await eventually('the server', 10_000, () => (host.must('cat /run/echo') === 'listening' ? true : undefined));
  startIn('a', COUNT(b), '/run/flow');
  await eventually('the connection', 10_000, () => (countAnswers() > 0 ? true : undefined));
}, 60_000);

afterAll(async () => {
  await host.close();
}, 20_000);

test('promise 2: what is allowed passes, what is denied does not, what is unknown is dropped', async () => {
  await expectAsPromised();
}, 20_000);

test('promise 3: killed, and started again: all stays as it was, and what a run left half-done goes', async () => {
  const before = observe();
  await host.stopAgent('KILL');
  expect(observe()).toEqual(before);
  await expectAsPromised();
  host.must(`
    for name in calihalf caligone; do ip link add $name address ee:ee:ee:ee:ee:ee type veth peer name p-$name; done
    ip link set caligone up alias ocicat:default/node--1-cni-gone-eth0`);
  await host.startAgent();
  await eventually('the left-overs to go', 10_000, () =>
    host.run('ip link | grep calihalf').status === 1 ? true : undefined,
  );
  expect(host.log()).toContain('link "calihalf" removed: it was never finished');
  const expected =
    'link "caligone" is closed and kept: its endpoint default/node--1-cni-gone-eth0 is not in the datastore';
  await eventually('the expected', 5_000, () => host.log().includes(expected) || undefined);
  host.must('ip link delete caligone');
  expect(observe()).toEqual(before);
  await expectAsPromised();
}, 60_000);

const chainOf = (name: string) =>
  host.must(`nft list table inet ocicat | grep -oE "chain ${name}[^ ]*" | head -1 | cut -d' ' -f2`);

const damages: readonly (readonly [string, () => string, RegExp])[] = [
  ['the table', () => 'nft delete table inet ocicat', /firewall repaired: .*; changed by nft, process \d+/],
  ['the table for ARP', () => 'nft delete table arp ocicat', /firewall repaired: .*; changed by nft, process \d+/],
  [
    'a hook',
    () => 'nft "flush chain inet ocicat base-forward-ingress; delete chain inet ocicat base-forward-ingress"',
    /firewall repaired: .*base-forward-ingress.*; changed by nft, process \d+/,
  ],
  [
    'the rules of a profile',
    () => `nft flush chain inet ocicat ${chainOf('rules-ingress')}`,
    /firewall repaired: .*rules-ingress.*; changed by nft, process \d+/,
  ],
  [
    'an endpoint',
    () => 'nft delete element inet ocicat workload-ingress "{ calib }"',
    /firewall repaired: .*workload-ingress.*; changed by nft, process \d+/,
  ],
  [
    'an added rule',
    () => 'nft insert rule inet ocicat to-workload accept',
    /firewall repaired: .*to-workload.*; changed by nft, process \d+/,
  ],
  ['a route', () => `ip route delete ${b}`, /route restored: /],
  ['a link', () => 'ip link set calib down; ip link set calib up', /neighbour restored: /],
  ['the settings of a link', () => 'sysctl -qw net.ipv4.conf.calib.rp_filter=0', /link restored: calib/],
];

test.each(damages)(
  'promise 6: somebody damages %s: right again within a second, and the log says what and by whom',
  async (_what, damage, expected) => {
    const before = observe();
    const logged = host.log().length;
    const command = damage();
    host.must(command);
    const { elapsedMs } = await eventually('the repair', 5_000, () =>
      Bun.deepEquals(observe(), before) ? true : undefined,
    );
    expect(elapsedMs).toBeLessThan(1000);
    await eventually('the log', 1_000, () => (expected.test(host.log().slice(logged)) ? true : undefined));
    await expectAsPromised();
  },
  30_000,
);

test('node status says that others can change the rules', () => {
  expect(host.must(DESCRIBE_PROTECTION)).toContain('Any process of root can change the rules in table inet ocicat');
});

test('promise 4: without the datastore nothing changes but that ADD is refused in time, and comes back with it', async () => {
  const before = observe();
  await host.etcd.kill();
  await expectAsPromised();
  const refused = host.cni('ADD', 'd', 'net1');
  expect({ status: refused.status, code: JSON.parse(refused.output).code }).toEqual({ status: 1, code: 11 });
  expect(refused.elapsedMs).toBeLessThan(30_000);
  expect(observe()).toEqual(before);
  await host.etcd.start();
  const { value: outcome } = await eventually('an ADD', 30_000, () => {
    const tried = host.cni('ADD', 'd', 'net1');
    return tried.status === 0 ? tried : undefined;
  });
  expect(JSON.parse(outcome.output).ips).toHaveLength(1);
  expect(connects('d', b, 5)).toBe(true);
  expect(host.cni('DEL', 'd', 'net1').status).toBe(0);
  await eventually('all as before', 10_000, () => (Bun.deepEquals(observe(), before) ? true : undefined));
  await expectAsPromised();
}, 120_000);

test('what cannot be understood is named, kept as it is and closed, and all is as before once it is mended', async () => {
  const before = observe();
  const key = (kind: string, name: string) => `/calico/resources/v3/projectcalico.org/${kind}/${name}`;
  const put = (kind: string, name: string, value: unknown) =>
    host.etcd.ctl('put', key(kind, name), typeof value === 'string' ? value : JSON.stringify(value));
  const set = (nets: readonly unknown[]) => ({
    kind: 'GlobalNetworkSet',
    apiVersion: 'projectcalico.org/v3',
    metadata: { name: 'bad', labels: { list: 'bad' } },
    spec: { nets },
  });
  const deny = { action: 'Deny', source: { selector: 'list == "bad"' } };
  await put('globalnetworkpolicies', 'gate', {
    kind: 'GlobalNetworkPolicy',
    apiVersion: 'projectcalico.org/v3',
    metadata: { name: 'gate' },
    spec: { selector: 'has(net1)', types: ['Ingress'], ingress: [deny, { action: 'Allow' }] },
  });
  await put('globalnetworksets', 'bad', set(['203.0.113.0/24']));
  const until = (reaches: boolean) =>
    eventually(`a to b ${reaches}`, 5_000, () => (connects('a', b, 0.3) === reaches ? true : undefined));
  const isGated = () => /203\.0\.113\.0/.test(host.must('nft list table inet ocicat'));
  await eventually('the policy', 5_000, () => (isGated() ? true : undefined));
  await until(true);

  const logged = host.log().length;
  for (const [value, expected] of [
    [
      set(['203.0.113.0/24', 7]),
      'GlobalNetworkSet(bad) is closed: spec.nets[1]: found 7, wanted an address or a range',
    ],
    ['{ not JSON', 'GlobalNetworkSet(bad) is closed: document: found nothing, wanted a resource'],
  ] as const) {
    await put('globalnetworksets', 'bad', value);
    await until(false);
    expect(host.log().slice(logged)).toContain(expected);
    await put('globalnetworksets', 'bad', set(['203.0.113.0/24']));
    await until(true);
  }
  await put('globalnetworkpolicies', 'gate', '"gone wrong"');
  await until(false);
  expect(host.log().slice(logged)).toContain('GlobalNetworkPolicy(gate) is closed: ');
  expect(await host.etcd.ctl('get', '--print-value-only', key('globalnetworkpolicies', 'gate'))).toBe('"gone wrong"');
  for (const [kind, name] of [
    ['globalnetworkpolicies', 'gate'],
    ['globalnetworksets', 'bad'],
  ] as const)
    await host.etcd.ctl('del', key(kind, name));
  await until(true);
  await eventually('all as before', 10_000, () => (Bun.deepEquals(observe(), before) ? true : undefined));
  await expectAsPromised();
}, 60_000);

test('promise 3: told to end: rules, links and routes stay, and the next agent takes them over', async () => {
  const before = observe();
  await host.stopAgent('TERM');
  expect(host.log()).toContain('ended; the data plane stays as it is');
  expect(observe()).toEqual(before);
  await expectAsPromised();
  await host.startAgent();
  expect(observe()).toEqual(before);
  await expectAsPromised();
}, 60_000);

test('a container that goes takes its flows with it', async () => {
  const address = host.addPod('e', 'net1');
  expect(connects('e', b, 5)).toBe(true);
  const flows = () => host.run(`grep -c "src=${address} " /proc/net/nf_conntrack`).output.trim();
  expect(Number(flows())).toBeGreaterThan(0);
  expect(host.cni('DEL', 'e', 'net1').status).toBe(0);
  expect(flows()).toBe('0');
}, 20_000);
