// A host endpoint whose rules the kernel refuses, with real packets: it is closed, and its failsafe ports stay open.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { createDataplane, type Dataplane } from '../../src/agent/state/dataplane.ts';
import { defaultFirewallConfig, type FirewallConfig } from '../../src/firewall/config.ts';
import type { KernelFirewall } from '../../src/kernel/nftables/firewall.ts';
import type { Ip } from '../../src/net/ip.ts';
import { parsePolicyUpdate } from '../../src/policy/input/parse.ts';
import { openFirewallIn, removeAllNetns } from '../support/firewall/firewall-net.ts';
import { type Connection, connects } from '../support/firewall/firewall-pods.ts';
import { type HostSite, openHostSite } from '../support/firewall/host-site.ts';

/** The kernel has no limit of nothing: it refuses each rule that logs. No setting that is read from the store comes to this. */
const REFUSED: FirewallConfig = { ...defaultFirewallConfig, logLimit: { rate: 0, unit: 'second', burst: 1 } };

let site: HostSite;
let kernel: KernelFirewall;
let dataplane: Dataplane;
let logged: string[] = [];
let published: readonly string[] = [];

function note(kind: string, name: string, spec: object, labels: object = {}): void {
  const namespace = kind === 'WorkloadEndpoint' ? 'default' : undefined;
  const value = { kind, metadata: { name, namespace, labels }, spec };
  const parsed = parsePolicyUpdate({ kind, namespace, name }, value, 'here');
  if (parsed === undefined) throw new Error(`${kind} ${name}`);
  dataplane.update(parsed.update);
}

function change(...resource: Parameters<typeof note>): void {
  note(...resource);
  dataplane.flush();
}

const logging = (action: 'Log' | 'Allow', more: object = {}) => ({
  ...{ selector: `role == 'gate'`, types: ['Ingress', 'Egress'], ...more },
  ...{ ingress: [{ action }, { action: 'Allow' }], egress: [{ action: 'Allow' }] },
});

/** The agent as it starts on what stands in the kernel. */
function start(): void {
  logged = [];
  const say = (message: string) => void logged.push(message);
  const log = { debug: () => undefined, info: say, warn: say, error: say };
  const publishRefused = (lines: readonly string[]) => {
    published = lines;
  };
  dataplane = createDataplane({ kernel, log, forget: () => undefined, forgetPorts: () => undefined, publishRefused });
  dataplane.setConfig(REFUSED);
  dataplane.setInterfaces(site.interfaces);
  note('Tier', 'default', { order: 1_000_000, defaultAction: 'Deny' });
  note('Profile', 'open', { ingress: [{ action: 'Allow' }], egress: [{ action: 'Allow' }] });
  const ipNetworks = ['10.65.0.1/32', 'fd00:65::1/128'];
  note('WorkloadEndpoint', 'pod', { node: 'here', interfaceName: 'cali1', ipNetworks, profiles: ['open'] });
}

const inward = (port: number) => [site.host4, site.host6].map((to: Ip) => connects(site.outside, to, port));
const outward = (port: number) => [site.outside4, site.outside6].map((to: Ip) => connects(site.host, to, port));
const forwarded = () => connects(site.pod, site.outside4, 8080);
const both = (one: Connection) => [one, one];

beforeAll(async () => {
  site = await openHostSite();
  kernel = openFirewallIn(site.host, true);
});
afterAll(async () => {
  dataplane.close();
  kernel.close();
  await site.close();
  removeAllNetns();
});

function expectClosed(): void {
  expect([inward(22), outward(2379)]).toEqual([both('open'), both('open')]);
  expect([inward(8080), outward(8080), forwarded()]).toEqual([both('timeout'), both('timeout'), 'timeout']);
  expect(published.map((line) => line.replace(/:.*/, ''))).toEqual(['HostEndpoint//gate']);
  expect(logged.some((line) => line.includes('"HostEndpoint//gate" is closed: the kernel refuses its rules'))).toBe(
    true,
  );
}

test.each(['eth0', '*'])(
  'rules of a host endpoint on %s that the kernel refuses close it, and no failsafe port',
  (interfaceName) => {
    start();
    note('HostEndpoint', 'gate', { node: 'here', interfaceName }, { role: 'gate' });
    note('GlobalNetworkPolicy', 'log', logging('Allow'));
    dataplane.start();
    expect([inward(8080), outward(8080), forwarded()]).toEqual([both('open'), both('open'), 'open']);
    for (const more of [{}, { applyOnForward: true }]) {
      change('GlobalNetworkPolicy', 'log', logging('Log', more));
      expectClosed();
      change('GlobalNetworkPolicy', 'log', logging('Allow'));
      expect([inward(8080), outward(8080), forwarded(), published]).toEqual([both('open'), both('open'), 'open', []]);
    }
    dataplane.close();
  },
);

test('so do rules that are refused when the agent starts, and those of packets before translation', () => {
  start();
  note('HostEndpoint', 'gate', { node: 'here', interfaceName: 'eth0' }, { role: 'gate' });
  note('GlobalNetworkPolicy', 'early', {
    ...{ selector: 'all()', types: ['Ingress'], preDNAT: true, applyOnForward: true },
    ingress: [{ action: 'Log' }, { action: 'Allow' }],
  });
  dataplane.start();
  expectClosed();
});
