// A container in several networks, by the real shim: each network is an interface, or all share the first.
import { afterAll, afterEach, beforeAll, expect, test } from 'bun:test';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type CniHost, countPending, openCniHost, openServer } from '../support/host/cni-host.ts';

let host: CniHost;
beforeAll(async () => {
  host = await openCniHost();
  host.run('host', 'sysctl -qw net.ipv4.ip_forward=1; ip link set lo up; ip addr add 10.9.0.1/32 dev lo');
});
afterAll(() => host.close());

const DUAL = { type: 'calico-ipam', assign_ipv6: 'true' };
const configOf = (name: string, more: object = {}) => ({
  name,
  cniVersion: '1.1.0',
  type: 'calico',
  ipam: { type: 'calico-ipam' },
  ...more,
});
const ask = (command: string, network: string, ifname: string, more: object = {}, version?: string) =>
  host.call({ command, ifname, config: configOf(network, more), ...(version === undefined ? {} : { version }) });

async function add(network: string, ifname: string, more: object = {}, version?: string) {
  const { status, output } = await ask('ADD', network, ifname, more, version);
  const answer = JSON.parse(output);
  expect([status, status === 0 ? '' : answer]).toEqual([0, '']);
  return answer;
}
const del = async (network: string, ifname: string, more: object = {}) =>
  expect(await ask('DEL', network, ifname, more)).toEqual({ status: 0, output: '' });
const check = async (network: string, ifname: string, more: object = {}) => {
  const { status, output } = await ask('CHECK', network, ifname, more);
  return status === 0 ? 'as it was' : JSON.parse(output).msg;
};

/** Interfaces of the pod, with the host's ends and networks of their endpoints. */
async function standing(): Promise<readonly string[]> {
  const { kvs } = await host.datastore.list('/calico/resources/v3/projectcalico.org/workloadendpoints/');
  const specs = kvs.map(({ value }) => JSON.parse(value).spec);
  const pod = host.run('pod', 'ip -br link | cut -d@ -f1').split('\n');
  return specs.map((spec) => `${pod.includes(spec.endpoint)} ${spec.endpoint} ${spec.profiles.join(' ')}`);
}

const ping = (args: string) => host.run('pod', `ping -c1 -W2 ${args} 10.9.0.1 >/dev/null 2>&1 && echo yes`);
const handles = () => host.etcd.ctl('get', '--prefix', '--keys-only', '/calico/ipam/v2/handle/');

afterEach(async () => {
  for (const network of ['network1', 'network2', 'network3'])
    for (const ifname of ['eth0', 'eth1', 'eth2']) await del(network, ifname);
  await host.context.links.settled?.();
  expect([host.linkNames(), await standing(), await handles(), countPending(host)]).toEqual([[], [], '', 0]);
  expect(readdirSync(join(host.folder, 'endpoints'))).toEqual([]);
});

const ETH0 = { network: 'network1', ifname: 'eth0' };
const ETH1 = { network: 'network2', ifname: 'eth1' };

test.each([
  ['eth0', ETH0, ETH1],
  ['eth1', ETH1, ETH0],
])('a second network gives the interface that was asked for: %s first', async (_first, first, second) => {
  const answers = [];
  for (const { network, ifname } of [first, second]) answers.push(await add(network, ifname, { ipam: DUAL }));
  expect(answers.map(({ interfaces }) => interfaces[1].name)).toEqual([first.ifname, second.ifname]);
  expect(new Set(answers.map(({ interfaces }) => interfaces[0].name)).size).toBe(2);
  expect(await standing()).toEqual(['true eth0 network1', 'true eth1 network2']);
  for (const { ips } of answers) expect(ping(`-I ${ips[0].address.split('/')[0]}`)).toBe('yes');
  for (const [index, { network, ifname }] of [first, second].entries()) {
    expect(await check(network, ifname, { ipam: DUAL, prevResult: answers[index] })).toBe('as it was');
    expect(await add(network, ifname, { ipam: DUAL })).toEqual(answers[index]);
  }
  expect(await check('network1', 'eth1')).toContain('not as ADD left it');
  expect(await check('network3', 'eth2')).toContain('it has no interface "eth2" in network "network3"');
});

test('DEL of one interface leaves the other, whichever it is', async () => {
  const [, kept] = [await add('network1', 'eth0'), await add('network2', 'eth1')];
  await del('network1', 'eth0');
  expect(await standing()).toEqual(['true eth1 network2']);
  expect(ping('')).toBe('yes');
  expect(await check('network2', 'eth1', { prevResult: kept })).toBe('as it was');
  const again = await add('network1', 'eth0');
  await del('network2', 'eth1');
  expect(await standing()).toEqual(['true eth0 network1']);
  expect([ping(''), await check('network1', 'eth0', { prevResult: again })]).toEqual(['yes', 'as it was']);
});

test('rules in a pod of interfaces that have gone go with the next one, also when that is alone', async () => {
  for (const [network, ifname] of [
    ['network1', 'eth0'],
    ['network2', 'eth1'],
  ] as const)
    await add(network, ifname);
  await del('network1', 'eth0');
  await del('network2', 'eth1');
  await host.context.links.settled?.();
  await add('network3', 'eth0');
  expect(host.run('pod', 'ip rule | grep 30000')).toBe('');
  await del('network3', 'eth0');
});

test('the same network twice is two interfaces with addresses of their own', async () => {
  const answers = [await add('network1', 'eth0'), await add('network1', 'eth1')];
  const addresses = answers.map(({ ips }) => ips[0].address);
  expect(new Set(addresses).size).toBe(2);
  await del('network1', 'eth1');
  expect(await standing()).toEqual(['true eth0 network1']);
  expect(await check('network1', 'eth0', { prevResult: answers[0] })).toBe('as it was');
  expect((await add('network1', 'eth0')).ips).toEqual(answers[0].ips);
});

test('another network on an interface that is there is refused, and changes nothing', async () => {
  await add('network1', 'eth0');
  const { status, output } = await ask('ADD', 'network2', 'eth0');
  expect([status, JSON.parse(output).msg]).toEqual([1, expect.stringContaining('"attach" is not "profile"')]);
  expect(await standing()).toEqual(['true eth0 network1']);
});

test("rkt's networks share the first interface, and leaving one leaves the other", async () => {
  const rkt = { cniVersion: '0.1.0' };
  const first = await add('network1', 'eth0', rkt, '0.1.0');
  expect(await add('network2', 'eth1', rkt, '0.1.0')).toEqual(first);
  expect(await standing()).toEqual(['true eth0 network1 network2']);
  await del('network1', 'eth0');
  await del('network1', 'eth0');
  expect(await standing()).toEqual(['true eth0 network2']);
  expect(ping('')).toBe('yes');
  await del('network2', 'eth1');
  expect(await standing()).toEqual([]);
});

test('a key of the file shares an interface, and somebody else’s profile does not keep it', async () => {
  const profile = { attach: 'profile' };
  const first = await add('network1', 'eth0');
  const second = await add('network2', 'eth1', profile);
  expect(second).toEqual(first);
  expect(await check('network2', 'eth1', { ...profile, prevResult: second })).toBe('as it was');
  const [{ key, value } = { key: '', value: '{}' }] = (
    await host.datastore.list('/calico/resources/v3/projectcalico.org/workloadendpoints/')
  ).kvs;
  const endpoint = JSON.parse(value);
  endpoint.spec.profiles.unshift('extra');
  await host.put(key, endpoint);
  await host.context.cache.refresh(new AbortController().signal);
  await del('network1', 'eth0');
  expect(await standing()).toEqual(['true eth0 extra network2']);
  await del('network2', 'eth1');
  expect(await standing()).toEqual([]);
});

test('GC takes one of two networks, and none that shares an interface with a living one', async () => {
  await add('network1', 'eth0');
  await add('network2', 'eth1');
  const gc = (network: string, attachments: readonly object[]) =>
    host.call({ command: 'GC', config: configOf(network, { 'cni.dev/valid-attachments': attachments }) });
  expect(await gc('network1', [{ containerID: 'cont000001', ifname: 'eth0' }])).toEqual({ status: 0, output: '' });
  expect(await gc('network2', [])).toEqual({ status: 0, output: '' });
  expect(await standing()).toEqual(['true eth0 network1']);
  await add('network3', 'eth2', { attach: 'profile' });
  expect(await gc('network1', [])).toEqual({ status: 0, output: '' });
  expect(await standing()).toEqual(['true eth0 network3']);
  expect(await gc('network1', [])).toEqual({ status: 0, output: '' });
  expect([await standing(), ping('')]).toEqual([['true eth0 network3'], 'yes']);
});

test('an agent that has just started, and cannot read the store, takes no interface that another network shares', async () => {
  await add('network1', 'eth0');
  await add('network2', 'eth1', { attach: 'profile' });
  host.context.cache.setInSync(false);
  await host.server.close();
  await host.etcd.kill();
  host.server = await openServer(host.context, join(host.folder, 'cni.sock'));
  const { status, output } = await ask('DEL', 'network1', 'eth0');
  expect([status, JSON.parse(output).code, ping('')]).toEqual([1, 11, 'yes']);
  await host.etcd.start();
  expect(await host.server.protocol.finishDeferred()).toBe(0);
  expect([await standing(), ping('')]).toEqual([['true eth0 network2'], 'yes']);
  host.context.cache.setInSync(true);
});

test('pools that a network names, and routes of its file, lead through its interface', async () => {
  await host.put('/calico/resources/v3/projectcalico.org/ippools/two', {
    kind: 'IPPool',
    apiVersion: 'projectcalico.org/v3',
    metadata: { name: 'two' },
    spec: { cidr: '10.20.0.0/24', blockSize: 28, nodeSelector: '!all()' },
  });
  await host.context.cache.refresh(new AbortController().signal);
  const ipam = { type: 'calico-ipam', ipv4_pools: ['two'], routes: [{ dst: '10.30.0.0/16' }] };
  const answer = await add('network2', 'eth1', { ipam });
  await add('network1', 'eth0');
  expect(answer.routes).toEqual([{ dst: '10.30.0.0/16' }, { dst: '10.20.0.0/24' }]);
  const way = (address: string) => host.run('pod', `ip route get ${address} | grep -o "dev eth[01]"`);
  expect(['10.20.0.9', '10.30.0.9', '10.9.0.1'].map(way)).toEqual(['dev eth1', 'dev eth1', 'dev eth0']);
  expect(await check('network2', 'eth1', { ipam, prevResult: answer })).toBe('as it was');
  host.run('pod', 'ip route del 10.20.0.0/24');
  expect(await check('network2', 'eth1', { ipam, prevResult: answer })).toContain('not as ADD left it');
});

test("host-local's and static's routes are in the pod as in the result", async () => {
  const ranges = [[{ subnet: '10.50.0.0/24' }]];
  const routes = [{ dst: '0.0.0.0/0' }, { dst: '10.60.0.0/16', gw: '10.50.0.1' }];
  const local = { type: 'host-local', ranges, routes, dataDir: join(host.folder, 'host-local') };
  const fixed = { type: 'static', addresses: [{ address: '10.51.0.7/24', gateway: '10.51.0.1' }], routes };
  for (const [network, ifname, ipam] of [
    ['network1', 'eth0', local],
    ['network2', 'eth1', fixed],
  ] as const) {
    const older = { cniVersion: '1.0.0', ipam };
    const answer = await add(network, ifname, older);
    expect(answer.routes).toEqual(routes);
    expect(await check(network, ifname, { ...older, prevResult: answer })).toBe('as it was');
    expect(host.run('pod', `ip route show 10.60.0.0/16 dev ${ifname}`)).toContain('via 169.254.1.1');
    expect(await add(network, ifname, older)).toEqual(answer);
  }
  await del('network1', 'eth0', { cniVersion: '1.0.0', ipam: local });
  await del('network2', 'eth1', { cniVersion: '1.0.0', ipam: fixed });
});
