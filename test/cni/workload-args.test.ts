// What a client may ask for, wherever CNI's conventions have a place for it, with the real shim and a real kernel.
import { afterAll, afterEach, beforeAll, expect, test } from 'bun:test';
import { type CniHost, openCniHost, type ShimCall } from '../support/host/cni-host.ts';

let host: CniHost;
beforeAll(async () => {
  host = await openCniHost();
});
afterAll(() => host.close());

const DUAL = { type: 'calico-ipam', assign_ipv6: 'true' };
const added: ShimCall[] = [];

async function add(more: object, call: Partial<ShimCall> = {}) {
  const config = { name: 'network1', cniVersion: '1.0.0', type: 'calico', ipam: { type: 'calico-ipam' }, ...more };
  const whole: ShimCall = { command: 'ADD', config, ...call };
  added.push(whole);
  const { status, output } = await host.call(whole);
  const answer = JSON.parse(output);
  if (status !== 0) return `${answer.code} ${answer.msg}: ${answer.details ?? ''}`;
  const mac = host.run('pod', `ip -br link show ${whole.ifname ?? 'eth0'}`);
  expect(mac).toContain(answer.interfaces[1].mac);
  return [...answer.ips.map((ip: { address: string }) => ip.address), answer.interfaces[1].mac];
}

afterEach(async () => {
  for (const call of added.splice(0))
    expect(await host.call({ ...call, command: 'DEL', netns: '' })).toEqual({ status: 0, output: '' });
  await host.context.links.settled?.();
  expect(await host.etcd.ctl('get', '--prefix', '--keys-only', '/calico/ipam/v2/handle/')).toBe('');
});

const MAC = '02:00:00:00:00:40';
const SOME_MAC = expect.stringMatching(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/);

test.each([
  ['runtimeConfig', { runtimeConfig: { ips: ['192.168.0.40'], mac: MAC } }, ''],
  ['runtimeConfig with a range', { runtimeConfig: { ips: ['192.168.0.40/24'], mac: MAC } }, ''],
  ['args.cni', { args: { cni: { ips: ['192.168.0.40'], mac: MAC } } }, ''],
  ['CNI_ARGS', {}, `IP=192.168.0.40;MAC=${MAC}`],
  ['all places at once', { runtimeConfig: { ips: ['192.168.0.40'], mac: MAC } }, `IP=192.168.0.40;MAC=${MAC}`],
])('an address and a MAC address that %s asks for are given', async (_place, more, args) => {
  expect(await add(more, { args })).toEqual(['192.168.0.40/32', MAC]);
});

test('an address of one family leaves the other to be chosen, and one of each is both', async () => {
  expect(await add({ ipam: DUAL }, { args: 'IP=192.168.0.41' })).toEqual([
    '192.168.0.41/32',
    expect.stringMatching(/^fd80::/),
    SOME_MAC,
  ]);
  expect(await add({ ipam: DUAL, runtimeConfig: { ips: ['fd80::42'] } }, { ifname: 'eth1' })).toEqual(
    expect.arrayContaining(['fd80::42/128', expect.stringMatching(/^192\.168\.0\./)]),
  );
  const ips = ['192.168.0.43', 'fd80::43'];
  expect(await add({ ipam: DUAL, runtimeConfig: { ips } }, { ifname: 'eth2' })).toEqual([
    '192.168.0.43/32',
    'fd80::43/128',
    SOME_MAC,
  ]);
});

test.each([
  [{ runtimeConfig: { mac: 'ff:ff:ff:ff:ff:ff' } }, '', /^7 .*runtimeConfig\.mac/],
  [{ args: { cni: { ips: ['300.0.0.1'] } } }, '', /^7 .*args\.cni\.ips/],
  [{}, 'MAC=zz', /^4 .*CNI_ARGS MAC/],
  [{ runtimeConfig: { mac: MAC } }, 'MAC=02:00:00:00:00:41', /^7 .*the same everywhere/],
  [{}, 'IP=10.1.2.3', /^999 .*not in a configured pool/],
])('what cannot be given is refused and leaves nothing: %j %s', async (more, args, refusal) => {
  expect(await add(more, { args })).toMatch(refusal);
  expect(host.run('pod', 'ip -o link show eth0')).toContain('does not exist');
});

test.each(['eth0.5', 'w-x', '9lives'])('an interface may be called %s', async (ifname) => {
  const [address] = await add({}, { ifname });
  expect(host.run('pod', `ip -o -4 addr show dev ${ifname}`)).toContain(address ?? 'an address');
  expect(host.context.cache.endpoints().map(({ endpoint }) => endpoint.spec.endpoint)).toEqual([ifname]);
});

test.each(['my_if', 'Eth0', '-x-', 'a,b'])(
  'an interface that no endpoint can be named after is refused: %s',
  async (ifname) => {
    expect(await add({}, { ifname })).toMatch(/^4 .*CNI_IFNAME: found/);
    expect((await host.datastore.list('/calico/resources/v3/projectcalico.org/workloadendpoints/')).kvs).toEqual([]);
  },
);
