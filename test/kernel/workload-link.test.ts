import { afterEach, beforeEach, expect, test } from 'bun:test';
import { formatIssue } from '../../src/base/errors.ts';
import { markForRemoval } from '../../src/kernel/link/removal-group.ts';
import {
  checkWorkloadLink,
  createWorkloadLink,
  observeWorkloadLinks,
  type WorkloadLinkSpec,
} from '../../src/kernel/link/workload-link.ts';
import { raiseWorkloadLink } from '../../src/kernel/reconcile/raise-link.ts';
import { openLinkRemover } from '../../src/kernel/worker/link-remover.ts';
import { parseCidr } from '../../src/net/cidr.ts';
import { parseIp } from '../../src/net/ip.ts';
import { parseMac } from '../../src/net/mac.ts';
import * as libc from '../../src/sys/libc.ts';
import * as netlink from '../../src/sys/netlink.ts';
import { createNetns, withNetns } from '../../src/sys/netns.ts';

let host: number;
let pods: readonly number[];
beforeEach(() => {
  host = createNetns();
  pods = [createNetns(), createNetns()];
});
afterEach(() => {
  for (const fd of [host, ...pods]) libc.close(fd);
});

function run(netns: number, command: string): string {
  const { stdout, stderr } = withNetns(netns, () => Bun.spawnSync(['sh', '-c', command]));
  return `${stdout}${stderr}`.replaceAll(/[ \t]+$/gm, '').trim();
}

type PodSpec = WorkloadLinkSpec & { readonly netnsFd: number };

function specOf(pod: 0 | 1, changes: Partial<PodSpec> = {}): PodSpec {
  return {
    netnsFd: pods[pod] ?? -1,
    containerName: 'eth0',
    hostName: `cali${pod}`,
    endpoint: `default/node-cni-pod${pod}-eth0`,
    mac: parseMac(`02:00:00:00:00:0${pod + 1}`),
    mtuBytes: 1450,
    queues: 1,
    addresses: [parseIp(`10.65.0.${pod}`), parseIp(`fd00:65::${pod}`)],
    allowForwarding: false,
    ...changes,
  };
}

const create = (spec: WorkloadLinkSpec) => withNetns(host, () => createWorkloadLink(spec));
const raise = (spec: WorkloadLinkSpec) => withNetns(host, () => raiseWorkloadLink(spec));
const check = (spec: WorkloadLinkSpec) => withNetns(host, () => checkWorkloadLink(spec)).map(formatIssue);
const linkNames = () => withNetns(host, observeWorkloadLinks).map(({ name }) => name);

const POD_STATE = `10.65.0.0/32
fd00:65::/128
default via 169.254.1.1 dev eth0
169.254.1.1 dev eth0 scope link
default via fe80::ecee:eeff:feee:eeee dev eth0 metric 1024 pref medium
169.254.1.1 dev eth0 lladdr ee:ee:ee:ee:ee:ee PERMANENT
fe80::ecee:eeff:feee:eeee dev eth0 lladdr ee:ee:ee:ee:ee:ee PERMANENT
0 0 0`;

const HOST_STATE = `10.65.0.0 dev cali0 scope link metric 1024
fd00:65:: dev cali0 metric 1024 pref medium
10.65.0.0 dev cali0 lladdr 02:00:00:00:00:01 PERMANENT
fd00:65:: dev cali0 lladdr 02:00:00:00:00:01 PERMANENT
1 1 0 1 0 0 0 0 0 1 1 0 0`;

test('both ends are as the pod and the host need them', () => {
  create(specOf(0));
  raise(specOf(0));
  const podState = run(
    specOf(0).netnsFd,
    `ip -o addr show dev eth0 scope global | grep -oE '[0-9a-f.:]+/[0-9]+'; ip route; ip -6 route show default
     ip neigh; cd /proc/sys/net; echo $(cat ipv4/ip_forward ipv6/conf/all/forwarding ipv6/conf/eth0/accept_dad)`,
  );
  expect(podState).toBe(POD_STATE);
  const hostState = run(
    host,
    `ip route; ip -6 route show fd00:65::/64; ip -6 route show fd00:65::; ip neigh show nud permanent
     cd /proc/sys/net; v4=ipv4/conf/cali0; v6=ipv6/conf/cali0
     echo $(cat $v4/forwarding $v4/proxy_arp $v4/route_localnet $v4/rp_filter $v4/arp_accept $v4/accept_redirects \
       $v4/accept_source_route ipv4/neigh/cali0/proxy_delay \
       $v6/accept_dad $v6/proxy_ndp $v6/forwarding $v6/accept_ra $v6/accept_redirects)`,
  );
  expect(hostState).toBe(HOST_STATE);
  expect(check(specOf(0))).toEqual([]);
  expect(withNetns(host, observeWorkloadLinks)).toMatchObject([
    {
      name: 'cali0',
      endpoint: 'default/node-cni-pod0-eth0',
      mac: 'ee:ee:ee:ee:ee:ee',
      mtuBytes: 1450,
      up: true,
      running: true,
    },
  ]);
});

test('nothing passes before the link is raised, everything after', () => {
  for (const pod of [0, 1] as const) create(specOf(pod));
  const ping = (limit: string) =>
    `ping -c1 ${limit} 10.65.0.1 >/dev/null 2>&1 && ping -c1 ${limit} fd00:65::1 >/dev/null 2>&1 && echo answered`;
  run(host, 'sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1');
  expect(withNetns(host, observeWorkloadLinks).map(({ up }) => up)).toEqual([false, false]);
  expect(run(specOf(0).netnsFd, ping('-W1'))).toBe('');
  for (const pod of [0, 1] as const) raise(specOf(pod));
  expect(run(specOf(0).netnsFd, ping('-w10'))).toBe('answered');
});

test('a pod may forward when it is allowed to, and has the routes that are asked for besides', () => {
  const spec = specOf(0, {
    allowForwarding: true,
    routes: ['10.0.0.0/8', '10.0.0.1/8', '0.0.0.0/0', 'fd00::/8'].map(parseCidr),
    addresses: [parseIp('10.65.0.0')],
  });
  create(spec);
  expect(run(spec.netnsFd, 'cat /proc/sys/net/ipv4/ip_forward; ip route')).toBe(
    '1\ndefault via 169.254.1.1 dev eth0 linkdown\n10.0.0.0/8 via 169.254.1.1 dev eth0 linkdown\n169.254.1.1 dev eth0 scope link linkdown',
  );
  raise(spec);
  expect(check(spec)).toEqual([]);
  run(spec.netnsFd, 'ip route del 10.0.0.0/8');
  expect(check(spec)).toEqual([expect.stringContaining('pod link eth0.routes: found nothing, wanted 10.0.0.0/8')]);
});

test('a left-over of an earlier attempt is replaced', () => {
  create(specOf(0));
  run(specOf(0).netnsFd, 'ip link set eth0 name old0');
  create(specOf(0));
  raise(specOf(0));
  expect(check(specOf(0))).toEqual([]);
  expect(run(specOf(0).netnsFd, 'ip -br link | grep -c old0')).toBe('0');
});

test("somebody else's link of that name is left alone", () => {
  run(host, 'ip link add cali0 type bridge');
  expect(() => create(specOf(0))).toThrow('create link "cali0": a link of that name exists and is not ours');
  expect(run(host, 'ip -br link show cali0 | cut -d" " -f1')).toBe('cali0');
});

test('a failure leaves nothing behind', () => {
  const [address = parseIp('10.0.0.1')] = specOf(0).addresses;
  expect(() => create(specOf(0, { addresses: [address, address] }))).toThrow('EEXIST');
  expect(() => create(specOf(0, { mtuBytes: 20 }))).toThrow('create link "cali0": refused with EINVAL');
  expect(() => create(specOf(0, { netnsFd: 0 }))).toThrow();
  run(specOf(0).netnsFd, 'ip link add eth0 type bridge');
  expect(() => create(specOf(0))).toThrow('create link "eth0" in the pod: it has one of that name');
  expect(run(host, 'ip -br link | grep -c cali')).toBe('0');
});

test('an address that is routed elsewhere is not taken over, and the link stays closed', () => {
  create(specOf(0));
  raise(specOf(0));
  const spec = specOf(1, { addresses: specOf(0).addresses });
  create(spec);
  expect(() => raise(spec)).toThrow('raise link "cali1": the route to 10.65.0.0 leads to "cali0"');
  expect(withNetns(host, observeWorkloadLinks).map(({ name, up }) => `${name} ${up}`)).toEqual([
    'cali0 true',
    'cali1 false',
  ]);
  expect(() => raise(specOf(0, { hostName: 'cali9' }))).toThrow('raise link "cali9": there is none');
});

test('a check names every difference', () => {
  create(specOf(0));
  expect(check(specOf(0))).toContain('host link cali0.state: found down, wanted up');
  raise(specOf(0));
  run(host, 'ip route del 10.65.0.0; ip neigh del fd00:65:: dev cali0; ip link set cali0 alias other mtu 1400');
  run(specOf(0).netnsFd, 'ip addr del 10.65.0.0/32 dev eth0; ip route flush all; ip route add 169.254.1.1 dev eth0');
  expect(check(specOf(0))).toEqual([
    'host link cali0.mtu: found 1400, wanted 1450',
    'host link cali0.alias: found other, wanted ocicat:default/node-cni-pod0-eth0',
    'host link cali0.routes: found nothing, wanted 10.65.0.0/32 interface 2 metric 1024',
    'host link cali0.neighbours[fd00:65::]: found nothing, wanted 02:00:00:00:00:01',
    'pod link eth0.addresses: found nothing, wanted 10.65.0.0/32',
    'pod link eth0.routes: found nothing, wanted 0.0.0.0/0 via 169.254.1.1 interface 2',
    'pod link eth0.neighbours[169.254.1.1]: found nothing, wanted ee:ee:ee:ee:ee:ee',
  ]);
  run(specOf(0).netnsFd, 'ip link del eth0');
  expect(check(specOf(0))).toEqual([
    'host link cali0: found nothing, wanted a link',
    'pod link eth0: found nothing, wanted a link',
  ]);
});

test('removal: addresses are free at once, links are gone when settled', async () => {
  const remover = withNetns(host, openLinkRemover);
  for (const pod of [0, 1] as const) {
    create(specOf(pod));
    raise(specOf(pod));
  }
  expect(await Promise.all([remover.remove('cali0'), remover.remove('cali1')])).toEqual(['removed', 'removed']);
  expect(run(host, 'ip route; ip -6 route show fd00:65::/32; ip neigh')).toBe('');
  await remover.settled();
  expect(linkNames()).toEqual([]);
  expect(run(specOf(0).netnsFd, 'ip -br link | grep -c eth0')).toBe('0');
  expect(await remover.remove('cali0')).toBe('absent');
  await expect(remover.remove('lo')).rejects.toThrow('remove link "lo": it is not the link of a workload');
  await remover.close();
});

test('a name that is being removed can be taken again at once', async () => {
  const remover = withNetns(host, openLinkRemover);
  for (let round = 0; round < 3; round++) {
    create(specOf(0));
    raise(specOf(0));
    expect(await remover.remove('cali0')).toBe('removed');
  }
  create(specOf(0));
  raise(specOf(0));
  await remover.close();
  expect(check(specOf(0))).toEqual([]);
});

test('what a stopped process has marked is deleted by the next', async () => {
  const link = create(specOf(0));
  const socket = withNetns(host, () => netlink.openNetlink(netlink.NETLINK_ROUTE));
  expect(markForRemoval(socket, link.hostIndex)).toBe(true);
  socket.close();
  expect(linkNames()).toEqual(['cali0']);
  const remover = withNetns(host, openLinkRemover);
  await remover.close();
  expect(linkNames()).toEqual([]);
});
