// Changes of every kind under a flood of packets: what the policy before and the one after both deny never passes, and what
// both allow is never lost.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { defaultFirewallConfig, type FirewallConfig } from '../../src/firewall/config.ts';
import { parseCidr } from '../../src/net/cidr.ts';
import { formatIp, parseIp } from '../../src/net/ip.ts';
import {
  ANY_SIDE,
  type CompiledRule,
  type EndpointPolicy,
  type IpSetContent,
  type RuleList,
  type SideMatch,
  type TierPolicies,
} from '../../src/policy/types/types.ts';
import { allowing, type PolicyState } from '../support/firewall/firewall-cases.ts';
import { ALLOWED_PORT, DENIED_PORT, startFlood } from '../support/firewall/firewall-flood.ts';
import { nft, removeAllNetns, runIn } from '../support/firewall/firewall-net.ts';
import { endpointOf } from '../support/firewall/firewall-pods.ts';
import { type FloodedHost, openFloodedHost, stateWith } from '../support/firewall/flooded-host.ts';

/** As where endpoints may send from the ranges that they name. */
const config: FirewallConfig = { ...defaultFirewallConfig, sourceSpoofing: true };

const CHANGES = 80;
/** Long enough for packets to meet each state. */
const PAUSE_MS = 2;
const UDP = 17;

const ALLOWED_SOURCES = [parseIp('10.65.0.77'), parseIp('fd00:65::77')];

let host: FloodedHost;

function portsOf(...ports: readonly number[]): SideMatch['ports'] {
  return ports.map((port) => ({ min: port, max: port }));
}

const toAllowed: SideMatch = { ...ANY_SIDE, ports: portsOf(ALLOWED_PORT) };
const toDenied: SideMatch = { ...ANY_SIDE, ports: portsOf(DENIED_PORT) };
const allowAll: CompiledRule = allowing({ protocol: UDP });

function udp(action: CompiledRule['action'], source: Partial<SideMatch>, destination: SideMatch): CompiledRule {
  return allowing({ action, protocol: UDP, source: { ...ANY_SIDE, ...source }, destination });
}

function tierOf(ids: readonly string[], defaultAction: 'deny' | 'pass' = 'deny'): TierPolicies {
  return { tier: 'default', defaultAction, ingress: ids, egress: [] };
}

interface Wanted {
  readonly sets?: Readonly<Record<string, IpSetContent>>;
  /** Policies of one tier, in order: name to ingress rules. */
  readonly policies?: Readonly<Record<string, readonly CompiledRule[]>>;
  readonly tiers?: readonly TierPolicies[];
  readonly sender?: Partial<EndpointPolicy>;
  readonly receiver?: Partial<EndpointPolicy>;
  /** Further profiles. */
  readonly profiles?: readonly RuleList[];
}

/** Both pods in the open profile, and the receiver with the policies. */
function stateOf({ sets = {}, policies = {}, tiers, sender, receiver, profiles = [] }: Wanted): PolicyState {
  const ids = Object.keys(policies).map((name) => `GlobalNetworkPolicy//${name}`);
  const lists = Object.entries(policies).map(
    ([name, ingress]): RuleList => ({ id: `GlobalNetworkPolicy//${name}`, ingress, egress: [] }),
  );
  const endpoints = [
    endpointOf(host.from, 'open', sender),
    endpointOf(host.to, 'open', { tiers: tiers ?? [tierOf(ids)], ...receiver }),
  ];
  return stateWith(endpoints, [...profiles, ...lists], sets);
}

beforeAll(() => {
  host = openFloodedHost(config);
  for (const address of ALLOWED_SOURCES)
    runIn(host.from.netns, ['ip', 'address', 'add', formatIp(address), 'dev', 'eth0', 'noprefixroute']);
});

afterAll(() => {
  host.close();
  removeAllNetns();
});

interface Shape {
  readonly name: string;
  readonly one: () => Wanted;
  readonly other: () => Wanted;
  readonly sources?: readonly (typeof ALLOWED_SOURCES)[number][];
}

const single = (...texts: readonly string[]): IpSetContent => ({ type: 'address', members: texts.map(parseIp) });
const ranges = (...texts: readonly string[]): IpSetContent => ({ type: 'cidr', members: texts.map(parseCidr) });
const named = (...ports: readonly number[]): IpSetContent => ({
  type: 'port',
  members: ports.flatMap((port) => [host.to.ipv4, host.to.ipv6].map((address) => ({ address, protocol: UDP, port }))),
});

const OWN = ['10.65.0.1', 'fd00:65::1'];
const NEAR = ['10.65.0.0/30', 'fd00:65::/126'];
const WIDE = ['10.64.0.0/10', 'fd00::/16'];

/** What is in the set is denied one port and allowed the other; everybody else is allowed the denied one. */
function bySet(id: string): readonly CompiledRule[] {
  return [
    udp('deny', { ipSets: [id] }, toDenied),
    udp('allow', { ipSets: [id] }, toAllowed),
    udp('allow', {}, toDenied),
  ];
}

/** The same, said of those outside of a set in which nobody is. */
function bySetNegated(id: string): readonly CompiledRule[] {
  return [
    udp('deny', { notIpSets: [id] }, toDenied),
    udp('allow', { notIpSets: [id] }, toAllowed),
    udp('allow', {}, toDenied),
  ];
}

function byNets(...nets: readonly string[]): readonly CompiledRule[] {
  return ([4, 6] as const).flatMap((family) => {
    const own = nets.map(parseCidr).filter(({ address }) => (typeof address === 'number') === (family === 4));
    return [
      { ...udp('deny', { nets: own }, toDenied), family },
      { ...udp('allow', { nets: own }, toAllowed), family },
      { ...udp('allow', {}, toDenied), family },
    ];
  });
}

const denyThenAllow = [udp('deny', {}, toDenied), allowAll];

const shapes: readonly Shape[] = [
  {
    name: 'a set of single addresses becomes one with ranges, and back',
    one: () => ({ sets: { 's:x': single(...OWN) }, policies: { p: bySet('s:x') } }),
    other: () => ({ sets: { 'r:x': ranges(...NEAR) }, policies: { p: bySet('r:x') } }),
  },
  {
    name: 'a range of a set becomes a wider one that covers it, and back',
    one: () => ({ sets: { 'r:x': ranges(...NEAR) }, policies: { p: bySet('r:x') } }),
    other: () => ({ sets: { 'r:x': ranges(...WIDE) }, policies: { p: bySet('r:x') } }),
  },
  {
    name: 'the ranges of a set that others are outside of change',
    one: () => ({ sets: { 'r:x': ranges('10.1.0.0/16', 'fd01::/16') }, policies: { p: bySetNegated('r:x') } }),
    other: () => ({ sets: { 'r:x': ranges('10.0.0.0/11', 'fd02::/16') }, policies: { p: bySetNegated('r:x') } }),
  },
  {
    name: 'a member moves between two sets with ranges',
    one: () => ({
      sets: { 'r:a': ranges(...NEAR), 'r:b': ranges('10.1.0.0/16') },
      policies: { p: [...bySet('r:b').slice(0, 2), ...bySet('r:a')] },
    }),
    other: () => ({
      sets: { 'r:a': ranges('10.1.0.0/16'), 'r:b': ranges(...NEAR) },
      policies: { p: [...bySet('r:b').slice(0, 2), ...bySet('r:a')] },
    }),
  },
  {
    name: 'a single address of a set with ranges goes into a range, and back',
    one: () => ({
      sets: { 'r:x': ranges('10.65.0.1/32', 'fd00:65::1/128', '10.1.0.0/16') },
      policies: { p: bySet('r:x') },
    }),
    other: () => ({ sets: { 'r:x': ranges(...NEAR, '10.1.0.0/16') }, policies: { p: bySet('r:x') } }),
  },
  {
    name: 'a member moves between a set of single addresses and one with ranges',
    one: () => ({
      sets: { 's:a': single(...OWN), 'r:b': ranges('10.1.0.0/16') },
      policies: { p: [...bySet('r:b').slice(0, 2), ...bySet('s:a')] },
    }),
    other: () => ({
      sets: { 's:a': single(), 'r:b': ranges(...NEAR, '10.1.0.0/16') },
      policies: { p: [...bySet('r:b').slice(0, 2), ...bySet('s:a')] },
    }),
  },
  {
    name: 'a member moves between two sets of single addresses',
    one: () => ({
      sets: { 's:a': single(...OWN), 's:b': single('10.65.0.9') },
      policies: { p: [...bySet('s:b').slice(0, 2), ...bySet('s:a')] },
    }),
    other: () => ({
      sets: { 's:a': single('10.65.0.9'), 's:b': single(...OWN) },
      policies: { p: [...bySet('s:b').slice(0, 2), ...bySet('s:a')] },
    }),
  },
  {
    name: 'a set of single addresses is exchanged for another',
    one: () => ({ sets: { 's:a': single(...OWN) }, policies: { p: bySet('s:a') } }),
    other: () => ({ sets: { 's:b': single(...OWN, '10.65.0.9') }, policies: { p: bySet('s:b') } }),
  },
  {
    name: 'the members of a named port change',
    one: () => ({
      sets: { 'n:x': named(DENIED_PORT) },
      policies: { p: [udp('deny', {}, { ...ANY_SIDE, portSets: ['n:x'] }), allowAll] },
    }),
    other: () => ({
      sets: { 'n:x': named(DENIED_PORT, 3000, 3001) },
      policies: { p: [udp('deny', {}, { ...ANY_SIDE, portSets: ['n:x'] }), allowAll] },
    }),
  },
  {
    name: 'a port becomes a named one, and back',
    one: () => ({ policies: { p: denyThenAllow } }),
    other: () => ({
      sets: { 'n:x': named(DENIED_PORT) },
      policies: { p: [udp('deny', {}, { ...ANY_SIDE, portSets: ['n:x'] }), allowAll] },
    }),
  },
  {
    name: 'one range in a rule becomes several, and back',
    one: () => ({ policies: { p: byNets(...WIDE) } }),
    other: () => ({ policies: { p: byNets(...NEAR, '10.1.0.0/16', 'fd01::/16') } }),
  },
  {
    name: 'several ranges in a rule become others',
    one: () => ({ policies: { p: byNets(...WIDE, '172.16.0.0/12', 'fd01::/16') } }),
    other: () => ({ policies: { p: byNets(...NEAR, '10.1.0.0/16', 'fd01::/16') } }),
  },
  {
    name: 'one port in a rule becomes several, and back',
    one: () => ({ policies: { p: denyThenAllow } }),
    other: () => ({
      policies: { p: [udp('deny', {}, { ...ANY_SIDE, ports: portsOf(DENIED_PORT, 3000, 4000) }), allowAll] },
    }),
  },
  {
    name: 'the rules of a policy become others and more',
    one: () => ({ policies: { p: denyThenAllow } }),
    other: () => ({
      policies: { p: [udp('allow', {}, toAllowed), udp('deny', {}, toDenied), udp('deny', {}, ANY_SIDE)] },
    }),
  },
  {
    name: 'an endpoint comes under other policies',
    one: () => ({ policies: { p: denyThenAllow } }),
    other: () => ({ policies: { q: [udp('allow', {}, toAllowed)] } }),
  },
  {
    name: 'a policy comes to pass, and no longer does',
    one: () => ({ policies: { p: denyThenAllow, q: [allowAll] } }),
    other: () => ({ policies: { p: [udp('deny', {}, toDenied), udp('pass', {}, toAllowed)], q: [allowAll] } }),
  },
  {
    name: 'a tier comes and goes',
    one: () => ({ policies: { p: denyThenAllow } }),
    other: () => ({
      policies: { p: denyThenAllow, q: [udp('deny', {}, toDenied), udp('pass', {}, ANY_SIDE)] },
      tiers: [tierOf(['GlobalNetworkPolicy//q'], 'pass'), tierOf(['GlobalNetworkPolicy//p'])],
    }),
  },
  {
    name: 'a profile decides in place of a policy',
    one: () => ({ policies: { p: denyThenAllow } }),
    other: () => ({
      tiers: [],
      profiles: [{ id: 'Profile//closed', ingress: denyThenAllow, egress: [allowing()] }],
      receiver: { profiles: ['Profile//closed'] },
    }),
  },
  {
    name: 'a source that a workload may send from becomes a range, and back',
    one: () => ({
      policies: { p: denyThenAllow },
      sender: { allowedSources: ['10.65.0.77/32', 'fd00:65::77/128'].map(parseCidr) },
    }),
    other: () => ({
      policies: { p: denyThenAllow },
      sender: { allowedSources: ['10.65.0.64/26', 'fd00:65::70/124'].map(parseCidr) },
    }),
    sources: ALLOWED_SOURCES,
  },
];

async function floodDuring(change: (number: number) => void, sources?: Shape['sources']) {
  const flood = await startFlood(host.from, host.to, sources);
  for (let number = 0; number < CHANGES; number++) {
    change(number);
    await Bun.sleep(PAUSE_MS);
  }
  const { sent, lost, passed } = await flood.stop();
  expect(sent).toBeGreaterThan(CHANGES);
  return { lost, passed };
}

async function expectNothingWrong(...how: Parameters<typeof floodDuring>): Promise<void> {
  expect(await floodDuring(...how)).toEqual({ lost: 0, passed: 0 });
}

for (const { name, one, other, sources } of shapes) {
  test(`nothing of the wrong side passes while ${name}`, async () => {
    const [before, after] = [stateOf(other()), stateOf(one())];
    host.enter(after);
    await expectNothingWrong((number) => {
      if (number === CHANGES / 2) host.configure({ ...config, mergeFrom: 1 }); // from here on they are merged into sets
      host.enter(number % 2 === 0 ? before : after);
    }, sources);
    host.configure(config);
  });
}

test('an endpoint that comes with chains of its own, in one batch, is closed until they are complete', async () => {
  const present = stateOf({ policies: { p: denyThenAllow } });
  const absent = stateWith([endpointOf(host.from, 'open')]);
  host.enter(absent);
  const { lost, passed } = await floodDuring((number) => {
    expect(host.enter(number % 2 === 0 ? present : absent)).toBe(1);
  });
  expect(passed).toBe(0);
  expect(lost).toBeGreaterThan(0); // while it is not there
});

const otherConfig: FirewallConfig = {
  ...config,
  logPrefix: 'other',
  denyAction: 'reject',
  endpointToHostAction: 'accept',
};

test('nothing of the wrong side passes while the configuration of the whole table changes', async () => {
  const state = stateOf({
    sets: { 'r:x': ranges(...NEAR) },
    policies: { p: [udp('log', {}, toDenied), ...bySet('r:x')] },
  });
  host.enter(state);
  await expectNothingWrong((number) => {
    expect(host.configure(number % 2 === 0 ? otherConfig : config)).toBeGreaterThan(0);
  });
});

test('nothing of the wrong side passes while an agent starts with other policy than the one before left', async () => {
  const before = stateOf({ sets: { 'r:x': ranges(...NEAR) }, policies: { p: bySet('r:x') } });
  const after = stateOf({ sets: { 's:x': single(...OWN) }, policies: { p: bySet('s:x') } });
  host.enter(after);
  await expectNothingWrong((number) => {
    host.restart(number % 2 === 0 ? before : after);
    expect(host.kernel.resync(host.firewall.ruleset).length).toBeGreaterThan(0);
  });
});

test('nothing of the wrong side passes while chains and sets of nobody are taken away', async () => {
  host.enter(stateOf({ sets: { 'r:x': ranges(...NEAR) }, policies: { p: bySet('r:x') } }));
  await expectNothingWrong((number) => {
    nft(host.netns, `add set inet ocicat their-${number} { type ipv4_addr; }\nadd chain inet ocicat theirs-${number}`);
    expect(host.kernel.resync(host.firewall.ruleset)).toHaveLength(2);
  });
});
