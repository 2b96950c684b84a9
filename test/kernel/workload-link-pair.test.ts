// A pod with several interfaces: what is sent from the address of one leaves by it, whichever was made first.
import { afterEach, beforeEach, expect, test } from 'bun:test';
import { formatIssue } from '../../src/base/errors.ts';
import { checkWorkloadLink, createWorkloadLink, type WorkloadLinkSpec } from '../../src/kernel/link/workload-link.ts';
import { raiseWorkloadLink } from '../../src/kernel/reconcile/raise-link.ts';
import { parseCidr } from '../../src/net/cidr.ts';
import { parseIp } from '../../src/net/ip.ts';
import { parseMac } from '../../src/net/mac.ts';
import * as libc from '../../src/sys/libc.ts';
import { createNetns, withNetns } from '../../src/sys/netns.ts';

let host: number;
let pod: number;
let peer: number;
beforeEach(() => {
  [host, pod, peer] = [createNetns(), createNetns(), createNetns()];
  run(host, 'sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1');
  connect(
    specOf({ netnsFd: peer, hostName: 'calipeer', endpoint: 'default/peer', mac: parseMac('02:00:00:00:00:09') }, 9),
  );
});
afterEach(() => {
  for (const fd of [host, pod, peer]) libc.close(fd);
});

function run(netns: number, command: string): string {
  const { stdout, stderr } = withNetns(netns, () => Bun.spawnSync(['sh', '-c', command]));
  return `${stdout}${stderr}`.replaceAll(/[ \t]+$/gm, '').trim();
}

/** The n-th interface of the pod. */
function specOf(changes: Partial<WorkloadLinkSpec>, n: number): WorkloadLinkSpec {
  return {
    netnsFd: pod,
    containerName: 'eth0',
    hostName: `cali${n}`,
    endpoint: `default/node-cni-pod-${n}`,
    mac: parseMac(`02:00:00:00:01:0${n}`),
    mtuBytes: 1450,
    queues: 1,
    addresses: [parseIp(`10.65.0.${n}`), parseIp(`fd00:65::${n}`)],
    allowForwarding: false,
    ...changes,
  };
}

function connect(spec: WorkloadLinkSpec): void {
  withNetns(host, () => {
    createWorkloadLink(spec);
    raiseWorkloadLink(spec);
  });
}

const check = (spec: WorkloadLinkSpec) => withNetns(host, () => checkWorkloadLink(spec)).map(formatIssue);
const answers = (from: number, args: string) => run(from, `ping -c1 -W2 ${args} >/dev/null 2>&1 && echo yes`);
const [first, second] = [() => specOf({}, 0), () => specOf({ containerName: 'eth1' }, 1)];

/** Every address is reached, also by way of the host's strict check of where a source lies. */
function expectBothReached(): void {
  for (const address of ['10.65.0.0', '10.65.0.1', 'fd00:65::0', 'fd00:65::1']) {
    expect([address, answers(peer, address)]).toEqual([address, 'yes']);
    expect([address, answers(pod, `-I ${address} ${address.includes(':') ? 'fd00:65::9' : '10.65.0.9'}`)]).toEqual([
      address,
      'yes',
    ]);
  }
}

test.each([
  ['eth0 first', [first, second]],
  ['eth1 first', [second, first]],
])('each interface has its own way: %s', (_order, [one = first, other = second]) => {
  connect(one());
  expect(run(pod, 'ip rule | grep -c 30000')).toBe('0');
  connect(other());
  expectBothReached();
  expect([check(first()), check(second())]).toEqual([[], []]);
  expect(run(pod, 'ip route get 10.65.0.9 | head -1; ip -6 route get fd00:65::9 | head -1')).toMatch(
    /dev eth0 src 10\.65\.0\.0.*dev eth0.*src fd00:65::/s,
  );
  run(pod, 'ip rule del from 10.65.0.1');
  expect(check(second())).toEqual(['pod link eth1.rules: found nothing, wanted from 10.65.0.1']);
});

test('the routes of a network lead through its interface', () => {
  connect(first());
  connect({ ...second(), routes: [parseCidr('10.65.0.8/29'), parseCidr('fd00:65::8/125')] });
  expect(run(pod, 'ip route get 10.65.0.9 | head -1; ip -6 route get fd00:65::9 | head -1')).toMatch(
    /dev eth1 src 10\.65\.0\.1.*dev eth1.*src fd00:65::1/s,
  );
  expectBothReached();
});

test('when one interface goes the other keeps its way, and what comes again is as before', () => {
  connect(first());
  connect(second());
  run(host, 'ip link del cali0');
  expect([answers(pod, '10.65.0.9'), answers(pod, 'fd00:65::9'), answers(peer, '10.65.0.1')]).toEqual([
    'yes',
    'yes',
    'yes',
  ]);
  expect(check(second())).toEqual([]);
  connect(first());
  expectBothReached();
  expect(run(pod, 'ip rule | grep -c 30000; ip -6 rule | grep -c 30000')).toBe('2\n2');
});

test('names that end in the same number, and an interface of somebody else with the default route', () => {
  run(pod, 'ip link add eth0 type bridge; ip addr add 10.77.0.2/24 dev eth0; ip link set eth0 up');
  run(pod, 'ip route add default via 10.77.0.1');
  const [one, other] = [specOf({ containerName: 'net0' }, 0), specOf({ containerName: 'web' }, 1)];
  connect(one);
  connect(other);
  expectBothReached();
  expect([check(one), check(other)]).toEqual([[], []]);
  expect(run(pod, 'ip route show default | sed "s, linkdown,,"')).toBe(
    'default via 10.77.0.1 dev eth0\ndefault via 169.254.1.1 dev net0 metric 1\ndefault via 169.254.1.1 dev web metric 2',
  );
});

test('interfaces need not have the same families', () => {
  const plain = () => ({ ...second(), addresses: [parseIp('10.65.0.1')] });
  for (const order of [
    [first, plain],
    [plain, first],
  ]) {
    for (const spec of order) connect(spec());
    for (const address of ['10.65.0.0', '10.65.0.1', 'fd00:65::0'])
      expect([address, answers(peer, address)]).toEqual([address, 'yes']);
    expect([check(first()), check(plain())]).toEqual([[], []]);
    run(host, 'ip link del cali0; ip link del cali1');
  }
});

test('the pod forwards when one of its networks allows it', () => {
  for (const order of [
    [true, false],
    [false, true],
  ]) {
    connect({ ...first(), allowForwarding: order[0] ?? false });
    connect({ ...second(), allowForwarding: order[1] ?? false });
    expect(run(pod, 'cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding')).toBe('1\n1');
    run(host, 'ip link del cali0; ip link del cali1');
  }
});

test('the first packet passes, however busy the kernel is with other links', async () => {
  const churn =
    'for n in $(seq 500); do ip link add n0 type veth peer name n1; ip link set n0 up; ip link set n1 up; ip link del n0; done';
  const busy = [0, 1, 2].map(() => withNetns(host, () => Bun.spawn(['unshare', '-n', 'sh', '-c', churn])));
  const lost: number[] = [];
  for (let n = 0; n < 40; n++) {
    connect(first());
    if (answers(pod, '10.65.0.9') !== 'yes') lost.push(n);
    run(host, 'ip link del cali0');
  }
  for (const one of busy) one.kill('SIGKILL');
  await Promise.all(busy.map(({ exited }) => exited));
  expect(lost).toEqual([]);
}, 60_000);
