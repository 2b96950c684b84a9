// One stored thing means one thing to all: what the agent cannot read has no routes, gives no address, and is named by the
// call that fails, the log and calicoctl; mended, it works at once.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { join } from 'node:path';
import { type AgentHost, eventually, openAgentHost } from '../support/host/agent-host.ts';

const calicoctl = join(import.meta.dir, '../../dist/bin/calicoctl');
const POOL = '/calico/resources/v3/projectcalico.org/ippools/default-ipv4-ippool';
const SETTINGS = '/calico/ipam/v2/config';
let host: AgentHost;

beforeAll(async () => {
  host = await openAgentHost();
  await host.startAgent();
}, 60_000);
afterAll(() => host.close());

function ctl(words: string): string {
  return host.run(`ETCD_ENDPOINTS=${host.etcd.endpoint} ${calicoctl} ${words}`).output;
}

async function birdKnows(range: string, known: boolean): Promise<void> {
  const knows = () => host.run('cat /var/run/calico/bird.cfg').output.includes(range);
  await eventually(`BIRD to ${known ? 'know' : 'forget'} ${range}`, 10_000, () =>
    knows() === known ? true : undefined,
  );
}

test('a pool with a word that is none', async () => {
  const stored = await host.etcd.ctl('get', '--print-value-only', POOL);
  const { cidr } = JSON.parse(stored).spec;
  await birdKnows(cidr, true);
  await host.etcd.ctl('put', POOL, stored.replace('"vxlanMode":"Never"', '"vxlanMode":"Sometimes"'));
  await birdKnows(cidr, false);
  const refused = host.cni('ADD', 'a', 'network1');
  expect([refused.status, refused.output]).toEqual([1, expect.stringContaining('no configured Calico pools')]);
  expect(host.log()).toContain('ERROR IPPool(default-ipv4-ippool) cannot be used: ');
  expect(host.log()).toContain('spec.vxlanMode: found "Sometimes"');
  expect(ctl('ipam check')).toContain(
    'stored IPPool(default-ipv4-ippool) breaks the rules: spec.vxlanMode: found "Sometimes"',
  );
  expect(ctl('ipam show')).toContain('warning: stored IPPool(default-ipv4-ippool) breaks the rules');
  await host.etcd.ctl('put', POOL, stored);
  await birdKnows(cidr, true);
  host.addPod('a', 'network1');
  expect(host.cni('DEL', 'a', 'network1').status).toBe(0);
}, 60_000);

test('settings of address assignment with a number in quotes', async () => {
  host.addPod('held', 'network1');
  await host.etcd.ctl('put', SETTINGS, '{"strict_affinity":true,"auto_allocate_blocks":true,"maxBlocksPerHost":"4"}');
  const words = 'read IPAM configuration: maxBlocksPerHost: found "4"';
  const refused = await eventually('the setting to be noticed', 5_000, () => {
    const outcome = host.cni('ADD', 'b', 'network1');
    if (outcome.status !== 0) return outcome;
    host.cni('DEL', 'b', 'network1');
    return undefined;
  });
  expect(JSON.parse(refused.value.output).msg).toContain(words);
  expect(host.log()).toContain(words);
  expect(ctl('ipam show --show-configuration')).toContain(words);
  expect(ctl('ipam configure --strictaffinity=true')).toContain(words);
  expect(host.cni('DEL', 'held', 'network1').status).toBe(0);
  expect(ctl('ipam configure --max-blocks-per-host=4')).toBe('Successfully set MaxBlocksPerHost to: 4\n');
  host.addPod('b', 'network1');
  expect(host.cni('DEL', 'b', 'network1').status).toBe(0);
}, 60_000);
