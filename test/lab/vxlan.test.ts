// VXLAN between hosts of both families: what the underlay sees, whom packets are taken from, what changes and removals leave.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { eventually, type Result } from '../support/host/lab.ts';
import { untilEqual } from '../support/host/until-equal.ts';
import { observeLosses } from '../support/underlay/flows.ts';
import { HOSTS, inside, openUnderlay, type UnderlayLab } from '../support/underlay/pods.ts';
import { expectProbes, observeProbes } from '../support/underlay/probes.ts';

let underlay: UnderlayLab;

/** The outer header alone is looked at. */
const ofPods = () =>
  Object.values(underlay.pods)
    .flatMap(({ addresses }) => addresses.map((address) => `host ${address}`))
    .join(' or ');

const must = (host: string, command: string) => underlay.lab.must(host, command);
const apply = (resource: object) => must('calico-01', `calicoctl apply -f - <<'END'\n${JSON.stringify(resource)}\nEND`);

async function setPools(spec: object): Promise<void> {
  for (const family of underlay.families)
    await must('calico-01', `calicoctl patch ippool default-${family}-ippool -p '${JSON.stringify({ spec })}'`);
}

const setFelix = (spec: object) =>
  must('calico-01', `calicoctl patch felixconfiguration default -p '${JSON.stringify({ spec })}'`);

/** Until all that should come through does. */
const untilAllReach = () => untilEqual(() => observeProbes(underlay), expectProbes(underlay, true), 8_000);

const until = (what: string, host: string, command: string, isSo: (output: string) => boolean) =>
  eventually(`${what}: ${command}`, 2_000, async () => {
    const { stdout } = await underlay.lab.on(host, command);
    return isSo(stdout) ? stdout : undefined;
  });

/** How many packets of each filter the first host's uplink sees while `work` is under way. */
async function capture(filters: readonly string[], work: () => Promise<unknown>): Promise<readonly number[]> {
  const file = (index: number) => `/tmp/capture-${index}`;
  await must(
    'calico-01',
    filters
      .map(
        (filter, at) =>
          `setsid --fork timeout 30 tcpdump -Z root --immediate-mode -ni eth0 -U -w ${file(at)} "${filter}" >/dev/null 2>${file(at)}.log </dev/null`,
      )
      .concat(filters.map((_, at) => `until grep -q listening ${file(at)}.log; do sleep 0.02; done`))
      .join('\n'),
  );
  await work();
  const counts = filters.map((_, at) => `tcpdump -nr ${file(at)} 2>/dev/null | grep -c '^[0-9]' || true`);
  const output = await must('calico-01', ['sleep 0.3; pkill -x tcpdump; sleep 0.2', ...counts].join('\n'));
  return output.trim().split('\n').map(Number);
}

beforeAll(async () => {
  underlay = await openUnderlay('vxlan', ['ipv4', 'ipv6']);
  await setPools({ vxlanMode: 'Always' });
  await untilAllReach();
}, 120_000);

afterAll(async () => {
  await underlay?.lab.down();
}, 30_000);

test('the underlay sees packets of pods inside of VXLAN alone, in both families', async () => {
  const filters = ['ip and udp port 4789', 'ip6 and udp port 4789', ofPods()];
  const [v4 = 0, v6 = 0, plain] = await capture(filters, () => observeProbes(underlay));
  expect(Math.min(v4, v6)).toBeGreaterThan(10);
  expect(plain).toBe(0);
});

test('within a subnet CrossSubnet sends them as they are, and between subnets inside of VXLAN', async () => {
  await setPools({ vxlanMode: 'CrossSubnet' });
  await untilAllReach();
  const { a, c, d } = underlay.pods;
  const ping = (to: typeof c) =>
    must(a.host, `${inside(a)} bash -c '${to.addresses.map((ip) => `ping -n -c 3 -i 0.2 ${ip}`).join(';')}'`);
  // what the probes have begun may still be under way
  const echoes = `(icmp or icmp6) and (${ofPods()})`;
  const toSecond = 'udp port 4789 and (host 10.99.0.2 or host fd99::2)';
  expect(await capture([toSecond, echoes], () => ping(c))).toEqual([0, 12]);
  const [encapsulated, plain] = await capture(['udp port 4789', echoes], () => ping(d));
  expect(encapsulated).toBeGreaterThanOrEqual(12);
  expect(plain).toBe(0);
  await setPools({ vxlanMode: 'Always' });
  await untilAllReach();
});

/** Sends a whole frame of VXLAN to the tunnel of the first host. */
const FOREIGN = `import socket,sys
mac=bytes.fromhex(sys.argv[1].replace(":",""))
frame=mac+b"\\x02\\0\\0\\0\\0\\x09"+b"\\x08\\0"+b"\\x45"+b"\\0"*19
s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)
for _ in range(5): s.sendto(b"\\x08\\0\\0\\0"+(4096).to_bytes(3,"big")+b"\\0"+frame,("10.99.0.1",4789))`;

/** As a host that is not of the cluster. */
const fromSegment = (command: string) => underlay.lab.onSegment(command);

/** How many of the frames come out of the tunnel. */
async function sendForeign(send: (command: string) => Promise<Result> = fromSegment): Promise<number> {
  const received = async () => Number(await must('calico-01', 'cat /sys/class/net/vxlan.calico/statistics/rx_packets'));
  const mac = (await must('calico-01', 'cat /sys/class/net/vxlan.calico/address')).trim();
  const before = await received();
  const { status, stderr } = await send(`python3 -c '${FOREIGN}' ${mac}`);
  expect([status, stderr]).toEqual([0, '']);
  await Bun.sleep(100);
  return (await received()) - before;
}

test('packets of VXLAN are taken from hosts of the cluster, and from those that externalNodesList names, alone', async () => {
  expect(await sendForeign()).toBe(0);
  expect(await must('calico-01', 'nft list chain inet ocicat base-vxlan-input')).toMatch(
    /nfproto ipv4 .*packets [5-9]\d* .*drop comment "VXLAN from an unknown host"/,
  );
  await setFelix({ externalNodesList: ['10.99.0.254/32'] });
  await eventually('a frame of an external host', 3_000, async () => ((await sendForeign()) === 5 ? true : undefined));
  await setFelix({ externalNodesList: null });
});

test('packets of VXLAN are not sent by workloads, nor forwarded for containers that the host lends its address to', async () => {
  const { c } = underlay.pods;
  await must(
    c.host,
    `setsid --fork rkt run --net=default --uuid-file-save=/tmp/masked docker://busybox --exec /bin/sleep -- 600 >/tmp/masked.log 2>&1 </dev/null
    for i in $(seq 200); do [ -s /tmp/masked ] && break; sleep 0.05; done; rkt status --uuid-file=/tmp/masked --wait-ready=20s`,
  );
  for (const pod of [c, 'masked'])
    expect(await sendForeign((command) => underlay.lab.on(c.host, `${inside(pod)} ${command}`))).toBe(0);
  await must(c.host, `${inside('masked')} ping -n -c 1 -W 2 10.99.0.1`);
  expect(await must(c.host, 'nft list chain inet ocicat base-vxlan-raw-in')).toMatch(
    /daddr @vxlan-hosts4 .*packets 10 .*drop comment "VXLAN that a stranger sends to a host"/,
  );
});

test('a host endpoint that allows nothing lets packets between hosts through', async () => {
  const metadata = { name: 'first' };
  const spec = { node: 'calico-01', interfaceName: 'eth0' };
  await apply({ apiVersion: 'projectcalico.org/v3', kind: 'HostEndpoint', metadata, spec });
  await until('the rules of the endpoint', 'calico-01', 'nft list chain inet ocicat base-host-input', (text) =>
    text.includes('@vxlan-hosts4'),
  );
  await untilAllReach();
  await must('calico-01', 'calicoctl delete hostendpoint first');
});

test('another mode, port and network identifier while pods talk cost less than a second of packets each', async () => {
  const { c } = underlay.pods;
  const changes: readonly (readonly [string, () => Promise<unknown>])[] = [
    ['mode CrossSubnet', () => setPools({ vxlanMode: 'CrossSubnet' })],
    ['mode Never', () => setPools({ vxlanMode: 'Never' })],
    ['mode Always', () => setPools({ vxlanMode: 'Always' })],
    ['port and VNI', () => setFelix({ vxlanPort: 4790, vxlanVNI: 77 })],
  ];
  for (const [name, change] of changes) {
    const losses = await observeLosses(underlay, [c], async () => {
      await change();
      await Bun.sleep(1_500);
    });
    const lost = losses.map((line) => Number(/: (\d+) lost$/.exec(line)?.[1]));
    expect({ name, losses, isLittle: Math.max(...lost) < 100 }).toEqual({ name, losses, isLittle: true });
  }
  expect(await must('calico-01', 'ip -d link show vxlan-v6.calico')).toMatch(/vxlan id 77 .*dstport 4790/);
  await untilAllReach();
  await setFelix({ vxlanPort: null, vxlanVNI: null });
  await untilAllReach();
}, 60_000);

test('another address of a host while pods talk costs less than two seconds of packets, and both ends go by it', async () => {
  const { c } = underlay.pods;
  const losses = await observeLosses(underlay, [c], async () => {
    await must(
      c.host,
      `ip address flush dev eth0 scope global
      ip address add 10.99.0.52/24 dev eth0; ip address add fd99::52/64 dev eth0 nodad
      ip route add default via 10.99.0.254; ip -6 route replace default via fd99::254`,
    );
    await Bun.sleep(3_000);
  });
  const lost = losses.map((line) => Number(/: (\d+) lost$/.exec(line)?.[1]));
  expect({ losses, isLittle: Math.max(...lost) < 200 }).toEqual({ losses, isLittle: true });
  const known = 'bridge fdb; nft list set inet ocicat vxlan-hosts4; nft list set inet ocicat vxlan-hosts6';
  const text = await must('calico-01', known);
  expect([text.match(/10\.99\.0\.52\b/g)?.length, text.match(/fd99::52\b/g)?.length]).toEqual([2, 2]);
  expect(text).not.toMatch(/10\.99\.0\.2\b|fd99::2\b/);
  await untilAllReach();
});

test('a pool without a tunnel beside them has its routes from BIRD', async () => {
  const pool = { cidr: '172.29.0.0/24', blockSize: 26, nodeSelector: 'all()' };
  await apply({ apiVersion: 'projectcalico.org/v3', kind: 'IPPool', metadata: { name: 'plain' }, spec: pool });
  await must(
    'calico-02',
    `setsid --fork rkt run --net=network1:IP=172.29.0.5 --uuid-file-save=/tmp/plain docker://busybox --exec /bin/sleep -- 600 >/tmp/plain.log 2>&1 </dev/null
    for i in $(seq 200); do [ -s /tmp/plain ] && break; sleep 0.05; done; rkt status --uuid-file=/tmp/plain --wait-ready=20s`,
  );
  await until('the route of BIRD', 'calico-01', 'ip route show proto bird', (text) =>
    /^172\.29\.0\.\d+(\/26)? via 10\.99\.0\.52 dev eth0/m.test(text),
  );
  const { a } = underlay.pods;
  await must(a.host, `${inside(a)} ping -n -c 1 -W 2 172.29.0.5`);
  const both = (await must('calico-01', 'ip route show; ip -6 route show'))
    .split('\n')
    .map((line) => line.split(' ')[0]);
  expect(both.filter((one, at) => one?.includes('/') && both.indexOf(one) !== at && !one.startsWith('fe80'))).toEqual(
    [],
  );
});

test('what a host sends to a pod elsewhere from its own address is answered through the tunnel', async () => {
  await apply({
    apiVersion: 'projectcalico.org/v3',
    kind: 'GlobalNetworkPolicy',
    metadata: { name: 'ping' },
    spec: { selector: 'all()', types: ['Ingress'], ingress: [{ action: 'Allow', protocol: 'ICMP' }] },
  });
  const { c } = underlay.pods;
  const [address] = c.addresses;
  const ping = `ping -n -c 1 -W 1 -I 10.99.0.1 ${address}`;
  await eventually('the answer', 5_000, async () =>
    (await underlay.lab.on('calico-01', ping)).status === 0 ? true : undefined,
  );
  const [encapsulated, plain] = await capture(['udp port 4789', ofPods()], () => must('calico-01', ping));
  expect(encapsulated).toBeGreaterThanOrEqual(2);
  expect(plain).toBe(0);
  await must('calico-01', 'calicoctl delete gnp ping');
});

test('routes that two programs claim are one’s, and the log and node status say so', async () => {
  await setFelix({ programClusterRoutes: 'Enabled' });
  const words = 'both claim the routes of pools without a tunnel: calico-node makes them';
  const status = await until('words about it', 'calico-01', 'calicoctl node status', (text) => text.includes(words));
  expect(status).toContain(words);
  expect(await must('calico-01', 'cat /var/log/calico/node.log')).toContain(words);
  await until('the agent’s route', 'calico-01', 'ip route show proto 80', (text) =>
    /172\.29\.0\.\S+ via 10\./.test(text),
  );
  await until('no route of BIRD', 'calico-01', 'ip route show proto bird', (text) => !text.includes('172.29.'));
  const { a } = underlay.pods;
  await must(a.host, `${inside(a)} ping -n -c 1 -W 2 172.29.0.5`);
  await setFelix({ programClusterRoutes: null });
  await until('BIRD’s route again', 'calico-01', 'ip route show proto bird', (text) => text.includes('172.29.'));
});

test('calicoctl finds the tunnels’ addresses in use, and nothing wrong', async () => {
  const report = await must('calico-01', 'calicoctl ipam check');
  expect(report).toContain('Found 6 node tunnel IPs.');
  expect(report).toContain('Check complete; found 0 problems.');
});

test('of a host that leaves nothing stays: no route, no end of a tunnel, no entry in the rules', async () => {
  await underlay.lab.endAgent('calico-03', 'TERM');
  const traces =
    'ip route; ip -6 route; bridge fdb; ip neigh show nud permanent; ip -6 neigh show nud permanent; nft list set inet ocicat vxlan-hosts4; nft list set inet ocicat vxlan-hosts6';
  const ends =
    (
      await must(
        'calico-03',
        'for f in 4 6; do ip -$f -o address show scope global | grep -v "^1: lo "; done; cat /sys/class/net/vxlan*/address',
      )
    ).match(/([0-9a-f]+[.:])+[0-9a-f:.]+/g) ?? [];
  const isTraced = (text: string) =>
    ends.some((end) => text.split(/[\s,]+/).some((word) => word === end || word.startsWith(`${end}/`)));
  expect(isTraced(await must('calico-01', traces))).toBe(true);
  await must('calico-01', 'calicoctl delete node calico-03');
  for (const host of HOSTS.slice(0, 2)) await until('no trace', host, traces, (text) => !isTraced(text));
  expect(await must('calico-01', 'calicoctl ipam check')).toContain('Found 4 node tunnel IPs.');
  expect(await must('calico-01', 'calicoctl ipam check')).toContain('Check complete; found 0 problems.');
}, 30_000);
