// What the kernel refuses: the endpoints that need it are closed, with the reason in the log and for `node status`; the rest is
// enforced; and they are open as soon as the kernel takes their rules.
import { afterAll, beforeEach, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDataplane, type Dataplane } from '../../src/agent/state/dataplane.ts';
import { createStatusFile } from '../../src/agent/status-file.ts';
import { describeRefused } from '../../src/ctl/node/status.ts';
import { defaultFirewallConfig, type FirewallConfig } from '../../src/firewall/config.ts';
import type { KernelFirewall } from '../../src/kernel/nftables/firewall.ts';
import type { PolicyUpdate } from '../../src/policy/types/input.ts';
import { openLog } from '../../src/sys/log.ts';
import { addNetns, openFirewallIn, removeAllNetns } from '../support/firewall/firewall-net.ts';
import { endpoint, openEndpoints, policy, updateAll } from '../support/firewall/refused-policy.ts';

let netns: string;
let kernel: KernelFirewall;
let dataplane: Dataplane;
let logged: string[];
let published: readonly string[];

/** The kernel has no limit of nothing: it refuses each rule that logs. No setting that is read from the store comes to this. */
const REFUSED: FirewallConfig = { ...defaultFirewallConfig, logLimit: { rate: 0, unit: 'second', burst: 1 } };

const update = (...updates: readonly PolicyUpdate[]) => updateAll(dataplane, updates);
const open = () => openEndpoints(netns);

beforeEach(() => {
  netns = addNetns();
  kernel = openFirewallIn(netns);
  logged = [];
  published = [];
  const say = (message: string) => void logged.push(message);
  const log = { debug: () => undefined, info: say, warn: say, error: say };
  const publishRefused = (lines: readonly string[]) => {
    published = lines;
  };
  dataplane = createDataplane({ kernel, log, forget: () => undefined, forgetPorts: () => undefined, publishRefused });
  dataplane.setConfig(REFUSED);
});

afterAll(removeAllNetns);

function stop(): void {
  dataplane.close();
  kernel.close();
}

test('a policy that the kernel refuses closes the endpoints under it alone, and says why', async () => {
  for (const each of [endpoint('a', 'good'), endpoint('b', 'good'), policy('good', 'good', 'allow')])
    dataplane.update(each);
  dataplane.start();
  update(endpoint('c', 'bad'), endpoint('d', 'bad'), policy('bad', 'bad', 'log'), endpoint('e', 'good'));
  expect(open()).toEqual(['a', 'b', 'e']);
  expect(logged.filter((line) => line.includes('is closed'))).toHaveLength(2);
  expect(logged.join('\n')).toContain('endpoint "default/c" is closed: the kernel refuses its rules');
  expect(published.map((line) => line.replace(/:.*/, ''))).toEqual(['default/c', 'default/d']);
  expect(dataplane.whyClosed('default/c')).toContain('"rules-ingress-');
  expect(dataplane.whyClosed('default/e')).toBeUndefined();
  dataplane.resync();
  expect(logged.join('\n')).not.toContain('firewall repaired');
  stop();
});

test('what goes on meanwhile is enforced, and a policy that is mended opens its endpoints at once', () => {
  dataplane.start();
  update(endpoint('a', 'bad'), policy('bad', 'bad', 'log'));
  update(endpoint('b', 'good'), policy('good', 'good', 'allow'));
  expect(open()).toEqual(['b']);
  update(policy('bad', 'bad', 'allow'));
  expect(open()).toEqual(['a', 'b']);
  expect(published).toEqual([]);
  expect(dataplane.whyClosed('default/a')).toBeUndefined();
  stop();
});

test('a start with a policy that the kernel refuses enforces all others', () => {
  const all = [
    endpoint('a', 'bad'),
    policy('bad', 'bad', 'log'),
    endpoint('b', 'good'),
    policy('good', 'good', 'allow'),
  ];
  for (const each of all) dataplane.update(each);
  dataplane.start();
  expect(open()).toEqual(['b']);
  stop();
});

test('endpoints that are closed are tried again after a second, and open once the kernel takes their rules', async () => {
  const logLimit: { rate: number; unit: 'second'; burst: number } = { rate: 0, unit: 'second', burst: 1 };
  dataplane.setConfig({ ...defaultFirewallConfig, logLimit });
  dataplane.start();
  update(endpoint('a', 'bad'), policy('bad', 'bad', 'log'));
  await Bun.sleep(1_500);
  expect(open()).toEqual([]);
  expect(logged.filter((line) => line.includes('is closed'))).toHaveLength(1);
  logLimit.rate = 1; // nobody says so: what is tried again is rendered anew
  await Bun.sleep(2_000);
  expect(open()).toEqual(['a']);
  expect(published).toEqual([]);
  expect(logged.at(-1)).toBe('endpoint "default/a" is open again: the kernel takes its rules');
  stop();
});

test('a change of the configuration opens what it had closed', () => {
  dataplane.start();
  update(endpoint('a', 'bad'), policy('bad', 'bad', 'log'));
  expect(open()).toEqual([]);
  dataplane.setConfig(defaultFirewallConfig);
  expect(open()).toEqual(['a']);
  stop();
});

test('node status names the endpoints that are closed, and says nothing where none is', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ocitest-refused-'));
  const path = join(folder, 'refused-endpoints');
  const publish = createStatusFile(path, openLog());
  try {
    expect(await describeRefused(path)).toBe('');
    publish(['default/a: because']);
    expect(await describeRefused(path)).toContain('  default/a: because\n');
    publish([]);
    expect(await describeRefused(path)).toBe('');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
