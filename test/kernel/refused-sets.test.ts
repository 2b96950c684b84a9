// Sets that the kernel refuses: the endpoints that need them are closed and an ADD of one fails, the sets are left out, and all else
// is enforced; and both come back as soon as the kernel takes them.
import { afterAll, afterEach, beforeEach, expect, test } from 'bun:test';
import { createPolicyApplied } from '../../src/agent/policy-applied.ts';
import { createDataplane, type Dataplane } from '../../src/agent/state/dataplane.ts';
import { defaultFirewallConfig } from '../../src/firewall/config.ts';
import type { KernelFirewall } from '../../src/kernel/nftables/firewall.ts';
import { formatIp, type Ip, parseIp } from '../../src/net/ip.ts';
import type { LocalInterface, PolicyUpdate } from '../../src/policy/types/input.ts';
import { addNetns, nft, openFirewallIn, removeAllNetns } from '../support/firewall/firewall-net.ts';
import { endpoint, openEndpoints, policy, updateAll } from '../support/firewall/refused-policy.ts';
import { refuseSets, type Spoilt } from '../support/firewall/refusing-kernel.ts';

let netns: string;
let kernel: KernelFirewall;
let dataplane: Dataplane;
let spoilt: Spoilt;
let logged: string[];
let published: readonly string[];
let forgotten: Ip[];

const update = (...updates: readonly PolicyUpdate[]) => updateAll(dataplane, updates);
const open = () => openEndpoints(netns);

/** All sets. */
function sets(): string {
  return nft(netns, 'list ruleset');
}

/** The name of the set that has the address. */
function nameOfSet(address: string): RegExp {
  const all = sets()
    .split('set ')
    .filter((text) => text.startsWith('address4-') && text.includes(address));
  expect(all).toHaveLength(1);
  return new RegExp(`^${all[0]?.split(' ')[0]}$`);
}

/** As an ADD waits for its endpoint. */
async function added(name: string): Promise<string> {
  const wait = createPolicyApplied({ flushWhole: async () => undefined }, dataplane);
  const spec = { endpoint: 'eth0', interfaceName: `cali${name}`, node: 'host-1', orchestrator: 'cni' };
  const place = { apiVersion: 'projectcalico.org/v3', kind: 'WorkloadEndpoint' } as const;
  return await wait({ ...place, metadata: { namespace: 'default', name }, spec }, 1, new AbortController().signal).then(
    () => 'added',
    (error: Error) => error.message,
  );
}

const ALL = [
  endpoint('a', 'one'),
  endpoint('b', 'two'),
  endpoint('x', 'from-one'),
  endpoint('y', 'from-two'),
  policy('one', 'one', 'allow', 'from-one'),
  policy('two', 'two', 'allow', 'from-two'),
];

beforeEach(() => {
  netns = addNetns();
  kernel = openFirewallIn(netns);
  [logged, published, forgotten] = [[], [], []];
  spoilt = { what: undefined, name: /^/ };
  const say = (message: string) => void logged.push(message);
  const log = { debug: () => undefined, info: say, warn: say, error: say };
  dataplane = createDataplane({
    ...{ kernel: refuseSets(kernel, spoilt), log },
    forget: (addresses) => void forgotten.push(...addresses),
    forgetPorts: () => undefined,
    publishRefused: (lines) => {
      published = lines;
    },
  });
  dataplane.setConfig(defaultFirewallConfig);
});

afterEach(() => {
  dataplane.close();
  kernel.close();
});

afterAll(removeAllNetns);

for (const what of ['set', 'element'] as const)
  test(`a start with a set of which the kernel refuses the ${what} closes who needs it, and enforces all else`, async () => {
    Object.assign(spoilt, { what, name: /^address4-/ });
    for (const each of [...ALL, endpoint('c', 'three')]) dataplane.update(each);
    dataplane.start();
    expect(open()).toEqual(['c', 'x', 'y']);
    expect(sets()).not.toContain('address4-');
    expect(published.map((line) => line.replace(/:.*/, ''))).toEqual(['default/a', 'default/b']);
    expect(published[0]).toContain('"address4-');
    expect(logged.join('\n')).toContain('endpoint "default/a" is closed: the kernel refuses its rules');
    expect(await added('a')).toContain('put the rules of endpoint "default/a" into the kernel: ');
    expect(await added('c')).toBe('added');
  });

test('a member that the kernel refuses closes who needs its set, and the set is followed until it is taken', async () => {
  for (const each of ALL) dataplane.update(each);
  dataplane.start();
  Object.assign(spoilt, { what: 'element', name: nameOfSet('10.65.0.120') });
  update(endpoint('z', 'from-one'));
  expect(open()).toEqual(['b', 'x', 'y', 'z']);
  expect(forgotten.map(formatIp)).toContain('10.65.0.97');
  update(endpoint('w', 'from-one'), endpoint('v', 'from-two'), { kind: 'endpoint', id: 'default/z', value: undefined });
  expect(open()).toEqual(['b', 'v', 'w', 'x', 'y']);
  spoilt.what = undefined;
  await Bun.sleep(1_500);
  expect(open()).toEqual(['a', 'b', 'v', 'w', 'x', 'y']);
  expect(sets()).toContain('elements = { 10.65.0.119, 10.65.0.120 }');
  expect(published).toEqual([]);
  expect(await added('a')).toBe('added');
  dataplane.resync();
  expect(logged.join('\n')).not.toContain('firewall repaired');
});

const NO_LIMITS = { ingress: {}, egress: {} };
const floating = [{ external: parseIp('10.99.0.1'), internal: parseIp('10.65.0.97') }];

test.each<[what: string, more: Partial<LocalInterface>, name: RegExp]>([
  ['limits', { limits: { ...NO_LIMITS, egress: { packets: { rate: 1, burst: 1 } } } }, /^limits-egress$/],
  ['marks', { limits: { ...NO_LIMITS, dscp: 10 } }, /^dscp-marks$/],
  ['floating addresses', { floating }, /^floating/],
])('an endpoint of which the kernel refuses the %s is closed alone', async (_what, more, name) => {
  Object.assign(spoilt, { what: 'element', name });
  dataplane.setConfig({ ...defaultFirewallConfig, nat: { ...defaultFirewallConfig.nat, floatingAddresses: true } });
  dataplane.update(endpoint('b', 'two'));
  dataplane.start();
  update(endpoint('a', 'one', more));
  expect(open()).toEqual(['b']);
  expect(await added('a')).toContain('"default/a"');
});
