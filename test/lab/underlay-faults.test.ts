// What happens to underlays: a host moves to another segment under running pods, its gateway goes and comes back, the router
// starts anew, two hosts have the same address. Routes follow, and none stays.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { eventually } from '../support/host/lab.ts';
import { untilEqual } from '../support/host/until-equal.ts';
import { observeLosses } from '../support/underlay/flows.ts';
import { inside, openUnderlay, setPools, type UnderlayLab } from '../support/underlay/pods.ts';
import { observeProbes, untilProbes } from '../support/underlay/probes.ts';

const MOVER = 'calico-02';
const FIRST = { bridge: 'underlay', ipv4: '10.99.0', ipv6: 'fd99:' };
const SECOND = { bridge: 'underlay-2', ipv4: '10.99.1', ipv6: 'fd99:0:0:1:' };
let underlay: UnderlayLab;

async function onRouter(script: string): Promise<void> {
  const { status, stderr } = await underlay.lab.onSegment(`set -e; ${script}`);
  if (status !== 0) throw new Error(`${script}: ${stderr}`);
}

/** The host's link, addresses and gateways become those of a segment. */
async function move(host: string, to: typeof FIRST): Promise<void> {
  const number = Number(host.slice(-1));
  await onRouter(`ip link set up-${host} master ${to.bridge}`);
  await underlay.lab.must(
    host,
    `ip address flush dev eth0 scope global; ip -6 route flush default
    ip address add ${to.ipv4}.${number}/24 dev eth0; ip address add ${to.ipv6}:${number}/64 dev eth0 nodad
    ip route add default via ${to.ipv4}.254; ip -6 route add default via ${to.ipv6}:254`,
  );
}

/** All that a host knows of the ways to others. */
const waysOf = (host: string) =>
  underlay.lab.must(
    host,
    'ip route; ip -6 route; bridge fdb show dev vxlan.calico; bridge fdb show dev vxlan-v6.calico',
  );

async function addressesOf(node: string): Promise<readonly string[]> {
  const { spec } = JSON.parse(await underlay.lab.must('calico-01', `calicoctl get node ${node} -o json`));
  return [spec.bgp?.ipv4Address ?? 'none', spec.bgp?.ipv6Address ?? 'none'];
}

const untilAddresses = (node: string, addresses: readonly string[]) => untilEqual(() => addressesOf(node), addresses);

beforeAll(async () => {
  underlay = await openUnderlay('under-faults', ['ipv4', 'ipv6']);
  await setPools(underlay, { vxlanMode: 'CrossSubnet' });
  await untilProbes(underlay, true);
}, 120_000);

afterAll(async () => {
  await underlay.lab.down();
}, 30_000);

test('a host that moves to another segment keeps its pods: the others reach them there, and no way to the old place stays', async () => {
  for (const [from, to] of [
    [FIRST, SECOND],
    [SECOND, FIRST],
  ] as const) {
    await move(MOVER, to);
    await untilAddresses(MOVER, [`${to.ipv4}.2/24`, `${to.ipv6}:2/64`]);
    await untilProbes(underlay, true);
    for (const host of ['calico-01', 'calico-03']) {
      const ways = await waysOf(host);
      expect(ways).not.toMatch(new RegExp(`(via|dst) ${from.ipv4.replaceAll('.', '\\.')}\\.2 `));
      expect(ways).not.toMatch(new RegExp(`(via|dst) ${from.ipv6}:2 `));
    }
  }
}, 60_000);

test('without a gateway a host reaches its segment, and all others again as soon as it has one', async () => {
  const { lab } = underlay;
  await lab.must(MOVER, 'ip route del default; ip -6 route del default');
  const losses = await observeLosses(underlay, [underlay.pods.c], () => Bun.sleep(2_000));
  expect(losses.filter((line) => !line.endsWith(': 0 lost'))).toEqual([]);
  expect((await lab.on(MOVER, 'ping -q -c 1 -W 0.5 10.99.1.3; ping -q -c 1 -W 0.5 fd99:0:0:1::3')).status).not.toBe(0);
  await lab.must(MOVER, 'ip route add default via 10.99.0.254; ip -6 route add default via fd99::254');
  await untilProbes(underlay, true);
}, 60_000);

test('while the router starts anew nothing is lost within segments, and between them all is as before when it is back', async () => {
  const losses = await observeLosses(underlay, [underlay.pods.b, underlay.pods.c], async () => {
    await onRouter(
      'for bridge in underlay underlay-2; do ip address flush dev $bridge scope global; done; echo 0 >/proc/sys/net/ipv4/ip_forward',
    );
    await Bun.sleep(4_000);
    await onRouter(`echo 1 >/proc/sys/net/ipv4/ip_forward
      ip address add 10.99.0.254/24 dev underlay; ip address add fd99::254/64 dev underlay nodad
      ip address add 10.99.1.254/24 dev underlay-2; ip address add fd99:0:0:1::254/64 dev underlay-2 nodad`);
  });
  expect(losses.filter((line) => !line.endsWith(': 0 lost'))).toEqual([]);
  await untilProbes(underlay, true);
}, 60_000);

test('where the path takes less than any host knows, pods are told so or it is done for them, and connections go on', async () => {
  const { lab, pods } = underlay;
  await onRouter('ip link set underlay-2 mtu 1400');
  const ping = (address = '') => `ping -n -c 1 -W 1 -M do -s 1380 ${address} 2>&1`;
  const [ipv4, ipv6] = pods.d.addresses;
  await eventually('the answer to what is too large', 10_000, async () =>
    /mtu[:=] ?1330/.test((await lab.on('calico-01', `${inside(pods.a)} ${ping(ipv6)}`)).stdout) ? true : undefined,
  );
  await lab.must('calico-01', `${inside(pods.a)} ${ping(ipv4)}`); // the router may cut what carries it
  const seen = await eventually('connections', 10_000, async () => {
    const lines = (await observeProbes(underlay)).filter((line) => /^(a -tcp-> d|d -tcp-> a)/.test(line));
    return lines.every((line) => line.endsWith(': yes')) ? lines : undefined;
  });
  expect(seen.length).toBe(4);
  await onRouter('ip link set underlay-2 mtu 1500');
  const forget = 'ip -4 route flush cache; ip -6 route flush cache';
  for (const { host, name } of [pods.a, pods.b, pods.c, pods.d])
    await lab.must(host, `${forget}; ${inside(name)} sh -c '${forget}'`);
  await untilProbes(underlay, true);
}, 60_000);

test('a host that takes the address of another is without one, which its log says, and nobody has a way to it; the other keeps its own', async () => {
  const { lab, pods } = underlay;
  const blockOf = (address = '') => address.replace(/\.\d+$/, '.');
  const setAddresses = (...addresses: readonly string[]) =>
    lab.must(
      'calico-03',
      `ip -4 address flush dev eth0; for address in ${addresses.join(' ')}; do ip address add $address dev eth0; done
      ip route replace default via 10.99.1.254`,
    );
  await setAddresses('10.99.0.1/32', '10.99.1.3/24'); // the first is what is found
  await untilAddresses('calico-03', ['none', 'fd99:0:0:1::3/64']);
  expect(await addressesOf('calico-01')).toEqual(['10.99.0.1/24', 'fd99::1/64']);
  expect(await lab.must('calico-03', 'cat /var/log/calico/node.log')).toMatch(
    /its address 10\.99\.0\.1 is that of node "calico-01"; set IP or NODENAME/,
  );
  await eventually('no way to it', 5_000, async () =>
    (await lab.must(MOVER, 'ip route')).includes(blockOf(pods.d.addresses[0])) ? undefined : true,
  );
  expect(await lab.must(MOVER, 'ip route')).toContain(blockOf(pods.a.addresses[0]));
  await setAddresses('10.99.1.3/24');
  await untilAddresses('calico-03', ['10.99.1.3/24', 'fd99:0:0:1::3/64']);
  await untilProbes(underlay, true);
}, 60_000);
