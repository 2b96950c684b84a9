// Which blocks a host keeps for itself and announces, with a real agent, etcd and BIRD: those that exist and are its own.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { type AgentHost, eventually, openAgentHost } from '../support/host/agent-host.ts';

let host: AgentHost;
beforeAll(async () => {
  host = await openAgentHost();
  await host.startAgent();
  host.addPod('pod-1', 'network1');
}, 60_000);
afterAll(async () => {
  await host.close();
}, 20_000);

const IPAM = '/calico/ipam/v2';
const affinity = (range: string) => `${IPAM}/host/node-1/ipv4/block/${range}`;
const block = (range: string) => `${IPAM}/assignment/ipv4/block/${range}`;
const blackholes = () =>
  host
    .must('ip route show type blackhole proto bird')
    .replaceAll(/blackhole | *$/gm, '')
    .split('\n')
    .filter(Boolean)
    .sort();

async function until(wanted: readonly string[]): Promise<void> {
  await eventually('the blocks', 5_000, () => (Bun.deepEquals(blackholes(), wanted) ? true : undefined)).catch(() =>
    expect(blackholes()).toEqual([...wanted]),
  );
}

test('a confirmed affinity without a block, or with another host’s, is neither kept nor announced', async () => {
  await eventually('the pod’s own block', 5_000, () => (blackholes().length === 1 ? true : undefined));
  const [own = ''] = blackholes();
  const ofOwn = await host.etcd.ctl('get', '--print-value-only', block(own.replace('/', '-')));
  const [free = '', theirs = ''] = ['192.168.250.0/26', '192.168.251.0/26'];
  const path = (cidr: string) => cidr.replace('/', '-');
  const store = (cidr: string, owner: string) =>
    host.etcd.ctl('put', block(path(cidr)), ofOwn.trim().replace(own, cidr).replace('host:node-1', `host:${owner}`));
  for (const cidr of [free, theirs]) await host.etcd.ctl('put', affinity(path(cidr)), '{"state":"confirmed"}');
  await store(theirs, 'other');
  await Bun.sleep(1_000);
  expect(blackholes()).toEqual([own]);
  await store(free, 'node-1');
  await until([own, free].sort());
  await store(free, 'other');
  await until([own]);
  await store(free, 'node-1');
  await until([own, free].sort());
  await host.etcd.ctl('del', block(path(free)));
  await until([own]);
}, 30_000);
