// Attacks on the datastore: it hangs, lies, is wiped, is restored. For each row what is done, and what must hold.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { join } from 'node:path';
import { type AgentHost, eventually, openAgentHost } from '../support/host/agent-host.ts';

const root = join(import.meta.dir, '../..');
/** A change of the store itself is noticed within this time, with no write needed. */
const NOTICE_MS = 15_000;

let host: AgentHost;
let a: string;
let b: string;

const key = (plural: string, name: string) => `/calico/resources/v3/projectcalico.org/${plural}/${name}`;

const policy = (name: string, source: string) => {
  const ingress = [{ action: 'Deny', source: { nets: [`${source}/32`] } }, { action: 'Allow' }];
  const spec = { order: 1, selector: 'all()', types: ['Ingress'], ingress };
  return JSON.stringify({
    kind: 'GlobalNetworkPolicy',
    apiVersion: 'projectcalico.org/v3',
    metadata: { name },
    spec,
  });
};

const putPolicy = (name: string, source: string) =>
  host.etcd.ctl('put', key('globalnetworkpolicies', name), policy(name, source));
const deletePolicy = (name: string) => host.etcd.ctl('del', key('globalnetworkpolicies', name));

const rules = () => host.must('nft list table inet ocicat');
const reaches = (from: string, to: string) => host.run(`ip netns exec ${from} ping -c1 -W0.3 ${to}`).status === 0;

function untilRules(what: string, holds: (table: string) => boolean, timeoutMs = NOTICE_MS) {
  return eventually(what, timeoutMs, () => holds(rules()) || undefined);
}

/** The agent takes in a policy that comes and one that goes. */
async function expectFollows(): Promise<void> {
  await putPolicy('probe', '203.0.113.77');
  await untilRules('the probe', (table) => table.includes('203.0.113.77'), 5_000);
  await deletePolicy('probe');
  await untilRules('no probe', (table) => !table.includes('203.0.113.77'), 5_000);
}

beforeAll(async () => {
  host = await openAgentHost();
  await host.startAgent();
  [a, b] = [host.addPod('a', 'net1'), host.addPod('b', 'net1')];
}, 60_000);

afterAll(async () => {
  await host.close();
}, 20_000);

interface Restore {
  readonly name: string;
  /** Writes that follow the restore, before the agent can look: enough of them overtake what it has seen. */
  readonly writes: number;
  readonly sameId: boolean;
}

const restores: readonly Restore[] = [
  { name: 'to an older revision', writes: 0, sameId: true },
  { name: 'that overtakes what was seen', writes: 60, sameId: true },
  { name: 'that has come exactly as far as what was seen', writes: 6, sameId: true },
  { name: 'under a new cluster token', writes: 0, sameId: false },
];

test.each(restores.map((row) => [row.name, row] as const))(
  'a restore %s is noticed: what it holds is enforced, what it lacks is not',
  async (_name, { writes, sameId }) => {
    await putPolicy('kept', '203.0.113.1');
    await untilRules('the policy', (table) => table.includes('203.0.113.1'), 5_000);
    const snapshot = await host.etcd.snapshot();
    await deletePolicy('kept');
    await putPolicy('lost', '203.0.113.2');
    for (let n = 0; n < 4; n += 1) await putPolicy('lost', `203.0.113.${2 + n}`);
    await untilRules('the later policy', (table) => table.includes('203.0.113.5') && !table.includes('113.1 '), 5_000);

    // The agent must not see the restored store before it has overtaken: it is stopped for that time.
    host.must('kill -STOP $(cat /run/agent.pid)');
    await host.etcd.kill();
    await host.etcd.restore(snapshot, { sameId });
    await host.etcd.start();
    for (let n = 0; n < writes; n += 1) await host.etcd.ctl('put', '/elsewhere', `${n}`);
    host.must('kill -CONT $(cat /run/agent.pid)');

    const { elapsedMs } = await untilRules(
      'the restored policies',
      (table) => /203\.0\.113\.1\b/.test(table) && !table.includes('203.0.113.5'),
    );
    expect(elapsedMs).toBeLessThan(NOTICE_MS);
    expect(host.log()).toContain('the datastore is another one than before, or an earlier state of it');
    await deletePolicy('kept');
    await untilRules('no policy', (table) => !/203\.0\.113\.1\b/.test(table), 5_000);
    await expectFollows();
    expect(reaches('a', b)).toBe(true);
    expect(reaches('b', a)).toBe(true);
  },
  60_000,
);

async function restoreTo(snapshot: string): Promise<void> {
  await host.etcd.kill();
  await host.etcd.restore(snapshot);
  await host.etcd.start();
}

const untilReaches = (from: string, to: string) =>
  eventually(`${from} reaches ${to}`, NOTICE_MS, () => reaches(from, to) || undefined);
const stored = (part: string) => host.etcd.ctl('get', '--prefix', '--print-value-only', `/calico/${part}`);
const calicoctl = (line: string) =>
  host.must(`ETCD_ENDPOINTS=${host.etcd.endpoint} ${process.execPath} ${join(root, 'src/main.ts')} calicoctl ${line}`);
const files = () => Number(host.must('ls /var/lib/calico/endpoints | wc -l'));

test('a pod that was started after the backup is registered again after the restore, and keeps its address', async () => {
  const snapshot = await host.etcd.snapshot();
  const c = host.addPod('c', 'net2');
  await restoreTo(snapshot);
  const { elapsedMs } = await eventually('c to be registered', NOTICE_MS, () =>
    host.log().includes('endpoint default/node--1-cni-c-eth0 was not in the datastore') ? true : undefined,
  );
  expect(elapsedMs).toBeLessThan(NOTICE_MS);
  await untilReaches('c', '10.98.0.1');
  expect(host.run(`ping -c1 -W0.5 ${c}`).status).toBe(0);
  expect(calicoctl('get workloadendpoints -o wide')).toContain(c);
  expect(calicoctl(`ipam show --ip=${c}`)).toContain(`IP ${c} is in use`);
  expect(await stored('ipam/v2/handle/net2.c')).toContain('/26":1');
  expect(await stored('resources/v3/projectcalico.org/profiles/net2')).toContain('"name":"net2"');
  const others = ['d', 'e', 'f'].map((pod) => host.addPod(pod, 'net2'));
  expect(others).not.toContain(c);
  expect([reaches('c', others[0] ?? ''), reaches('d', c), reaches('a', c)]).toEqual([true, true, false]);
  expect(files()).toBe(6);
  for (const pod of ['c', 'd', 'e', 'f']) expect(host.cni('DEL', pod, 'net2').status).toBe(0);
  expect(files()).toBe(2);
  expect(await stored('ipam/v2/handle/net2.')).toBe('');
}, 60_000);

test('a pod whose address the restored store has given to somebody else stays closed, and is told to be', async () => {
  const x = host.addPod('x', 'net1');
  const snapshot = await host.etcd.snapshot();
  host.cni('DEL', 'x', 'net1');
  expect(host.cni('ADD', 'y', 'net1', `IP=${x}`).status).toBe(0);
  expect(reaches('a', x)).toBe(true);
  await restoreTo(snapshot);
  await eventually('the words', NOTICE_MS, () =>
    host
      .log()
      .includes(
        `endpoint default/node--1-cni-y-eth0 is not in the datastore, and its pod stays closed: assign address "${x}": already assigned, held by "net1.x" on node "node-1"`,
      )
      ? true
      : undefined,
  );
  expect([reaches('a', x), reaches('y', b)]).toEqual([false, false]);
  expect(host.run(`ip route show ${x}`).output).toBe('');
  host.cni('DEL', 'x', 'net1');
  await eventually('y to be registered', 25_000, () => reaches('a', x) || undefined);
  expect(host.cni('DEL', 'y', 'net1').status).toBe(0);
}, 90_000);

test('a pod whose endpoint somebody deletes in a store that goes on is closed and not written back', async () => {
  host.addPod('g', 'net1');
  expect(files()).toBe(3);
  await host.etcd.ctl('del', key('workloadendpoints', 'default/node--1-cni-g-eth0'));
  await eventually('the file to go', 5_000, () => files() === 2 || undefined);
  expect(reaches('g', b)).toBe(false);
  expect(host.cni('DEL', 'g', 'net1').status).toBe(0);
}, 30_000);

test('a store that is emptied under a running agent is noticed, and has its node and pods again', async () => {
  await host.etcd.kill();
  host.etcd.wipe();
  await host.etcd.start();
  await eventually('both to be registered', NOTICE_MS, () =>
    (host.log().match(/cni-[ab]-eth0 was not in the datastore/g) ?? []).length >= 2 ? true : undefined,
  );
  await untilReaches('a', b);
  expect(reaches('b', a)).toBe(true);
  expect(await stored('resources/v3/projectcalico.org/nodes/node-1')).toContain('10.98.0.1/24');
  expect(await stored('ipam/v2/handle/net1.a')).toContain('/26":1');
  await expectFollows();
}, 60_000);

const pool = (name: string, cidr: string) => {
  const spec = { cidr, blockSize: 26, nodeSelector: 'all()', ipipMode: 'Never', vxlanMode: 'Never' };
  return JSON.stringify({ kind: 'IPPool', apiVersion: 'projectcalico.org/v3', metadata: { name }, spec });
};

test('an agent that starts on an emptied store keeps every link closed until their pool is there', async () => {
  await host.stopAgent('TERM');
  await host.etcd.kill();
  host.etcd.wipe();
  await host.etcd.start();
  await host.etcd.ctl('put', key('ippools', 'other'), pool('other', '10.50.0.0/16'));
  await host.startAgent();
  await eventually('the words', 5_000, () => host.log().includes('its pod stays closed: assign address') || undefined);
  expect(host.log()).toContain('"calia" is closed and kept');
  expect(host.run('ip link show calia && ip link show calib').status).toBe(0);
  expect([reaches('a', b), reaches('a', '10.98.0.1'), host.run(`ping -c1 -W0.3 ${a}`).status]).toEqual([
    false,
    false,
    1,
  ]);
  await host.etcd.ctl('put', key('ippools', 'theirs'), pool('theirs', '192.168.0.0/16'));
  await untilReaches('a', b);
  expect(reaches('b', a)).toBe(true);
  await expectFollows();
}, 60_000);
