// What leads to another host by a tunnel, while somebody else changes it in the kernel: the agent puts it right within a second, and
// its own changes are no news to it.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { type AgentHost, eventually, openAgentHost } from '../support/host/agent-host.ts';

const RESOURCES = '/calico/resources/v3/projectcalico.org';
const REPAIR_MS = 1_000;
const TUNNEL = 'vxlan.calico';
let host: AgentHost;

async function put(kind: string, plural: string, name: string, spec: object): Promise<void> {
  const resource = { kind, apiVersion: 'projectcalico.org/v3', metadata: { name }, spec };
  await host.etcd.ctl('put', `${RESOURCES}/${plural}/${name}`, JSON.stringify(resource));
}

const addressOf = (number: number) => `10.98.0.${number}`;
const macOf = (number: number) => `66:00:00:00:00:0${number}`;
const blockKey = (number: number) => `/calico/ipam/v2/assignment/ipv4/block/172.21.${number}.0-26`;

/** Another host of the segment, with a block. */
async function addHost(number: number): Promise<void> {
  const bgp = { ipv4Address: `${addressOf(number)}/24` };
  const tunnel = { ipv4VXLANTunnelAddr: `172.21.${number}.1`, vxlanTunnelMACAddr: macOf(number) };
  await put('Node', 'nodes', `node-${number}`, { bgp, ...tunnel });
  const ordinals = Array.from({ length: 64 }, (_, ordinal) => ordinal);
  const block = { cidr: `172.21.${number}.0/26`, affinity: `host:node-${number}`, deleted: false, attributes: [] };
  const value = { ...block, allocations: ordinals.map(() => null), unallocated: ordinals, sequenceNumber: 1 };
  await host.etcd.ctl('put', blockKey(number), JSON.stringify(value));
}

async function removeHost(number: number): Promise<void> {
  await host.etcd.ctl('del', `${RESOURCES}/nodes/node-${number}`);
  await host.etcd.ctl('del', blockKey(number));
}

/** All that is ours of it, in the kernel's words; numbers of links and the order of coming aside. */
const look = () =>
  host
    .must(
      `ip -br link show ${TUNNEL}; ip -d link show ${TUNNEL} | grep -oE 'vxlan id.*nolearning|mtu [0-9]+|group [0-9]+'
      ip -br -4 addr show dev ${TUNNEL}; ip route show proto 80; ip neigh show dev ${TUNNEL} nud permanent
      bridge fdb show dev ${TUNNEL}; ip rule show | grep 'proto 80' || true`,
    )
    .split('\n')
    .toSorted()
    .join('\n');

const untilReached = (number: number) =>
  eventually(`the way to host ${number}`, 5_000, () =>
    look().includes(`172.21.${number}.0/26 via 172.21.${number}.1 dev ${TUNNEL}`) ? true : undefined,
  );

beforeAll(async () => {
  host = await openAgentHost({ environment: { CALICO_IPV4POOL_CIDR: 'none', NO_DEFAULT_POOLS: 'true' } });
  await put('IPPool', 'ippools', 'tunnelled', {
    ...{ cidr: '172.21.0.0/16', blockSize: 26, nodeSelector: 'all()', vxlanMode: 'Always', ipipMode: 'Never' },
  });
  await addHost(2);
  await host.startAgent();
  await untilReached(2);
}, 60_000);
afterAll(async () => {
  await host?.close();
}, 20_000);

const harm: readonly string[] = [
  `ip link del ${TUNNEL}`,
  `ip link set ${TUNNEL} down`,
  `ip link set ${TUNNEL} mtu 1200`,
  `ip link set ${TUNNEL} address 66:00:00:00:00:99`,
  `ip link set ${TUNNEL} type vxlan learning`,
  `ip addr flush dev ${TUNNEL}`,
  `ip addr add 172.29.0.1/24 dev ${TUNNEL}`,
  'ip route del 172.21.2.0/26',
  `ip route replace 172.21.2.0/26 via 10.98.0.2 proto 80 metric 1024`,
  `ip route replace 172.21.2.0/26 via 10.98.0.2 proto bird metric 1024`, // as BIRD does that has still to give it up
  'ip route add 172.21.9.0/26 via 10.98.0.2 proto 80',
  `ip neigh del 172.21.2.1 dev ${TUNNEL}`,
  `ip neigh replace 172.21.2.1 lladdr 66:00:00:00:00:99 dev ${TUNNEL}`,
  `bridge fdb del ${macOf(2)} dev ${TUNNEL} dst 10.98.0.2`,
  `bridge fdb replace ${macOf(2)} dev ${TUNNEL} dst 10.98.0.3`,
  `bridge fdb append 66:00:00:00:00:77 dev ${TUNNEL} dst 10.98.0.3`,
  'ip rule add fwmark 7 table 77 priority 50 protocol 80',
  'ip link set eth0 down && ip link set eth0 up && ip route replace default via 10.98.0.2',
];

test.each(harm.map((command) => [command]))('put right within a second: %s', async (command) => {
  const before = look();
  host.must(command);
  const { elapsedMs } = await eventually('what was there', 5_000, () => {
    const { status } = host.run(`ip link show ${TUNNEL}`);
    return status === 0 && look() === before ? true : undefined;
  });
  expect(elapsedMs).toBeLessThan(REPAIR_MS);
});

test('a link that somebody else has made in its place is left, and said; when it goes, the tunnel comes', async () => {
  const before = look();
  // the agent may be faster than the shell
  const exchange = `printf 'link del ${TUNNEL}\\nlink add ${TUNNEL} type bridge\\n' | ip -batch -`;
  host.must(`for turn in $(seq 50); do ${exchange} 2>/dev/null && exit; done; exit 1`);
  await eventually('a word', 5_000, () =>
    host.log().includes(`make link "${TUNNEL}": somebody else's`) ? true : undefined,
  );
  host.must(`ip link del ${TUNNEL} type bridge`);
  await eventually('the tunnel', 2_000, () =>
    host.run(`ip link show ${TUNNEL}`).status === 0 && look() === before ? true : undefined,
  );
});

test('hosts that come and go are followed within a second, leave nothing, and none of it is taken for somebody else’s doing', async () => {
  await Bun.sleep(500); // what came before has settled
  const [before, logged] = [look(), host.log().length];
  for (const number of [3, 4, 5]) {
    await addHost(number);
    const { elapsedMs } = await untilReached(number);
    expect(elapsedMs).toBeLessThan(1_000);
  }
  for (const number of [3, 4, 5]) await removeHost(number);
  const { elapsedMs } = await eventually('nothing of them', 5_000, () => (look() === before ? true : undefined));
  expect(elapsedMs).toBeLessThan(1_000);
  await Bun.sleep(500);
  expect(host.log().slice(logged)).not.toMatch(/restored|ERROR/);
});
