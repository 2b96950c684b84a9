// A router outside the cluster: what it announces is in the kernel of the host that has it as a BGPPeer, as Calico puts it there.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { type Lab, openLab } from '../support/host/lab.ts';
import { untilEqual } from '../support/host/until-equal.ts';

/** An eBGP route without a priority: 2147483647 less BIRD's own local preference of 100. */
const FOREIGN_METRIC = 2147483547;
const ROUTER = `log stderr all;
router id 10.99.0.99;
protocol device {}
protocol static { ipv4; route 0.0.0.0/0 unreachable; route 203.0.113.0/24 unreachable; route 192.168.7.0/24 unreachable; route 172.30.0.0/24 unreachable; }
protocol static { ipv6; route ::/0 unreachable; route 2001:db8:1::/48 unreachable; }
template bgp node { local as 65009; ipv4 { import all; export all; next hop self; }; }
protocol bgp node4 from node { neighbor 10.99.0.1 as 64512; }
protocol bgp node6 { local fd99::9 as 65009; neighbor fd99::1 as 64512; ipv6 { import all; export all; next hop self; }; }
`;
const PEERS = [
  ['router4', '10.99.0.9'],
  ['router6', 'fd99::9'],
].map(([name, peerIP]) => ({
  apiVersion: 'projectcalico.org/v3',
  kind: 'BGPPeer',
  metadata: { name },
  spec: { node: 'calico-01', peerIP, asNumber: 65009 },
}));

let hosts: Lab;

async function onSegment(command: string): Promise<string> {
  const { status, stdout, stderr } = await hosts.onSegment(`set -e\n${command}`);
  if (status !== 0) throw new Error(`${command}\n${stdout}${stderr}`);
  return stdout.trim();
}

/** A BIRD in a network namespace of its own, with an end of a pair of links on the segment's bridge. */
async function startRouter(): Promise<void> {
  await onSegment(`cat >/run/ocicat/router.conf <<'END'
${ROUTER}END
    ip link add router address fe:ff:ff:ff:ff:01 type veth peer name uplink # a bridge has the lowest address of its links
    ip link set router master underlay up
    setsid --fork unshare --net -- sh -c '
      echo $$ >/run/ocicat/router.pid
      until ip link set uplink up 2>/dev/null; do sleep 0.05; done
      ip address add 10.99.0.9/24 dev uplink; ip address add fd99::9/64 dev uplink nodad
      exec bird -f -s /run/ocicat/router.ctl -c /run/ocicat/router.conf' >/run/ocicat/router.log 2>&1
    until test -s /run/ocicat/router.pid; do sleep 0.05; done
    ip link set uplink netns $(cat /run/ocicat/router.pid)`);
}

async function apply(...resources: readonly object[]): Promise<void> {
  await hosts.must('calico-01', `calicoctl apply -f - <<'END'\n${JSON.stringify(resources)}\nEND`);
}

async function routesOf(host: string): Promise<readonly string[]> {
  const text = await hosts.must(host, 'ip route show proto bird; ip -6 route show proto bird');
  return text
    .split('\n')
    .map((line) =>
      line
        .replace(' pref medium', '')
        .replace(/via (fd99|fe80):\S+/, 'via fd99::9') // as the router likes
        .trim(),
    )
    .filter((line) => line !== '')
    .sort();
}

const untilRoutes = (host: string, wanted: readonly string[]) =>
  untilEqual(() => routesOf(host), [...wanted].sort(), 15_000);

const FOREIGN = [
  `203.0.113.0/24 via 10.99.0.9 dev eth0 metric ${FOREIGN_METRIC}`,
  `2001:db8:1::/48 via fd99::9 dev eth0 metric ${FOREIGN_METRIC}`,
  `default via 10.99.0.9 dev eth0 metric ${FOREIGN_METRIC}`,
  `default via fd99::9 dev eth0 metric ${FOREIGN_METRIC}`,
];
const IN_OPEN_POOL = `192.168.7.0/24 via 10.99.0.9 dev eth0 metric ${FOREIGN_METRIC}`;

beforeAll(async () => {
  hosts = await openLab('router');
  await startRouter();
  await hosts.must(
    'calico-01',
    `ip address add fd99::1/64 dev eth0 nodad
    calicoctl patch node calico-01 -p '{"spec":{"bgp":{"ipv6Address":"fd99::1/64"}}}'`,
  );
  const tunnelled = { cidr: '172.30.0.0/16', vxlanMode: 'Always', disabled: true };
  await apply({ apiVersion: 'projectcalico.org/v3', kind: 'IPPool', metadata: { name: 'tunnelled' }, spec: tunnelled });
  await apply(...PEERS);
}, 90_000);

afterAll(async () => {
  await hosts.down();
}, 30_000);

test('a default route, outside prefixes and what lies in a pool without a tunnel reach the kernel, with Calico’s metric', async () => {
  await untilRoutes('calico-01', [...FOREIGN, IN_OPEN_POOL]);
}, 30_000);

test('they are not handed on to the other nodes', async () => {
  expect((await routesOf('calico-02')).filter((route) => /default|203\.0|db8/.test(route))).toEqual([]);
});

test('the host’s own default route goes before the router’s, with or without a metric', async () => {
  for (const metric of [0, 512]) {
    await hosts.must(
      'calico-01',
      `ip route del default via 10.99.0.254; ip route add default via 10.99.0.254 metric ${metric}`,
    );
    await Bun.sleep(1200); // BIRD scans the table once a second
    expect(await hosts.must('calico-01', 'ip route get 198.51.100.1')).toContain('via 10.99.0.254 ');
  }
  await hosts.must('calico-01', 'ip route del default via 10.99.0.254');
  expect(await hosts.must('calico-01', 'ip route get 198.51.100.1')).toContain('via 10.99.0.9 ');
  await untilRoutes('calico-01', [...FOREIGN, IN_OPEN_POOL]);
}, 30_000);

/** BGPFilters of the session with the router, which give its default route a priority. */
async function preferDefault(value: number): Promise<void> {
  const importV4 = [
    {
      ...{ cidr: '0.0.0.0/0', matchOperator: 'Equal', priority: FOREIGN_METRIC },
      ...{ action: 'Accept', operations: [{ setPriority: { value } }] },
    },
    { cidr: '203.0.113.0/24', matchOperator: 'Equal', priority: 1024, action: 'Reject' },
  ];
  await apply({
    apiVersion: 'projectcalico.org/v3',
    kind: 'BGPFilter',
    metadata: { name: 'edge' },
    spec: { importV4 },
  });
}

test('setPriority of an import filter is the metric, also when it changes, and a rule asks for it', async () => {
  const others = FOREIGN.filter((route) => !route.startsWith('default via 10'));
  const [peer4] = PEERS;
  for (const value of [50, 700]) {
    await preferDefault(value);
    await apply({ ...peer4, spec: { ...peer4?.spec, filters: ['edge'] } });
    await untilRoutes('calico-01', [...others, IN_OPEN_POOL, `default via 10.99.0.9 dev eth0 metric ${value}`]);
  }
  await apply(...PEERS);
  await untilRoutes('calico-01', [...FOREIGN, IN_OPEN_POOL]);
}, 40_000);

test('routes into pools stay out where BIRD does not make them, and others do not', async () => {
  const spec = { programClusterRoutes: 'Disabled' };
  const configuration = { apiVersion: 'projectcalico.org/v3', kind: 'BGPConfiguration', metadata: { name: 'default' } };
  await apply({ ...configuration, spec });
  await untilRoutes('calico-01', FOREIGN);
  await apply({ ...configuration, spec: {} });
  await untilRoutes('calico-01', [...FOREIGN, IN_OPEN_POOL]);
}, 40_000);

/** All that the router brings when its default route has a priority. */
const withDefault = (priority: number) =>
  [...FOREIGN, IN_OPEN_POOL].map((route) => route.replace(/^(default via 10.*metric).*/, `$1 ${priority}`));

test('a peer whose filter is deleted sends and takes nothing, which status says, until the filter is there', async () => {
  const [peer4] = PEERS;
  const countRoutes = () => onSegment('birdc -s /run/ocicat/router.ctl show route protocol node4 | grep -c / || true');
  await apply({ ...peer4, spec: { ...peer4?.spec, filters: ['edge'] } });
  await untilRoutes('calico-01', withDefault(700));
  const { status, stderr } = await hosts.on('calico-01', 'calicoctl delete bgpfilter edge');
  expect([status, stderr]).toEqual([
    0,
    'warning: BGPFilter(edge) is named by BGPPeer(router4): without it nothing is sent to them or taken from them\n',
  ]);
  await untilRoutes(
    'calico-01',
    [...FOREIGN].filter((route) => !route.includes('10.99.0.9')),
  );
  expect(await countRoutes()).toBe('0');
  expect(await hosts.must('calico-01', 'calicoctl node status')).toContain(
    '\nNothing is sent to them or taken from them:\n  BGPPeer(router4): BGPFilter(edge) is not there\n',
  );
  await preferDefault(50);
  await untilRoutes('calico-01', withDefault(50));
  expect(await hosts.must('calico-01', 'calicoctl node status')).not.toContain('Nothing is sent');
}, 40_000);

test('when the router dies its routes are withdrawn', async () => {
  await onSegment('kill -KILL $(cat /run/ocicat/router.pid)');
  await untilRoutes('calico-01', []);
}, 30_000);
