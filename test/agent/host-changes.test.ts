// A host whose address or MTU changes while the agent runs: the Node follows the address, pods that are there and new ones the MTU.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { type AgentHost, eventually, openAgentHost } from '../support/host/agent-host.ts';

const NODE_KEY = '/calico/resources/v3/projectcalico.org/nodes/node-1';
let host: AgentHost;

async function nodeAddress(): Promise<string> {
  return JSON.parse(await host.etcd.ctl('get', '--print-value-only', NODE_KEY)).spec.bgp.ipv4Address;
}

async function untilNodeIs(address: string): Promise<void> {
  for (let tries = 0; tries < 60 && (await nodeAddress()) !== address; tries++) await Bun.sleep(50);
  expect(await nodeAddress()).toBe(address);
}

/** MTUs of both ends of a pod's link. */
function mtusOf(pod: string): readonly number[] {
  const inPod = Number(host.must(`ip netns exec ${pod} cat /sys/class/net/eth0/mtu`));
  const alias = host.must(`ip -o link | grep -F -- "${pod}-eth0" || true`);
  return [inPod, Number(/ mtu (\d+) /.exec(alias)?.[1])];
}

const untilMtusAre = (pod: string, mtus: readonly number[]) =>
  eventually(`MTUs of ${pod} to be ${mtus}`, 3_000, () => (`${mtusOf(pod)}` === `${mtus}` ? true : undefined));

function setMtu(mtu: number): void {
  host.must(`ip -n outside link set eth0 mtu ${mtu}; ip link set eth0 mtu ${mtu}`);
}

beforeAll(async () => {
  host = await openAgentHost();
  await host.startAgent();
}, 60_000);
afterAll(async () => {
  await host.close();
}, 20_000);

test('the Node follows an address that is exchanged for another, and one that is given another prefix length', async () => {
  await untilNodeIs('10.98.0.1/24');
  host.must(
    'ip address del 10.98.0.1/24 dev eth0; sleep 0.2; ip address add 10.98.0.7/24 dev eth0; ip route replace default via 10.98.0.2',
  );
  await untilNodeIs('10.98.0.7/24');
  expect(host.log()).toContain('the address of node "node-1" is 10.98.0.7/24 now, and was 10.98.0.1/24');
  expect(host.must('grep "router id" /var/run/calico/bird.cfg')).toBe('router id 10.98.0.7;');
  host.must('ip address add 10.98.0.7/16 dev eth0; ip address del 10.98.0.7/24 dev eth0');
  await untilNodeIs('10.98.0.7/16');
});

test('a host without any address keeps its Node, says so, and follows the next address', async () => {
  host.must('ip address flush dev eth0');
  await eventually('words about it', 3_000, () =>
    host.log().includes('the node keeps its address 10.98.0.7/16') ? true : undefined,
  );
  expect(await nodeAddress()).toBe('10.98.0.7/16');
  host.must('ip address add 10.98.0.1/24 dev eth0; ip route replace default via 10.98.0.2');
  await untilNodeIs('10.98.0.1/24');
});

test('an uplink that loses its carrier for a while is no change', async () => {
  host.must(
    'ip link add eth1 type veth peer name p1; ip address add 172.20.0.1/24 dev eth1; ip link set p1 up; ip link set eth1 up',
  );
  host.must('ip -n outside link set eth0 down');
  await Bun.sleep(1_200);
  expect(await nodeAddress()).toBe('10.98.0.1/24');
  host.must('ip -n outside link set eth0 up; ip link del eth1');
  await Bun.sleep(800);
  expect(await nodeAddress()).toBe('10.98.0.1/24');
});

test('pods that are there follow the MTU of the uplink in both directions, and new ones have it', async () => {
  host.addPod('a', 'net1');
  expect(mtusOf('a')).toEqual([1500, 1500]);
  setMtu(1400);
  await untilMtusAre('a', [1400, 1400]);
  expect(host.must('cat /var/lib/calico/mtu')).toBe('1400');
  host.addPod('b', 'net1');
  expect(mtusOf('b')).toEqual([1400, 1400]);
  expect(host.must('ip netns exec a ping -c1 -W1 -M do -s 1372 10.98.0.2')).toContain(' 0% packet loss');
  expect(host.run('ip netns exec a ping -c1 -W1 -M do -s 1373 10.98.0.2').output).toContain('mtu=1400');
  setMtu(1500);
  for (const pod of ['a', 'b']) await untilMtusAre(pod, [1500, 1500]);
  expect(host.must('ip netns exec a ping -c1 -W1 -M do -s 1472 10.98.0.2')).toContain(' 0% packet loss');
});

test('what somebody else has set in a pod stays, and so does the MTU of a network that has one of its own', async () => {
  host.must('ip -n b link set eth0 mtu 1280');
  host.must('ip netns add c');
  const { status, output } = host.cni('ADD', 'c', 'net2', '', { mtu: 1500 });
  expect(status, output).toBe(0);
  setMtu(1400);
  await untilMtusAre('a', [1400, 1400]);
  expect([mtusOf('b'), mtusOf('c')]).toEqual([
    [1280, 1400],
    [1500, 1500],
  ]);
});

test('an MTU that changed while no agent ran is followed by the next', async () => {
  await host.stopAgent('KILL');
  setMtu(1450);
  await host.startAgent();
  await untilMtusAre('a', [1450, 1450]);
  expect(mtusOf('c')).toEqual([1500, 1500]);
});

test('an address that was set is kept when the host loses it, and the log says so', async () => {
  const other = await openAgentHost({ environment: { IP: '10.98.0.1' } });
  try {
    await other.startAgent();
    other.must('ip address add 10.98.0.9/24 dev eth0; ip address del 10.98.0.1/24 dev eth0');
    await eventually('words about it', 3_000, () =>
      other
        .log()
        .includes('the address 10.98.0.1/24 of node "node-1" is on no link of this host; IP=autodetect follows')
        ? true
        : undefined,
    );
    const node = await other.etcd.ctl('get', '--print-value-only', NODE_KEY);
    expect(JSON.parse(node).spec.bgp.ipv4Address).toBe('10.98.0.1/24');
  } finally {
    await other.close();
  }
}, 60_000);
