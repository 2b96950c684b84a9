// A host with a pool without tunnels and one of VXLAN in both families, and another host made by hand: what is too large for the
// tunnel is told so by the pod's own host, and `calicoctl node status` and a CalicoNodeStatus show the ways.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { join } from 'node:path';
import { type AgentHost, eventually, openAgentHost } from '../support/host/agent-host.ts';

const KEYS = '/calico/resources/v3/projectcalico.org';
const CALICOCTL = join(import.meta.dir, '../../dist/bin/calicoctl');
const FAR = { 4: '10.2.99.1', 6: 'fd02::9901' } as const;
const PLURALS = {
  FelixConfiguration: 'felixconfigurations',
  IPPool: 'ippools',
  Node: 'nodes',
  CalicoNodeStatus: 'caliconodestatuses',
} as const;
let host: AgentHost;

function put(kind: keyof typeof PLURALS, name: string, spec: object): Promise<string> {
  const document = { kind, apiVersion: 'projectcalico.org/v3', metadata: { name }, spec };
  return host.etcd.ctl('put', `${KEYS}/${PLURALS[kind]}/${name}`, JSON.stringify(document));
}

function putBlock(family: 4 | 6, cidr: string, size: number): Promise<string> {
  const block = {
    cidr,
    affinity: 'host:far',
    allocations: new Array(size).fill(null),
    unallocated: [...Array(size).keys()],
  };
  const key = `/calico/ipam/v2/assignment/ipv${family}/block/${cidr.replace('/', '-')}`;
  return host.etcd.ctl('put', key, JSON.stringify({ ...block, attributes: [], deleted: false }));
}

const nodeSpec = async () => JSON.parse(await host.etcd.ctl('get', '--print-value-only', `${KEYS}/nodes/node-1`)).spec;

/** The other end of both tunnels, with an address of a pod on each. */
function makeFarEnd(spec: Record<string, string>): string {
  const end = (link: string, mac: string, local: string, remote: string, own: Record<string, string | undefined>) => `
ip link add ${link} address ${mac} type vxlan id 4096 dstport 4789 local ${local} dev eth0 nolearning
ip link set ${link} up; ip address add ${own.far} dev ${link} nodad
ip neigh replace ${own.tunnel} lladdr ${own.mac} dev ${link} nud permanent
bridge fdb replace ${own.mac} dst ${remote} dev ${link}
for range in ${own.ranges}; do ip route add $range via ${own.tunnel} dev ${link} onlink; done`;
  const [v4, v6] = [spec.ipv4VXLANTunnelAddr, spec.ipv6VXLANTunnelAddr];
  const own4 = { far: `${FAR[4]}/32`, tunnel: v4, mac: spec.vxlanTunnelMACAddr, ranges: '10.1.0.0/16 10.2.0.0/16' };
  const own6 = { far: `${FAR[6]}/128`, tunnel: v6, mac: spec.vxlanTunnelMACAddrV6, ranges: 'fd01::/64 fd02::/64' };
  return `ip netns exec outside sh -ec '
${end('vx4', '66:00:00:00:00:04', '10.98.0.2', '10.98.0.1', own4)}
${end('vx6', '66:00:00:00:00:06', 'fd98::2', 'fd98::1', own6)}'`;
}

function addPod(pod: string, v4: string | undefined, v6: string | undefined): void {
  const ipam = {
    ...{ type: 'calico-ipam', assign_ipv4: `${v4 !== undefined}`, assign_ipv6: `${v6 !== undefined}` },
    ...{ ipv4_pools: [v4].flatMap((one) => one ?? []), ipv6_pools: [v6].flatMap((one) => one ?? []) },
  };
  const { status, output } = host.cni('ADD', pod, 'net1', '', { ipam });
  expect(status, output).toBe(0);
}

beforeAll(async () => {
  host = await openAgentHost();
  host.must(
    'ip address add fd98::1/64 dev eth0 nodad; ip -n outside address add fd98::2/64 dev eth0 nodad; ip -n outside route flush 192.168.0.0/16',
  );
  host.must(
    `ETCD_ENDPOINTS=${host.etcd.endpoint} CALICO_IPV4POOL_CIDR=10.1.0.0/16 CALICO_IPV4POOL_NAT_OUTGOING=false CALICO_IPV6POOL_CIDR=fd01::/64 \\
      ${CALICOCTL} node run --name node-1 --ip autodetect --ip6 autodetect --log-dir /run/log`,
  );
  await put('IPPool', 'vx4', { cidr: '10.2.0.0/16', vxlanMode: 'Always' });
  await put('IPPool', 'vx6', { cidr: 'fd02::/64', vxlanMode: 'Always' });
  await put('Node', 'far', {
    bgp: { ipv4Address: '10.98.0.2/24', ipv6Address: 'fd98::2/64' },
    ...{ ipv4VXLANTunnelAddr: '10.2.99.0', vxlanTunnelMACAddr: '66:00:00:00:00:04' },
    ...{ ipv6VXLANTunnelAddr: 'fd02::9900', vxlanTunnelMACAddrV6: '66:00:00:00:00:06' },
  });
  await putBlock(4, '10.2.99.0/26', 64);
  await putBlock(6, 'fd02::9900/122', 64);
  await eventually('both tunnels', 10_000, () =>
    host.run('ip link show vxlan.calico && ip link show vxlan-v6.calico').status === 0 ? true : undefined,
  );
  host.must(makeFarEnd(await nodeSpec()));
  addPod('direct', '10.1.0.0/16', 'fd01::/64');
  addPod('tunnel4', 'vx4', undefined);
  addPod('tunnel6', undefined, 'vx6');
}, 60_000);
afterAll(() => host.close(), 20_000);

const ping = (pod: string, family: 4 | 6, bytes: number, flags = '-M do') =>
  host.run(`ip netns exec ${pod} ping -n -c1 -W2 ${flags} -s ${bytes - (family === 4 ? 28 : 48)} ${FAR[family]}`);

test.each([
  [4, 1450],
  [6, 1430],
] as const)(
  'IPv%d: packets of %d bytes go by the tunnel, from pods of either pool, and none that is larger',
  async (family, mtu) => {
    await eventually('the way', 10_000, () => (ping(`tunnel${family}`, family, 100).status === 0 ? true : undefined));
    for (const pod of ['direct', `tunnel${family}`]) {
      const whole = ping(pod, family, mtu);
      expect(whole.status, whole.output).toBe(0);
    }
    host.must(`ip -n direct -${family} route flush cache`);
    const first = ping('direct', family, mtu + 1);
    expect(first.output).toMatch(new RegExp(`mtu ?= ?${mtu}`));
    expect(host.must(`ip -n direct route get ${FAR[family]}`)).toContain(`mtu ${mtu}`);
    expect(ping('direct', family, 1500, '').status).toBe(0); // in parts
    expect(ping(`tunnel${family}`, family, mtu + 1).status).not.toBe(0);
  },
  30_000,
);

test('node status shows tunnels, routes and the MTU on the way into each pool', async () => {
  const { status, output } = host.run(`${CALICOCTL} node status`);
  expect(status, output).toBe(0);
  const spec = await nodeSpec();
  const cells = (...names: readonly string[]) => new RegExp(names.map((name) => `\\| +${name} +`).join(''));
  expect(output).toMatch(cells('vxlan.calico', spec.ipv4VXLANTunnelAddr, '1450', '1', 'up'));
  expect(output).toMatch(cells('vxlan-v6.calico', spec.ipv6VXLANTunnelAddr, '1430', '1', 'up'));
  expect(output).toMatch(cells('IPv4', 'vxlan.calico', 'calico-node', '1'));
  expect(output).toMatch(cells('IPv6', 'vxlan-v6.calico', 'calico-node', '1'));
  const lines = [
    '10.1.0.0/16: eth0 1500 → workloads 1500',
    '10.2.0.0/16: eth0 1500 → vxlan.calico 1450 → workloads 1450',
    'fd01::/64: eth0 1500 → workloads 1500',
    'fd02::/64: eth0 1500 → vxlan-v6.calico 1430 → workloads 1430',
  ];
  for (const line of lines) expect(output).toContain(`  ${line}\n`);
});

test('a CalicoNodeStatus has the tunnels, and the routes through them', async () => {
  await put('CalicoNodeStatus', 'mine', { node: 'node-1', classes: ['Agent', 'Routes'], updatePeriodSeconds: 1 });
  const read = async () =>
    JSON.parse(await host.etcd.ctl('get', '--print-value-only', `${KEYS}/caliconodestatuses/mine`));
  for (let tries = 0; tries < 50 && (await read()).status === undefined; tries++) await Bun.sleep(100);
  const { metadata, status } = await read();
  expect(metadata.annotations['ocicat/tunnels']).toMatch(
    /^vxlan-v6\.calico: fd02::\S+, MTU 1430, 1 peers, up\nvxlan\.calico: 10\.2\.\S+, MTU 1450, 1 peers, up$/,
  );
  const route = { destination: '10.2.99.0/26', interface: 'vxlan.calico', gateway: '10.2.99.0' };
  expect(status.routes.routesV4).toContainEqual(expect.objectContaining(route));
}, 20_000);

/** Of the devices for both families, and of the links of the three pods. */
const mtus = () =>
  ['vxlan.calico', 'vxlan-v6.calico', 'calitunnel4', 'calitunnel6', 'calidirect']
    .map((link) => host.must(`cat /sys/class/net/${link}/mtu`))
    .join(' ');
const untilMtusAre = (wanted: string) => eventually(wanted, 5_000, () => (mtus() === wanted ? true : undefined));

test('tunnels and pods follow the uplink, and the MTU that is set for a tunnel', async () => {
  host.must('ip -n outside link set eth0 mtu 1400; ip link set eth0 mtu 1400');
  await untilMtusAre('1350 1330 1350 1330 1400');
  await put('FelixConfiguration', 'default', { vxlanMTU: 1300, vxlanMTUV6: 1290 });
  await untilMtusAre('1300 1290 1300 1290 1400');
  host.must('ip link set eth0 mtu 1500; ip -n outside link set eth0 mtu 1500');
  await put('FelixConfiguration', 'default', {});
  await untilMtusAre('1450 1430 1450 1430 1500');
  expect(ping('tunnel4', 4, 1450).status).toBe(0);
  expect(ping('tunnel6', 6, 1430).status).toBe(0);
}, 30_000);

test('encryption is for all pools: its device is among the tunnels, and pods have what it leaves', async () => {
  await put('FelixConfiguration', 'default', { wireguardEnabled: true });
  await untilMtusAre('1450 1430 1440 1430 1440');
  const { output } = host.run(`${CALICOCTL} node status`);
  expect(output).toMatch(/\| wireguard\.cali +\| 10\.1\.\S+ +\| 1440 +\| +0 \| up +\|/);
  expect(output).toContain('  10.1.0.0/16: eth0 1500 → wireguard.cali 1440 → workloads 1440\n');
  expect(output).toContain('  10.2.0.0/16: eth0 1500 → vxlan.calico 1450 and wireguard.cali 1440 → workloads 1440\n');
}, 30_000);
