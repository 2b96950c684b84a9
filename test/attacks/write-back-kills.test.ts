// The agent is killed at each write with which it tells a restored store of its pods again: before etcd has the write, and after.
// Whatever that leaves, the next agent brings to the same end.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { join } from 'node:path';
import { type AgentHost, eventually, openAgentHost } from '../support/host/agent-host.ts';

const root = join(import.meta.dir, '../..');
const PORT = 23790;
const FAULT = '/run/fault';
const NOTICE_MS = 20_000;

let host: AgentHost;
let snapshot: string;
/** Pods by name, with their addresses; all but the first two came after the snapshot. */
const pods = new Map<string, string>();

const calicoctl = (line: string) =>
  host.must(`ETCD_ENDPOINTS=${host.etcd.endpoint} ${join(root, 'dist/bin/calicoctl')} ${line}`);
const reaches = (from: string, to: string) =>
  host.run(`ip netns exec ${from} ping -c1 -W0.3 ${pods.get(to)}`).status === 0;
const isHeld = () => host.run(`test -f ${FAULT}.held`).status === 0;

beforeAll(async () => {
  host = await openAgentHost({ environment: { ETCD_ENDPOINTS: `http://127.0.0.1:${PORT}` } });
  const proxy = `${process.execPath} ${join(root, 'test/support/etcd/etcd-proxy.ts')} ${PORT} ${host.etcd.endpoint} ${FAULT}`;
  host.must(`setsid ${proxy} > /run/proxy.log 2>&1 < /dev/null &`);
  await eventually('the proxy', 10_000, () => host.run('grep listening /run/proxy.log').status === 0 || undefined);
  await host.startAgent();
  for (const pod of ['a', 'b']) pods.set(pod, host.addPod(pod, 'net1'));
  snapshot = await host.etcd.snapshot();
  for (const pod of ['c', 'd']) pods.set(pod, host.addPod(pod, 'net1'));
  pods.set('e', host.addPod('e', 'net2'));
}, 60_000);

afterAll(async () => {
  await host.close();
}, 20_000);

async function expectWhole(): Promise<void> {
  await eventually('all pods', NOTICE_MS, () => {
    const wide = calicoctl('get workloadendpoints -o wide');
    return [...pods.values()].every((address) => wide.includes(`${address}/32`)) || undefined;
  });
  await eventually('d to be open', NOTICE_MS, () => reaches('a', 'd') || undefined);
  const tried = [reaches('c', 'a'), reaches('d', 'c'), reaches('e', 'a'), reaches('a', 'e')];
  expect(tried).toEqual([true, true, false, false]);
  expect(calicoctl('ipam check')).toContain('Check complete; found 0 problems.');
  expect(calicoctl('get nodes -o name')).toBe('node/node-1');
}

/** The store becomes another one under the agent, which dies at one of its writes. */
async function killAt(fault: string, replace: () => Promise<void>): Promise<void> {
  host.must(`rm -f ${FAULT}.held; echo '${fault}' > ${FAULT}`);
  await host.etcd.kill();
  await replace();
  await host.etcd.start();
  await eventually('the write', NOTICE_MS, () => isHeld() || undefined);
  await host.stopAgent('KILL');
  host.must(`rm -f ${FAULT}`);
  await host.startAgent();
  await expectWhole();
}

test.each(['hold-request', 'hold-answer'])(
  'a kill at each write into a restored store (%s) leaves what the next agent brings to its end',
  async (fault) => {
    for (let number = 1; number <= 3; number += 1)
      await killAt(`${fault} ${number}`, () => host.etcd.restore(snapshot));
  },
  120_000,
);

test.each(['hold-request 1', 'hold-answer 3', 'hold-request 6', 'hold-answer 7'])(
  'so does a kill at a write into an emptied store (%s)',
  async (fault) => {
    await killAt(fault, async () => host.etcd.wipe());
  },
  60_000,
);
