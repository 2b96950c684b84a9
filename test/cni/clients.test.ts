// What clients other than rkt send and chain, with the real shim and the reference plugins.
import { afterAll, afterEach, beforeAll, expect, test } from 'bun:test';
import { join } from 'node:path';
import { type CniHost, openCniHost, openServer, type ShimCall } from '../support/host/cni-host.ts';

let host: CniHost;
beforeAll(async () => {
  host = await openCniHost();
});
afterAll(() => host.close());

const configOf = (more: object = {}) => ({
  name: 'network1',
  cniVersion: '1.0.0',
  type: 'calico',
  ipam: { type: 'calico-ipam' },
  ...more,
});
/** Containers that a test has connected, to be let go after it. */
const added: ShimCall[] = [];

async function add(call: Partial<ShimCall> = {}) {
  const whole: ShimCall = { command: 'ADD', config: configOf(), ...call };
  added.push(whole);
  const { status, output } = await host.call(whole);
  return { status, answer: JSON.parse(output) };
}

afterEach(async () => {
  for (const call of added.splice(0))
    expect(await host.call({ ...call, command: 'DEL', netns: '' })).toEqual({ status: 0, output: '' });
  await host.context.links.settled?.();
  expect(await host.etcd.ctl('get', '--prefix', '--keys-only', '/calico/ipam/v2/handle/')).toBe('');
});

async function endpoints() {
  const { kvs } = await host.datastore.list('/calico/resources/v3/projectcalico.org/workloadendpoints/');
  return kvs.map(({ value }) => JSON.parse(value));
}

test("containerd's container IDs connect, and GC with null lets them go", async () => {
  const config = configOf({ cniVersion: '1.1.0' });
  const { status, answer } = await add({ id: 'k8s.io-web_1', config });
  expect([status, answer.ips.length]).toEqual([0, 1]);
  expect((await endpoints()).map(({ spec }) => spec.containerID)).toEqual(['k8s-io-web-1-091e96bf326f26e4']);
  const gc = { command: 'GC', config: { ...config, 'cni.dev/valid-attachments': null } };
  expect(await host.call(gc)).toEqual({ status: 0, output: '' });
  expect(await endpoints()).toEqual([]);
});

test("CRI's arguments are taken", async () => {
  const args =
    'IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web-1;K8S_POD_INFRA_CONTAINER_ID=abc;K8S_POD_UID=1-2';
  expect((await add({ args })).status).toBe(0);
});

test("a link of somebody else's that has the usual name is left alone, and another name is taken", async () => {
  host.run('host', 'ip link add calicont000001 type bridge');
  const { status, answer } = await add();
  expect(status).toBe(0);
  expect(answer.interfaces[0].name).toMatch(/^cali[0-9a-f]{11}$/);
  expect(host.run('host', 'ip -d -o link show calicont000001 | grep -c bridge; ip link del calicont000001')).toBe('1');
});

test('a route to the address that would win over its own fails ADD, and says where it leads', async () => {
  host.run('host', 'ip link add dummy0 type bridge; ip link set dummy0 up; ip route add 192.168.0.7 dev dummy0');
  const { status, answer } = await add({ args: 'IP=192.168.0.7' });
  expect([status, answer.msg]).toEqual([1, 'raise link "calicont000001": the route to 192.168.0.7 leads to "dummy0"']);
  expect(await endpoints()).toEqual([]);
  host.run('host', 'ip link del dummy0');
});

test("CHECK sees another MAC address and another name in the runtime's record", async () => {
  const { answer } = await add();
  const check = (prevResult: object) => host.call({ command: 'CHECK', config: configOf({ prevResult }) });
  expect(await check(answer)).toEqual({ status: 0, output: '' });
  const [hostEnd, podEnd] = answer.interfaces;
  const wrong = [
    [hostEnd, { ...podEnd, mac: '02:00:00:00:00:01' }],
    [hostEnd, { ...podEnd, name: 'eth7' }],
    [{ ...hostEnd, name: 'cali1' }, podEnd],
  ];
  for (const interfaces of wrong) {
    const { status, output } = await check({ ...answer, interfaces });
    expect([status, JSON.parse(output).details]).toEqual([1, expect.stringContaining('prevResult.interfaces')]);
  }
});

test("the file's name servers are in the result", async () => {
  const dns = { nameservers: ['10.1.0.1'], search: ['example.org'] };
  expect((await add({ config: configOf({ dns }) })).answer.dns).toEqual(dns);
});

test('the plugin says its version to a person, and STATUS without an agent is 50', async () => {
  const shim = join(host.folder, 'calico');
  expect(Bun.spawnSync([shim, '--version'], { env: {} }).stdout.toString()).toBe('unknown\n');
  expect(Bun.spawnSync([shim, 'what'], { env: {} }).stderr.toString()).toContain('This is a CNI plugin');
  const atTerminal = Bun.spawnSync(['script', '-qec', shim, '/dev/null'], { env: { PATH: '/usr/bin:/bin' } });
  expect(atTerminal.stdout.toString()).toContain('This is a CNI plugin');
  await host.server.close();
  const { status, output } = await host.call({ command: 'STATUS', config: configOf({ cniVersion: '1.1.0' }) });
  expect([status, JSON.parse(output).code]).toEqual([1, 50]);
  host.server = await openServer(host.context, join(host.folder, 'cni.sock'));
});

test.each(['ptp', 'bridge', 'macvlan'])('calico-ipam gives addresses to %s', async (type) => {
  host.run('host', 'ip link add br0 type bridge; ip link set br0 up');
  const config = { ...configOf({ name: 'other' }), type, bridge: 'br0', master: 'br0' };
  const plugin = (command: string) =>
    host.runPlugin(type, { CNI_COMMAND: command, CNI_CONTAINERID: 'c9' }, JSON.stringify(config));
  const { status, output } = await plugin('ADD');
  expect([status, output.includes('"msg"') ? output : '']).toEqual([0, '']);
  const [{ address }] = JSON.parse(output).ips;
  expect(host.run('pod', 'ip -o -4 addr show eth0')).toContain(address.split('/')[0]);
  expect(await plugin('DEL')).toMatchObject({ status: 0, output: '' });
  host.run('host', 'ip link del br0');
});

test('with sbr chained the container keeps its way out', async () => {
  const { answer } = await add();
  const config = { name: 'network1', cniVersion: '1.0.0', type: 'sbr', prevResult: answer };
  const variables = { CNI_COMMAND: 'ADD', CNI_CONTAINERID: 'cont000001' };
  expect((await host.runPlugin('sbr', variables, JSON.stringify(config))).status).toBe(0);
  host.run('host', 'ip link set lo up; ip addr add 10.9.0.1/32 dev lo');
  const [{ address }] = answer.ips;
  expect(await host.call({ command: 'CHECK', config: configOf({ prevResult: answer }) })).toEqual({
    status: 0,
    output: '',
  });
  const ping = `ping -I ${address.split('/')[0]} -c 1 -W 2 10.9.0.1 | grep -c " 0% packet loss"; ip rule flush; ip rule add from all lookup main prio 32766`;
  expect(host.run('pod', ping)).toBe('1');
  host.run('pod', 'ip route flush table 100');
  const { status, output } = await host.call({ command: 'CHECK', config: configOf({ prevResult: answer }) });
  expect([status, JSON.parse(output).details]).toEqual([1, expect.stringContaining('pod link eth0.routes')]);
});

test('fixed addresses of both families and a fixed MAC address, as podman sends them', async () => {
  const ipam = { type: 'calico-ipam', assign_ipv6: 'true' };
  const runtimeConfig = { ips: ['192.168.0.40', 'fd80::40'], mac: '02:00:00:00:00:40' };
  const { status, answer } = await add({ config: configOf({ ipam, runtimeConfig }) });
  expect([status, answer.ips.map((one: { address: string }) => one.address)]).toEqual([
    0,
    ['192.168.0.40/32', 'fd80::40/128'],
  ]);
  expect(host.run('pod', 'ip -br link show eth0')).toContain('02:00:00:00:00:40');
  const again = await add({
    config: configOf({ ipam, runtimeConfig: { ...runtimeConfig, mac: '02:00:00:00:00:41' } }),
  });
  expect([again.answer.code, again.answer.msg]).toEqual([
    7,
    expect.stringContaining('"02:00:00:00:00:41" is asked for'),
  ]);
});

test('an address that somebody holds is refused with code 11, and who it is', async () => {
  await add({ args: 'IP=192.168.0.41', id: 'first' });
  const { status, answer } = await add({ args: 'IP=192.168.0.41', id: 'second', ifname: 'eth1' });
  expect([status, answer.code, answer.msg]).toEqual([
    1,
    11,
    'assign address "192.168.0.41": already assigned, held by "network1.first" on node "host1"',
  ]);
});

test('a container is found by the name and labels that its client sent', async () => {
  await add({ args: 'IgnoreUnknown=1;K8S_POD_NAME=web-1;LABELS=app=web' });
  const [endpoint] = await endpoints();
  expect([endpoint.spec.workload, endpoint.metadata.labels.app]).toEqual(['web-1', 'web']);
  expect(endpoint.metadata.labels['io.kubernetes.pod.name']).toBe('web-1');
});

test('static is asked by its own form of IP', async () => {
  const ipam = { type: 'static', addresses: [{ address: '10.50.0.2/24' }] };
  const { status, answer } = await add({ config: configOf({ ipam }), args: 'IP=10.60.0.9/24' });
  const addresses = answer.ips.map((one: { address: string }) => one.address);
  expect([status, addresses]).toEqual([0, expect.arrayContaining(['10.60.0.9/32'])]);
});
