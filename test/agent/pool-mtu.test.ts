// The MTU of workloads follows from the ways into the pools of their addresses: tunnels take their part, direct pools have the
// uplink's whole; those that run follow a pool's mode and the settings of its tunnels.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { type AgentHost, eventually, openAgentHost } from '../support/host/agent-host.ts';

const KEYS = '/calico/resources/v3/projectcalico.org';
let host: AgentHost;

function put(kind: string, plural: string, name: string, spec: object): Promise<string> {
  const document = { kind, apiVersion: 'projectcalico.org/v3', metadata: { name }, spec };
  return host.etcd.ctl('put', `${KEYS}/${plural}/${name}`, JSON.stringify(document));
}

const putPool = (name: string, cidr: string, spec: object = {}) => put('IPPool', 'ippools', name, { cidr, ...spec });
const putFelix = (spec: object) => put('FelixConfiguration', 'felixconfigurations', 'default', spec);

/** Of both ends of a pod's link. */
function mtusOf(pod: string): string {
  const inPod = host.must(`ip netns exec ${pod} cat /sys/class/net/eth0/mtu`);
  return `${inPod} ${host.must(`cat /sys/class/net/cali${pod}/mtu`)}`;
}

const untilMtuIs = (pod: string, mtu: number) =>
  eventually(`MTU of ${pod}: ${mtu}`, 3_000, () => (mtusOf(pod) === `${mtu} ${mtu}` ? true : undefined));
const untilFileSays = (mtu: number) =>
  eventually(`the file: ${mtu}`, 3_000, () => (host.must('cat /var/lib/calico/mtu') === `${mtu}` ? true : undefined));

/** From pools that are named. */
function addPod(pod: string, ...pools: readonly string[]): void {
  const [v4, v6] = [/^10\./, /:/].map((family) => pools.filter((range) => family.test(range)));
  const ipam = {
    ...{ type: 'calico-ipam', assign_ipv4: `${v4?.length !== 0}`, assign_ipv6: `${v6?.length !== 0}` },
    ...{ ipv4_pools: v4, ipv6_pools: v6 },
  };
  const { status, output } = host.cni('ADD', pod, 'net1', '', { ipam });
  expect(status, output).toBe(0);
}

beforeAll(async () => {
  host = await openAgentHost({ environment: { NO_DEFAULT_POOLS: 'true' } });
  await host.startAgent();
  await putPool('direct', '10.1.0.0/16');
  await putPool('vxlan', '10.2.0.0/16', { vxlanMode: 'CrossSubnet' });
  await putPool('vxlan6', 'fd02::/64', { vxlanMode: 'Always' });
  await eventually('the pools', 5_000, () =>
    host.run('grep -q "^1430$" /var/lib/calico/mtu').status === 0 ? true : undefined,
  );
}, 60_000);
afterAll(() => host.close(), 20_000);

test('each pod has what the ways into its own pools leave; the file has what is right for any', () => {
  addPod('direct', '10.1.0.0/16');
  addPod('vxlan', '10.2.0.0/16');
  addPod('six', 'fd02::/64');
  addPod('both', '10.1.0.0/16', 'fd02::/64');
  expect(['direct', 'vxlan', 'six', 'both'].map(mtusOf)).toEqual(['1500 1500', '1450 1450', '1430 1430', '1430 1430']);
});

test('pods that run follow the mode of their pool, and leave others alone', async () => {
  await putPool('direct', '10.1.0.0/16', { vxlanMode: 'Always' });
  await untilMtuIs('direct', 1450);
  await putPool('vxlan6', 'fd02::/64');
  await untilMtuIs('six', 1500);
  await untilMtuIs('both', 1450);
  await putPool('direct', '10.1.0.0/16');
  await untilMtuIs('both', 1500);
  expect([mtusOf('vxlan'), mtusOf('direct')]).toEqual(['1450 1450', '1500 1500']);
  await untilFileSays(1450);
  await putPool('vxlan6', 'fd02::/64', { vxlanMode: 'Always' });
  await untilMtuIs('both', 1430);
});

test('the MTU that is set for a tunnel goes before what the uplinks leave, and 0 is none', async () => {
  await putFelix({ vxlanMTU: 1400, vxlanMTUV6: 1350 });
  for (const [pod, mtu] of [
    ['vxlan', 1400],
    ['six', 1350],
    ['both', 1350],
    ['direct', 1500],
  ] as const)
    await untilMtuIs(pod, mtu);
  await untilFileSays(1350);
  await putFelix({ vxlanMTU: 0 });
  for (const [pod, mtu] of [
    ['vxlan', 1450],
    ['six', 1430],
  ] as const)
    await untilMtuIs(pod, mtu);
});

test('an MTU in the network’s own file goes before all', async () => {
  const { status, output } = host.cni('ADD', 'own', 'net2', '', {
    mtu: 1300,
    ipam: { type: 'calico-ipam', ipv4_pools: ['vxlan'] },
  });
  expect(status, output).toBe(0);
  await putFelix({ vxlanMTU: 1380 });
  await untilMtuIs('vxlan', 1380);
  expect(mtusOf('own')).toBe('1300 1300');
  await putFelix({});
});

test('what has changed while no agent ran is followed by the next; CHECK is content', async () => {
  await host.stopAgent('KILL');
  host.must('ip -n outside link set eth0 mtu 1400; ip link set eth0 mtu 1400');
  await putPool('vxlan', '10.2.0.0/16');
  await host.startAgent();
  await untilMtuIs('vxlan', 1400);
  await untilMtuIs('six', 1330);
  const ipam = { type: 'calico-ipam', ipv4_pools: ['vxlan'] };
  const { status, output } = host.cni('CHECK', 'vxlan', 'net1', '', { ipam, prevResult: { cniVersion: '1.0.0' } });
  expect(status, output).toBe(0);
});
