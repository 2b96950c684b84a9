// The plugin of podman 5 and later, called as netavark and podman call it: the real shim, etcd and links of the kernel.
import { afterAll, afterEach, beforeAll, expect, test } from 'bun:test';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { OcicatError } from '../../src/base/errors.ts';
import { type NetavarkHost, networkOf, openNetavarkHost, type PodmanCall } from '../support/host/netavark-host.ts';

let podman: NetavarkHost;
beforeAll(async () => {
  podman = await openNetavarkHost();
  podman.host.run('host', 'sysctl -qw net.ipv4.ip_forward=1; ip link set lo up; ip addr add 10.9.0.1/32 dev lo');
});
afterAll(() => podman.close());

const ENDPOINTS = '/calico/resources/v3/projectcalico.org/workloadendpoints/';
const PROFILES = '/calico/resources/v3/projectcalico.org/profiles/';

async function stored(prefix: string) {
  const { kvs } = await podman.host.datastore.list(prefix);
  return kvs.map(({ value }) => JSON.parse(value));
}

const handles = () => podman.host.etcd.ctl('get', '--prefix', '--keys-only', '/calico/ipam/v2/handle/');
const standing = async () =>
  (await stored(ENDPOINTS)).map(({ spec }) => `${spec.containerID} ${spec.endpoint} ${spec.profiles.join(' ')}`).sort();

/** Containers that a test has set up, to be torn down after it. */
const up: PodmanCall[] = [];

async function setup(call: PodmanCall = {}) {
  up.push(call);
  const { status, stdout } = await podman.setup(call);
  const answer = JSON.parse(stdout);
  return status === 0 ? answer : expect.unreachable(answer.error);
}

async function refusal(call: PodmanCall): Promise<string> {
  const { status, stdout } = await podman.setup(call);
  expect(status).toBe(1);
  return JSON.parse(stdout).error;
}

const addressOf = (status: { interfaces: Record<string, { subnets: { ipnet: string }[] }> }, name = 'eth0') =>
  status.interfaces[name]?.subnets[0]?.ipnet.split('/')[0] ?? 'none';

afterEach(async () => {
  for (const call of up.splice(0)) expect(await podman.teardown(call)).toEqual({ status: 0, stdout: '', stderr: '' });
  for (const one of await stored(PROFILES)) await podman.host.etcd.ctl('del', `${PROFILES}${one.metadata.name}`);
  await podman.host.context.links.settled?.();
  await podman.host.context.cache.refresh(new AbortController().signal);
  expect([podman.host.linkNames(), await standing(), await handles(), podman.unfinished()]).toEqual([[], [], '', []]);
  expect([...new Bun.Glob('endpoints/*').scanSync({ cwd: podman.folder })]).toEqual([]);
});

test('the plugin says what it is without an agent', async () => {
  const { status, stdout } = await podman.plugin(['info'], '');
  expect([status, JSON.parse(stdout)]).toEqual([0, { version: 'unknown', api_version: '1.0.0' }]);
});

test('a network is completed with who gives its addresses, and refused where the cluster has no pool for it', async () => {
  const asked = { ...networkOf('net1', { created: '0001-01-01T00:00:00Z' }), ipam_options: {} };
  const { status, stdout } = await podman.create(asked);
  expect([status, JSON.parse(stdout)]).toEqual([0, { ...asked, ipam_options: { driver: 'calico-ipam' } }]);
  expect((await podman.create({ ...asked, subnets: [{ subnet: '192.168.0.0/24' }] })).status).toBe(0);
  const refused = [
    [{ subnets: [{ subnet: '10.7.0.0/16' }] }, /10\.7\.0\.0\/16 is to be made one first, or left out/],
    [{ options: { ipv4_pools: 'blue' } }, /the given pool \(blue\) does not exist/],
    [{ options: { vlan: '7' } }, /create network "net1": options: found "vlan"/],
  ] as const;
  for (const [more, message] of refused) {
    const outcome = await podman.create({ ...asked, ...more });
    expect([outcome.status, JSON.parse(outcome.stdout).error]).toEqual([1, expect.stringMatching(message)]);
  }
  expect(await podman.plugin(['create'], '{')).toMatchObject({ status: 1, stdout: expect.stringContaining('"error"') });
});

test('a container has its interface, with addresses of both families, its MAC address, name, labels and MTU', async () => {
  const network = networkOf('net1', { ipv6_enabled: true, labels: { tier: 'front' }, options: { mtu: '1400' } });
  const options = { static_ips: ['192.168.0.40', 'fd80::40'], static_mac: '02:00:00:00:00:40', aliases: ['www'] };
  const status = await setup({ name: 'Web_1', network, options });
  expect(status.interfaces.eth0).toEqual({
    mac_address: '02:00:00:00:00:40',
    subnets: [
      { ipnet: '192.168.0.40/32', gateway: '169.254.1.1' },
      { ipnet: 'fd80::40/128', gateway: 'fe80::ecee:eeff:feee:eeee' },
    ],
  });
  expect(status.dns_server_ips).toHaveLength(1);
  expect(podman.inside('c1', 'ip -o link show eth0')).toMatch(/mtu 1400 .* 02:00:00:00:00:40 /);
  expect(podman.inside('c1', 'ping -c1 -W2 10.9.0.1')).toContain(' 0% packet loss');
  const [{ metadata, spec }] = await stored(ENDPOINTS);
  expect([spec.workload, metadata.labels.tier, metadata.labels['io.kubernetes.pod.name']]).toEqual([
    'web-1',
    'front',
    'Web_1',
  ]);
  expect(metadata.annotations['ocicat/names']).toBe('web_1 www');
  expect(await refusal({ id: 'c2', options: { static_ips: ['192.168.0.40'] } })).toContain('already assigned, held by');
});

test('a network without DNS has no name server', async () => {
  expect((await setup({ network: networkOf('net1', { dns_enabled: false }) })).dns_server_ips).toEqual([]);
});

test('several networks are interfaces of their own, of which one is left and joined again', async () => {
  const [one, two] = [
    { network: networkOf('net1') },
    { network: networkOf('net2'), options: { interface_name: 'eth1' } },
  ];
  const [first, second] = [await setup(one), await setup(two)];
  expect(await standing()).toEqual(['c1 eth0 net1', 'c1 eth1 net2']);
  expect(addressOf(first)).not.toBe(addressOf(second, 'eth1'));
  const labels = (await stored(ENDPOINTS)).map(({ metadata }) => Object.keys(metadata.labels));
  expect(labels).toEqual([expect.arrayContaining(['net2']), expect.arrayContaining(['net1'])]);
  expect(await podman.teardown(one)).toMatchObject({ status: 0, stdout: '' });
  expect(await standing()).toEqual(['c1 eth1 net2']);
  expect(podman.inside('c1', 'ping -c1 -W2 10.9.0.1')).toContain(' 0% packet loss');
  await setup(one);
  expect(await standing()).toEqual(['c1 eth0 net1', 'c1 eth1 net2']);
});

test('an internal network lets its members reach each other alone, and leaves the way out to another network', async () => {
  const inner = networkOf('inner', { internal: true });
  const status = await setup({ network: inner });
  expect(status.interfaces.eth0.subnets).toEqual([{ ipnet: expect.stringMatching(/\/32$/) }]);
  await setup({ network: networkOf('net2'), options: { interface_name: 'eth1' } });
  expect(podman.inside('c1', 'ip route get 10.9.0.1')).toContain('dev eth1');
  const [profile] = (await stored(PROFILES)).filter(({ metadata }) => metadata.name === 'inner');
  expect(profile.spec.egress).toEqual([{ action: 'Allow', destination: { selector: 'has(inner)' } }]);
  expect(await refusal({ id: 'c2', network: networkOf('net2', { internal: true }) })).toContain(
    'its profile "net2" is not of an internal one',
  );
});

test('a setup that is asked for again gives the same, and in another namespace the interface is there', async () => {
  const status = await setup();
  expect(await setup()).toEqual(status);
  podman.end('c1');
  expect(await setup()).toEqual(status);
  expect(podman.inside('c1', 'ip -br -4 addr show eth0')).toContain(addressOf(status));
});

test('a container without a namespace that can be entered is refused, and leaves its network all the same', async () => {
  expect(await refusal({ netns: '/proc/does-not-exist' })).toContain('open network namespace "/proc/does-not-exist": ');
  expect(await refusal({ netns: '/proc/self/ns/net' })).toContain("it is the host's own");
  await setup();
  expect(await podman.teardown({ netns: '/proc/does-not-exist' })).toMatchObject({ status: 0, stdout: '' });
  expect(await standing()).toEqual([]);
});

test('a setup that fails on its way leaves nothing', async () => {
  podman.host.policy = () => Promise.reject(new OcicatError('kernel', 'no room for rules'));
  expect(await refusal({})).toContain('no room for rules');
  podman.host.policy = async () => undefined;
});

test('a teardown that finds no agent is done by the next one, before the container is set up again', async () => {
  const before = addressOf(await setup());
  await setup({ id: 'c2' });
  await podman.server.close();
  expect(await podman.setup({ id: 'c3' })).toMatchObject({ status: 1, stdout: expect.stringContaining('start it') });
  for (const id of ['c1', 'c2'])
    expect(await podman.teardown({ id })).toEqual({
      status: 0,
      stdout: '',
      stderr: 'the agent does not answer: it takes the container from its network as soon as it does\n',
    });
  expect([podman.unfinished().length, (await standing()).length]).toEqual([2, 2]);
  writeFileSync(join(podman.folder, 'teardowns/1.5-7'), 'no request');
  await podman.open();
  const options = { static_ips: [before], interface_name: 'eth0', static_mac: '02:00:00:00:00:07' };
  expect((await setup({ options })).interfaces.eth0.mac_address).toBe('02:00:00:00:00:07');
  await podman.server.protocol.finishDeferred();
  expect(await standing()).toEqual(['c1 eth0 net1']);
});

test('a teardown that cannot be finished is told, and is finished later', async () => {
  await setup();
  await podman.server.close();
  const { links } = podman.host.context;
  const broken = { ...links, remove: () => Promise.reject(new OcicatError('kernel', 'no memory')) };
  await podman.open({ links: broken });
  expect(await podman.teardown({})).toMatchObject({ status: 1, stdout: expect.stringContaining('no memory') });
  expect(podman.unfinished()).toHaveLength(1);
  await podman.server.close();
  await podman.open();
  await podman.server.protocol.finishDeferred();
  expect([await standing(), podman.unfinished()]).toEqual([[], []]);
});
