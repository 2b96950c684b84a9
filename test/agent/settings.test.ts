import { afterAll, beforeAll, expect, test } from 'bun:test';
import { type AgentHost, eventually, openAgentHost } from '../support/host/agent-host.ts';

let host: AgentHost;
let a: string;
let b: string;

const key = (kind: string, name: string) => `/calico/resources/v3/projectcalico.org/${kind}/${name}`;

function put(kind: string, plural: string, name: string, spec: object): Promise<string> {
  const document = { kind, apiVersion: 'projectcalico.org/v3', metadata: { name }, spec };
  return host.etcd.ctl('put', key(plural, name), JSON.stringify(document));
}

const putFelix = (name: string, spec: object) => put('FelixConfiguration', 'felixconfigurations', name, spec);
const putPolicy = (name: string, spec: object) => put('GlobalNetworkPolicy', 'globalnetworkpolicies', name, spec);
const denyA = () => ({
  order: 1,
  selector: 'all()',
  types: ['Ingress'],
  ingress: [{ action: 'Deny', source: { nets: [`${a}/32`] } }, { action: 'Allow' }],
});

const reaches = () => host.run(`ip netns exec a ping -c1 -W0.3 ${b}`).status === 0;
const rules = () => host.must('nft list table inet ocicat');

function untilReaches(wanted: boolean) {
  return eventually(`a reaches b: ${wanted}`, 5_000, () => (reaches() === wanted ? true : undefined));
}

/** A policy that comes is enforced, and one that goes is no longer; a pod that comes is connected. */
async function expectFollows(): Promise<void> {
  await putPolicy('probe', denyA());
  await untilReaches(false);
  await host.etcd.ctl('del', key('globalnetworkpolicies', 'probe'));
  await untilReaches(true);
}

beforeAll(async () => {
  host = await openAgentHost();
  await host.startAgent();
  [a, b] = [host.addPod('a', 'net1'), host.addPod('b', 'net1')];
}, 60_000);

afterAll(async () => {
  await host.close();
}, 20_000);

interface Setting {
  readonly spec: Readonly<Record<string, string | number | boolean>>;
  /** What the table says while it is set, and at no other time. */
  readonly shown?: RegExp;
  /** What the table says while it is not set. */
  readonly hidden?: RegExp;
}

/** The fields that act. */
const settings: readonly Setting[] = [
  { spec: { logPrefix: 'other' }, shown: /log prefix "other: "/ },
  {
    spec: { logActionRateLimit: '7/minute', logActionRateLimitBurst: 9 },
    shown: /limit rate 7\/minute burst 9 packets counter/,
  },
  { spec: { defaultEndpointToHostAction: 'Accept' }, hidden: /workload to host/ },
  { spec: { nftablesFilterDenyAction: 'Reject' }, shown: /counter packets \d+ bytes \d+ goto deny-reject/ },
  { spec: { vxlanPort: 4999 }, shown: /dport 4999/ },
  { spec: { natPortRange: '41000:42000' }, shown: /masquerade to :41000-42000/ },
  { spec: { natOutgoingAddress: '192.0.2.7' }, shown: /snat ip to 192\.0\.2\.7/ },
  { spec: { iptablesNATOutgoingInterfaceFilter: 'lan+' }, shown: /oifname "lan\*"/ },
  { spec: { floatingIPs: 'Enabled' }, shown: /base-nat-prerouting/ },
  { spec: { disableConntrackInvalidCheck: true }, hidden: /ct state invalid drop/ },
  { spec: { allowVXLANPacketsFromWorkloads: true }, hidden: /VXLAN from a workload/ },
  { spec: { allowIPIPPacketsFromWorkloads: true }, hidden: /goto guard-ipip/ },
];

function isInForce({ shown, hidden }: Setting, table: string): boolean {
  return (shown?.test(table) ?? true) && !hidden?.test(table);
}

test.each(settings)(
  'a change to %j acts, and the agent goes on following the store',
  async (setting) => {
    const until = (wanted: boolean) =>
      eventually(`rules by it: ${wanted}`, 5_000, () => isInForce(setting, rules()) === wanted || undefined);
    const ingress = [{ action: 'Log' }, { action: 'Deny', source: { nets: ['203.0.113.1/32'] } }, { action: 'Allow' }];
    await putPolicy('last', { order: 9, selector: 'all()', types: ['Ingress'], ingress });
    await eventually('the policy', 5_000, () => rules().includes('203.0.113.1') || undefined);
    await until(false);
    for (const name of ['default', 'node.node-1']) {
      await putFelix(name, setting.spec);
      await until(true);
      await expectFollows();
      await host.etcd.ctl('del', key('felixconfigurations', name));
      await until(false);
      await expectFollows();
    }
    await host.etcd.ctl('del', key('globalnetworkpolicies', 'last'));
  },
  60_000,
);

test('while settings change all the time, ADD returns with its policy in the kernel, and no packet is lost or let through', async () => {
  await putPolicy('probe', { selector: 'has(net2)', types: ['Ingress'], ingress: [{ action: 'Deny' }] });
  host.must(`setsid ip netns exec a ping -i0.01 -c3000 -q ${b} > /run/ping 2>&1 < /dev/null & echo $! > /run/ping.pid`);
  const stop = new AbortController();
  let changes = 0;
  const changing = (async () => {
    for (; !stop.signal.aborted && changes < 500; changes += 1)
      await putFelix('default', { logPrefix: `p${changes}`, vxlanPort: 4000 + changes });
  })();
  for (let n = 0; n < 8; n += 1) {
    const address = host.addPod(`late${n}`, 'net2');
    expect(host.run(`ip netns exec a ping -c1 -W0.2 ${address}`).status).toBe(1);
    expect(rules()).toContain(`"calilate${n}"`);
    await Bun.sleep(50);
  }
  stop.abort();
  await changing;
  expect(changes).toBeGreaterThan(10);
  host.must('kill -INT $(cat /run/ping.pid)');
  await eventually('the report', 5_000, () => (/packet loss/.test(host.must('cat /run/ping')) ? true : undefined));
  expect(host.must('cat /run/ping')).toContain(' 0% packet loss');
  await putFelix('default', { logPrefix: 'last', vxlanPort: 5000 });
  await eventually('the last setting', 5_000, () => (rules().includes('dport 5000') ? true : undefined));
  for (let n = 0; n < 8; n += 1) expect(host.cni('DEL', `late${n}`, 'net2').status).toBe(0);
  await host.etcd.ctl('del', key('globalnetworkpolicies', 'probe'));
  await expectFollows();
}, 120_000);

/** How often anybody has opened a watch or asked for a lease; `etcdctl get`, `put` and `del` do neither. */
function countOpened(): number {
  const metrics = host.must(`curl -s http://127.0.0.1:${host.etcd.port}/metrics`);
  const counts = metrics.matchAll(
    /^grpc_server_started_total\{[^}]*grpc_method="(?:Watch|LeaseGrant)"[^}]*\} (\d+)$/gm,
  );
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
}

/** Takes a pod's route away until it is back; what the agent logs meanwhile. */
async function loseRoute(): Promise<string> {
  const before = host.log().length;
  host.must(`ip route del ${a}`);
  await eventually('the route', 5_000, () => host.must(`ip route show ${a}`) || undefined);
  await Bun.sleep(100);
  return host.log().slice(before);
}

/** Does it again until it is so, twenty times at most. */
async function tryUntil(what: string, work: () => Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) if (await work()) return;
  throw new Error(`${what}: not within 20 turns`);
}

test('the level of the log is another one at once, and no watch or lease is opened anew for it', async () => {
  const opened = countOpened();
  expect(opened).toBeGreaterThan(1);
  expect(await loseRoute()).toContain(`WARN route restored: ${a}/32`);
  const steps = host.log().split('in step with the datastore').length;
  await putFelix('default', { logSeverityScreen: 'Error' });
  await tryUntil('fewer lines', async () => (await loseRoute()) === '');
  await putFelix('default', { logSeverityScreen: 'Debug' });
  await tryUntil('more lines', async () => {
    await putPolicy('probe', denyA());
    return host.log().includes('DEBUG');
  });
  expect(host.log()).toMatch(/DEBUG \S+\/globalnetworkpolicies\/probe: changed at revision \d+/);
  await host.etcd.ctl('del', key('felixconfigurations', 'default'));
  await tryUntil('the usual lines', async () => {
    const lines = await loseRoute();
    return lines.includes('WARN') && !lines.includes('DEBUG');
  });
  await host.etcd.ctl('del', key('globalnetworkpolicies', 'probe'));
  await untilReaches(true);
  expect(countOpened()).toBe(opened);
  expect(host.log().split('in step with the datastore').length).toBe(steps);
}, 60_000);
