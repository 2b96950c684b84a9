// What endpoints ask for beside policy, with a real agent: limits that a runtime asks for, floating addresses, other source
// addresses; while the agent runs, over its end, and after the pod is gone. And what the agent reports of itself.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { type AgentHost, eventually, openAgentHost } from '../support/host/agent-host.ts';

let host: AgentHost;
let address: string;
const RESOURCES = '/calico/resources/v3/projectcalico.org';
const ENDPOINT = `${RESOURCES}/workloadendpoints/default/node--1-cni-a-eth0`;
const CONFIGURATION = `${RESOURCES}/felixconfigurations`;

function putSettings(name: string, spec: object): Promise<string> {
  const document = { kind: 'FelixConfiguration', apiVersion: 'projectcalico.org/v3', metadata: { name }, spec };
  return host.etcd.ctl('put', `${CONFIGURATION}/${name}`, JSON.stringify(document));
}

async function changeEndpoint(changes: object): Promise<void> {
  const stored = JSON.parse(await host.etcd.ctl('get', '--print-value-only', ENDPOINT));
  await host.etcd.ctl('put', ENDPOINT, JSON.stringify({ ...stored, spec: { ...stored.spec, ...changes } }));
}

const until = (what: string, holds: () => boolean) => eventually(what, 5_000, () => holds() || undefined);
/** As eventually, of what etcd has. */
async function untilStored(what: string, holds: () => Promise<boolean>, timeoutMs = 5_000): Promise<void> {
  for (const startedMs = performance.now(); !(await holds()); await Bun.sleep(50))
    if (performance.now() - startedMs > timeoutMs) throw new Error(`${what}: not within ${timeoutMs} ms`);
}

const qdiscs = () => host.must('tc qdisc show');
const ifbs = () => host.must('ip -br link').match(/^bwcali\S+/gm) ?? [];

beforeAll(async () => {
  host = await openAgentHost();
  await host.startAgent();
}, 60_000);

afterAll(async () => {
  await host.close();
}, 20_000);

test('a bandwidth that a runtime asks for holds before ADD returns', async () => {
  const bandwidth = { ingressRate: 8_000_000, ingressBurst: 80_000, egressRate: 4_000_000, egressBurst: 80_000 };
  const { status, output } = host.cni('ADD', 'a', 'net1', '', { runtimeConfig: { bandwidth } });
  expect(status, output).toBe(0);
  expect(qdiscs()).toMatch(/tbf c1c: dev calia root .*rate 8Mbit/);
  expect(qdiscs()).toMatch(/tbf c1c: dev bwcali\S+ root .*rate 4Mbit/);
  address = JSON.parse(output).ips[0].address.split('/')[0];
  host.addPod('b', 'net1');
});

test('limits follow the endpoint while the pod lives, and go when they are taken away', async () => {
  await changeEndpoint({ qosControls: { egressBandwidth: 2_000_000, ingressPacketRate: 100, dscp: 'EF' } });
  await until(
    'the other rate',
    () => /dev bwcali\S+ root .*rate 2Mbit/.test(qdiscs()) && !/tbf c1c: dev calia/.test(qdiscs()),
  );
  await until('the rules', () => /limit rate over 100\/second/.test(host.must('nft list table inet ocicat')));
  expect(host.must('nft list table inet ocicat')).toContain('dscp set ef');
  await changeEndpoint({ qosControls: undefined });
  await until('no limits', () => !/tbf|ingress/.test(qdiscs()) && ifbs().length === 0);
  expect(host.must('nft list table inet ocicat')).not.toContain('limits-');
});

test('limits stand while no agent runs, and the next one keeps them', async () => {
  await changeEndpoint({ qosControls: { egressBandwidth: 3_000_000 } });
  await until('the rate', () => /rate 3Mbit/.test(qdiscs()));
  await host.stopAgent('KILL');
  expect(qdiscs()).toMatch(/dev bwcali\S+ root .*rate 3Mbit/);
  await host.startAgent();
  expect(qdiscs()).toMatch(/dev bwcali\S+ root .*rate 3Mbit/);
  host.must('tc qdisc del dev calia ingress');
  const { elapsedMs } = await until('the way back', () => /ingress ffff: dev calia/.test(qdiscs()));
  expect(elapsedMs).toBeLessThan(1_000);
  host.must('tc filter del dev calia ingress');
  await until('the filter', () => /mirred/.test(host.must('tc filter show dev calia ingress')));
});

test('a floating address leads to its endpoint while floatingIPs is Enabled, by a route that BGP can tell', async () => {
  await changeEndpoint({ ipNATs: [{ internalIP: address, externalIP: '203.0.113.9' }] });
  const reaches = () => host.run('ip netns exec b ping -c1 -W0.3 203.0.113.9').status === 0;
  expect(reaches()).toBe(false);
  await putSettings('default', { floatingIPs: 'Enabled' });
  await until('the address', reaches);
  await until('the route', () => host.must('ip route').includes('203.0.113.9 dev calia'));
  await putSettings('default', {});
  await until('no address', () => !reaches() && !host.must('ip route').includes('203.0.113.9'));
});

test('an endpoint sends from other addresses while workloadSourceSpoofing is Any', async () => {
  await changeEndpoint({ allowSpoofedSourcePrefixes: ['198.51.100.0/24'] });
  const allowed = () => host.must('nft list table inet ocicat').includes('198.51.100.0/24');
  expect(allowed()).toBe(false);
  await putSettings('default', { workloadSourceSpoofing: 'Any' });
  await until('the range', allowed);
  await until('no check of the way back', () => host.must('sysctl -n net.ipv4.conf.calia.rp_filter').trim() === '0');
  await putSettings('default', {});
  await until('no range', () => !allowed() && host.must('sysctl -n net.ipv4.conf.calia.rp_filter').trim() === '1');
});

test('settings of the node go before those by its labels, these before those for all, and the environment before all', async () => {
  const rules = () => host.must('nft list table inet ocicat');
  await putSettings('default', { vxlanPort: 4001 });
  await until('for all', () => rules().includes('dport 4001'));
  await putSettings('some', { nodeSelector: 'all()', vxlanPort: 4002 });
  await until('by labels', () => rules().includes('dport 4002'));
  await putSettings('node.node-1', { vxlanPort: 4003 });
  await until('of the node', () => rules().includes('dport 4003'));
  for (const name of ['node.node-1', 'some']) await host.etcd.ctl('del', `${CONFIGURATION}/${name}`);
  await until('for all again', () => rules().includes('dport 4001'));
});

const STATUS = '/calico/felix/v2/no-region/host/node-1';

async function reported(key: string): Promise<string> {
  return (await host.etcd.ctl('get', '--print-value-only', `${STATUS}/${key}`)).trim();
}

test('the agent reports that it lives, from ten seconds after its start on, and takes the word back', async () => {
  await putSettings('default', { reportingInterval: '1s', reportingTTL: '5s' });
  await untilStored('a report', async () => (await reported('status')) !== '', 15_000);
  const report = JSON.parse(await reported('status'));
  expect(report).toEqual({
    time: expect.stringMatching(/^20\d\d-.*Z$/),
    uptime: expect.any(Number),
    first_update: expect.any(Boolean),
  });
  expect(report.uptime).toBeGreaterThanOrEqual(10);
  await putSettings('default', {});
  await untilStored('no report', async () => (await reported('status')) === '');
  expect(JSON.parse(await reported('last_reported_status'))).toHaveProperty('uptime');
}, 40_000);

test('the agent reports which endpoints are up, when it is to', async () => {
  const status = () => reported('workload/cni/default%2fa/endpoint/eth0');
  expect(await status()).toBe('');
  await putSettings('default', { endpointReportingEnabled: true });
  await untilStored('up', async () => (await status()) === '{"status":"up"}');
  host.must('ip link set calia down');
  await untilStored('down', async () => (await status()) === '{"status":"down"}');
  host.must('ip link set calia up');
  await untilStored('up', async () => (await status()) === '{"status":"up"}');
  await host.etcd.ctl('put', `${STATUS}/workload/cni/default%2fgone/endpoint/eth0`, '{"status":"up"}');
  expect(host.cni('DEL', 'a', 'net1').status).toBe(0);
  await untilStored('gone', async () => (await status()) === '');
  await putSettings('default', {});
  await untilStored('none', async () => {
    const keys = await host.etcd.ctl('get', '--prefix', '--keys-only', `${STATUS}/workload/cni/default%2fb`);
    return keys.trim() === '';
  });
});

test('nothing of a bandwidth is left when its pod is gone', async () => {
  await until('no links', () => ifbs().length === 0);
});
