// IP forwarding on a host that starts as Debian does, with every switch off: the agent switches on what is needed and keeps it
// so, and leaves it alone where ipForwarding is Disabled.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { join } from 'node:path';
import { type AgentHost, eventually, openAgentHost } from '../support/host/agent-host.ts';

/** What `calicoctl node status` says of it. */
const DESCRIBE = `${process.execPath} -e '
  import { describeForwarding } from "${join(import.meta.dir, '../../src/ctl/node/forwarding.ts')}";
  console.log(describeForwarding());'`;
const IPV4 = '/proc/sys/net/ipv4/ip_forward';
const IPV6 = '/proc/sys/net/ipv6/conf/all/forwarding';
let host: AgentHost;

const settingOf = (path: string) => host.must(`cat ${path}`);
const until = (path: string, value: string) =>
  eventually(`${path} is ${value}`, 3_000, () => (settingOf(path) === value ? true : undefined));

function put(kind: string, plural: string, name: string, spec: object): Promise<string> {
  const document = { kind, apiVersion: 'projectcalico.org/v3', metadata: { name }, spec };
  return host.etcd.ctl('put', `/calico/resources/v3/projectcalico.org/${plural}/${name}`, JSON.stringify(document));
}
const putFelix = (ipForwarding: string) =>
  put('FelixConfiguration', 'felixconfigurations', 'node.node-1', { ipForwarding });

beforeAll(async () => {
  host = await openAgentHost();
  host.must(`echo 0 >${IPV4}; echo 0 >${IPV6}`);
  await host.startAgent();
}, 60_000);
afterAll(async () => {
  await host.close();
}, 20_000);

test('a pod reaches beyond its host, and IPv6 is left alone while nobody uses it', async () => {
  host.addPod('a', 'net1');
  expect(host.must('ip netns exec a ping -c1 -W1 10.98.0.2')).toContain(' 0% packet loss');
  expect([settingOf(IPV4), settingOf(IPV6)]).toEqual(['1', '0']);
  expect(host.log()).toContain('forwarding switched on: net.ipv4.ip_forward=1');
});

test('a pool of IPv6 switches IPv6 on', async () => {
  await put('IPPool', 'ippools', 'six', { cidr: 'fd00:10::/64' });
  await until(IPV6, '1');
});

test('what somebody else switches off is on again within a second', async () => {
  for (const path of [IPV4, IPV6]) {
    host.must(`echo 0 >${path}`);
    const { elapsedMs } = await until(path, '1');
    expect(elapsedMs).toBeLessThan(1_000);
  }
});

test('Disabled leaves the switches to others, and node status says what that means', async () => {
  await putFelix('Disabled');
  await Bun.sleep(300);
  host.must(`echo 0 >${IPV4}`);
  await Bun.sleep(700);
  expect(settingOf(IPV4)).toBe('0');
  expect(host.must(DESCRIBE)).toContain(
    'IP forwarding: IPv4 off, IPv6 on.\nNo IPv4 packet of a workload leaves this host:',
  );
  await putFelix('Enabled');
  await until(IPV4, '1');
  expect(host.must(DESCRIBE)).toBe('\nIP forwarding: IPv4 on, IPv6 on.');
});
