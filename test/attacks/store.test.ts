// Attacks on the datastore: it hangs, lies, is wiped, is restored. For each row what is done, and what must hold.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { type AgentHost, eventually, openAgentHost } from '../kernel/agent-host.ts';

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

test('an agent that starts on an emptied store keeps every link closed; the backup brings the pods back', async () => {
  const snapshot = await host.etcd.snapshot();
  await host.stopAgent('TERM');
  await host.etcd.kill();
  host.etcd.wipe();
  await host.etcd.start();
  await host.startAgent();
  await eventually('the words', 5_000, () => host.log().includes('"calia" is closed and kept') || undefined);
  expect(host.run('ip link show calia && ip link show calib').status).toBe(0);
  expect([reaches('a', b), reaches('a', '10.98.0.1'), host.run(`ping -c1 -W0.3 ${a}`).status]).toEqual([
    false,
    false,
    1,
  ]);
  await host.etcd.kill();
  await host.etcd.restore(snapshot);
  await host.etcd.start();
  await eventually('a reaches b again', NOTICE_MS, () => reaches('a', b) || undefined);
  expect(reaches('b', a)).toBe(true);
  await expectFollows();
}, 60_000);
