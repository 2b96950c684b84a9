import { afterAll, afterEach, beforeAll, expect, test } from 'bun:test';
import { createWorkloadLink, type WorkloadLinkSpec } from '../../src/kernel/link/workload-link.ts';
import { raiseWorkloadLink } from '../../src/kernel/reconcile/raise-link.ts';
import { reconcileKernel } from '../../src/kernel/reconcile/reconcile.ts';
import { computeWorkloadsState, type LocalWorkload } from '../../src/kernel/reconcile/workload-state.ts';
import { formatCidr } from '../../src/net/cidr.ts';
import { formatIp, parseIp } from '../../src/net/ip.ts';
import { parseMac } from '../../src/net/mac.ts';
import * as libc from '../../src/sys/libc.ts';
import { createNetns, withNetns } from '../../src/sys/netns.ts';

/** More than are asked for one by one. */
const MANY = 20;

let host: number;
const pods: number[] = [];

function specOf(pod: number): WorkloadLinkSpec {
  return {
    netnsFd: pods[pod] ?? -1,
    containerName: 'eth0',
    hostName: `cali${pod}`,
    endpoint: `default/pod${pod}`,
    mac: parseMac(`02:00:00:00:00:${String(pod + 10)}`),
    queues: 1,
    addresses: [parseIp(`10.65.0.${pod}`), parseIp(`fd00:65::${pod}`)],
    allowForwarding: false,
  };
}

function workloadOf(pod: number, changes: Partial<LocalWorkload> = {}): LocalWorkload {
  const { hostName: interfaceName, addresses, mac, endpoint: id } = specOf(pod);
  return {
    id,
    interfaceName,
    addresses,
    floating: [],
    mac,
    bandwidth: {},
    maySpoof: false,
    fromLoopback: [],
    isPartial: false,
    ...changes,
  };
}

const run = (command: string) =>
  withNetns(host, () => Bun.spawnSync(['sh', '-c', command]))
    .stdout.toString()
    .trim();

/** What the kernel has to be told so that it is as these want it, in words. */
function reconcile(workloads: readonly LocalWorkload[]): readonly string[] {
  const desired = computeWorkloadsState(workloads);
  const { difference, failures } = withNetns(host, () => reconcileKernel(desired));
  return [
    ...difference.links.map(({ hostName }) => `settings ${hostName}`),
    ...difference.routes.added.map(({ destination }) => `+route ${formatCidr(destination)}`),
    ...difference.routes.removed.map(({ destination }) => `-route ${formatCidr(destination)}`),
    ...difference.neighbours.map(({ address }) => `neighbour ${formatIp(address)}`),
    ...failures.map((failure) => failure.message),
  ];
}

const all = () => pods.map((_, pod) => workloadOf(pod));

beforeAll(() => {
  host = createNetns();
  for (let pod = 0; pod < MANY; pod += 1) pods.push(createNetns());
  withNetns(host, () => {
    for (const [pod] of pods.entries()) {
      createWorkloadLink(specOf(pod));
      raiseWorkloadLink(specOf(pod));
    }
  });
});
afterAll(() => {
  for (const fd of [host, ...pods]) libc.close(fd);
});
afterEach(() => {
  expect(reconcile(all())).toEqual([]);
});

/** One link is asked for alone, twenty are read with all others: the same must come of both. */
const looks: readonly (readonly [string, () => readonly LocalWorkload[]])[] = [
  ['of one workload', () => [workloadOf(0)]],
  ['of many', all],
];

for (const [what, workloads] of looks) {
  test(`${what}: what attaching has made is what is wanted`, () => {
    expect(reconcile(workloads())).toEqual([]);
  });

  test(`${what}: whatever is taken away or changed by somebody comes back, and nothing else is touched`, () => {
    run('ip route del 10.65.0.0; ip -6 route del fd00:65::');
    expect(reconcile(workloads())).toEqual(['+route 10.65.0.0/32', '+route fd00:65::/128']);
    run('ip neigh del 10.65.0.0 dev cali0; ip -6 neigh change fd00:65:: dev cali0 nud stale');
    expect(reconcile(workloads())).toEqual(['neighbour 10.65.0.0', 'neighbour fd00:65::']);
    for (const setting of ['ipv4/conf/cali0/rp_filter', 'ipv6/conf/cali0/accept_ra', 'ipv6/conf/cali0/forwarding']) {
      run(`cd /proc/sys/net; echo $((1 - $(cat ${setting}))) > ${setting}`);
      expect(reconcile(workloads())).toEqual(['settings cali0']);
    }
    expect(run('cd /proc/sys/net; cat ipv4/conf/cali0/rp_filter ipv6/conf/cali0/accept_ra')).toBe('1\n0');
  });

  test(`${what}: a link that went down and up has lost its routes and neighbours, and gets them back`, () => {
    run('ip link set cali0 down');
    expect(reconcile(workloads())).toEqual([]);
    run('ip link set cali0 up');
    expect(reconcile(workloads())).toEqual([
      ...['+route 10.65.0.0/32', '+route fd00:65::/128'],
      ...['neighbour 10.65.0.0', 'neighbour fd00:65::'],
    ]);
  });

  test(`${what}: a route that the workload no longer wants goes, and others through its link stay`, () => {
    run(
      'ip route add 10.66.0.1 dev cali0 metric 1024 proto boot scope link; ip route add 10.66.0.2 dev cali0 metric 7',
    );
    run('ip route add 10.67.0.0/24 dev cali0 metric 1024 proto boot scope link');
    const partial = workloads().map((one) => ({ ...one, isPartial: true }));
    expect(reconcile(partial)).toEqual([]);
    expect(reconcile(workloads())).toEqual(['-route 10.66.0.1/32']);
    expect(run('ip route show dev cali0 | grep -cE "^10.6[67]"')).toBe('2');
    run('ip route del 10.66.0.2; ip route del 10.67.0.0/24');
  });
}

test('a workload that may spoof has its source checked by rules alone, and one that is not there wants nothing', () => {
  const spoofing = [
    workloadOf(0, { maySpoof: true }),
    workloadOf(1, { id: 'z', interfaceName: 'cali99', addresses: [] }),
  ];
  expect(reconcile(spoofing)).toEqual(['settings cali0']);
  expect(run('cat /proc/sys/net/ipv4/conf/cali0/rp_filter')).toBe('0');
  expect(reconcile([workloadOf(0)])).toEqual(['settings cali0']);
});

test("what answers the host's loopback addresses comes back by each link that ports of the host lead to, and by no other", () => {
  const reached = [0, 1].map((number) => workloadOf(number, { fromLoopback: [4, 6] }));
  expect(reconcile(reached).toSorted()).toEqual([
    '+route ::1/128',
    '+route ::1/128',
    'settings cali0',
    'settings cali1',
  ]);
  expect(reconcile(reached)).toEqual([]);
  expect(run('cat /proc/sys/net/ipv4/conf/cali[0-2]/route_localnet')).toBe('1\n1\n0');
  expect(run('ip -6 route get ::1')).toContain('dev lo');
  expect(reconcile(reached.map((one) => ({ ...one, fromLoopback: [4] as const })))).toEqual([
    '-route ::1/128',
    '-route ::1/128',
  ]);
  expect(reconcile([workloadOf(0), workloadOf(1)])).toEqual(['settings cali0', 'settings cali1']);
});

test("where somebody else's route stands in the way that is said, and the rest is done", () => {
  run(
    'ip route del 10.65.0.1; ip route add 10.65.0.1 dev cali3 metric 1024 proto static scope link; ip route del 10.65.0.2',
  );
  expect(reconcile(all())).toEqual([
    '+route 10.65.0.2/32',
    expect.stringMatching(/^add route "10.65.0.1\/32 .*another route to it exists$/),
  ]);
  expect(run('ip route show 10.65.0.2')).toContain('dev cali2');
  run('ip route del 10.65.0.1 dev cali3');
  expect(reconcile(all())).toEqual(['+route 10.65.0.1/32']);
});
