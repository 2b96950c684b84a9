// Policies that are merged into sets, and what no longer is, under a flood of packets: what the policies before and after both deny
// never passes, and what both allow is never lost, while they cross each limit of merging there and back.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { defaultFirewallConfig } from '../../src/firewall/config.ts';
import type { Firewall } from '../../src/firewall/firewall.ts';
import { parseCidr } from '../../src/net/cidr.ts';
import { type Ip, parseIp } from '../../src/net/ip.ts';
import { ANY_SIDE, type CompiledRule, type RuleList, type SideMatch } from '../../src/policy/types/types.ts';
import { allowing, type PolicyState } from '../support/firewall/firewall-cases.ts';
import { ALLOWED_PORT, DENIED_PORT, startFlood } from '../support/firewall/firewall-flood.ts';
import { removeAllNetns } from '../support/firewall/firewall-net.ts';
import { endpointOf } from '../support/firewall/firewall-pods.ts';
import { type FloodedHost, openFloodedHost, stateWith } from '../support/firewall/flooded-host.ts';

const CHANGES = 20;
/** Long enough for packets to meet each state. */
const PAUSE_MS = 2;
const UDP = 17;
const { mergeFrom } = defaultFirewallConfig;

let host: FloodedHost;

beforeAll(() => {
  host = openFloodedHost(defaultFirewallConfig);
});

afterAll(() => {
  host.close();
  removeAllNetns();
});

interface Wanted {
  /** Ingress rules of the policies of the receiver's one tier, in order. */
  readonly policies: readonly (readonly CompiledRule[])[];
  /** Members of a set of addresses. */
  readonly members?: readonly Ip[];
  /** An endpoint that is under the same policies and stands before the receiver. */
  readonly hasFirst?: boolean;
}

const SET = 's:members';
const idOf = (index: number) => `GlobalNetworkPolicy//p${index}`;

function rule(action: CompiledRule['action'], port: number, source: Partial<SideMatch> = {}): CompiledRule {
  const destination = { ...ANY_SIDE, ports: [{ min: port, max: port }] };
  return allowing({ action, protocol: UDP, source: { ...ANY_SIDE, ...source }, destination });
}

function stateOf({ policies, members, hasFirst = false }: Wanted): PolicyState {
  const { from, to } = host;
  const lists = policies.map((ingress, index): RuleList => ({ id: idOf(index), ingress, egress: [] }));
  const ingress = lists.map(({ id }) => id);
  const tiers = [{ tier: 'default', defaultAction: 'deny' as const, ingress, egress: [] }];
  const other = { ...to, interfaceName: 'cali0', ipv4: parseIp('10.65.0.100'), ipv6: parseIp('fd00:65::100') };
  const endpoints = [
    endpointOf(from, 'open'),
    endpointOf(to, 'open', { tiers }),
    ...(hasFirst ? [endpointOf(other, 'open', { tiers })] : []),
  ];
  return stateWith(endpoints, lists, members === undefined ? {} : { [SET]: { type: 'address', members } });
}

/** The merged sets, and the policies that have chains of their own. */
function formOf({ ruleset: { sets, chains } }: Firewall): readonly string[] {
  const merged = [...sets.values()].flatMap(({ spec }) => (spec.decides === undefined ? [] : spec.name));
  return [...merged, ...[...chains.keys()].filter((name) => name.startsWith('rules-ingress'))].sort();
}

/** Policies about other ports than those of the flood. */
function others(count: number, action: CompiledRule['action'] = 'allow'): readonly (readonly CompiledRule[])[] {
  return Array.from({ length: count }, (_, index) => [rule(action, 4000 + index)]);
}

/** Rules for as many networks, none of them the sender's. */
function networks(count: number, action: CompiledRule['action'], port: number): readonly CompiledRule[] {
  return Array.from({ length: count }, (_, index) =>
    rule(action, port, { nets: [parseCidr(`10.${100 + (index >> 8)}.${index & 255}.0/24`)] }),
  );
}

const allowed = [rule('allow', ALLOWED_PORT)];
const denied = [rule('deny', DENIED_PORT)];
/** Allowed and denied, and policies for the rest of a tier that is merged. */
const decided = [denied, allowed, ...others(mergeFrom)];

/** Both of the flood's addresses and further ones of each family. */
function members(count: number): readonly Ip[] {
  const more = Array.from({ length: count - 1 }, (_, index) => [`10.66.0.${index}`, `fd00:66::${index}`]);
  return [host.from.ipv4, host.from.ipv6, ...more.flat().map(parseIp)];
}

/** Members of the set are denied one port and allowed the other; everybody else is allowed the denied one. */
function bySet(): readonly (readonly CompiledRule[])[] {
  return [
    [rule('deny', DENIED_PORT, { ipSets: [SET] })],
    [rule('allow', ALLOWED_PORT, { ipSets: [SET] }), rule('allow', DENIED_PORT)],
    ...others(mergeFrom),
  ];
}

/** Each meets the packets of the one before, and does otherwise. */
function alternating(): readonly (readonly CompiledRule[])[] {
  const pairs = others(mergeFrom).flatMap(([one]) => [[rule('deny', 5000)], [rule('allow', 5000), one ?? allowing()]]);
  return [denied, allowed, ...pairs];
}

const manyNets = (count: number) =>
  rule('allow', ALLOWED_PORT, {
    nets: [
      ...networks(count - 1, 'allow', ALLOWED_PORT).flatMap(({ source }) => source.nets),
      parseCidr('10.65.0.0/24'),
    ],
  });

const shapes: readonly (readonly [name: string, one: () => Wanted, other: () => Wanted])[] = [
  [
    'a tier comes to have as many policies as are merged, and no longer does',
    () => ({ policies: [denied, allowed, ...others(mergeFrom - 3)] }),
    () => ({ policies: [denied, allowed, ...others(mergeFrom - 2)] }),
  ],
  [
    'a policy comes to have more boxes than one may, and no longer does',
    () => ({ policies: [denied, [...networks(255, 'allow', ALLOWED_PORT), ...allowed], ...others(mergeFrom)] }),
    () => ({ policies: [denied, [...networks(256, 'allow', ALLOWED_PORT), ...allowed], ...others(mergeFrom)] }),
  ],
  [
    'a policy that denies comes to have more boxes than one may, and no longer does',
    () => ({ policies: [[...networks(255, 'deny', DENIED_PORT), ...denied], allowed, ...others(mergeFrom)] }),
    () => ({ policies: [[...networks(256, 'deny', DENIED_PORT), ...denied], allowed, ...others(mergeFrom)] }),
  ],
  [
    'a policy that mixes actions comes to have more boxes than one may, and no longer does',
    () => ({ policies: [[...networks(254, 'allow', 4999), ...denied, ...allowed], ...others(mergeFrom)] }),
    () => ({ policies: [[...networks(255, 'allow', 4999), ...denied, ...allowed], ...others(mergeFrom)] }),
  ],
  [
    'a rule comes to have more boxes than one may, and no longer does',
    () => ({ policies: [denied, [manyNets(64), ...allowed], ...others(mergeFrom)] }),
    () => ({ policies: [denied, [manyNets(65), ...allowed], ...others(mergeFrom)] }),
  ],
  [
    'a set comes to have more members than are merged, and no longer does',
    () => ({ policies: bySet(), members: members(16) }),
    () => ({ policies: bySet(), members: members(17) }),
  ],
  [
    'the sender leaves a merged set of members for policies of its own, and comes back',
    () => ({ policies: bySet(), members: members(16) }),
    () => ({ policies: [denied, allowed, ...others(mergeFrom)], members: members(16).slice(2) }),
  ],
  [
    'the endpoint that merged sets are named after goes and comes',
    () => ({ policies: decided }),
    () => ({ policies: decided, hasFirst: true }),
  ],
  [
    'the endpoint that merged sets are named after goes as another policy comes',
    () => ({ policies: decided }),
    () => ({ policies: [...decided, [rule('allow', 6000)]], hasFirst: true }),
  ],
  [
    'actions come to alternate from policy to policy, and no longer do',
    () => ({ policies: [denied, allowed, ...others(mergeFrom * 2)] }),
    () => ({ policies: alternating() }),
  ],
];

for (const [name, one, other] of shapes) {
  test(`nothing of the wrong side passes while ${name}`, async () => {
    const [before, after] = [stateOf(one()), stateOf(other())];
    host.enter(before);
    const form = formOf(host.firewall);
    host.enter(after);
    expect(formOf(host.firewall)).not.toEqual(form);
    const flood = await startFlood(host.from, host.to);
    for (let number = 0; number < CHANGES; number++) {
      host.enter(number % 2 === 0 ? before : after);
      await Bun.sleep(PAUSE_MS);
    }
    const { sent, lost, passed } = await flood.stop();
    expect(host.kernel.resync(host.firewall.ruleset)).toEqual([]);
    expect(sent).toBeGreaterThan(CHANGES);
    expect({ lost, passed }).toEqual({ lost: 0, passed: 0 });
  });
}

/** All changes between two shapes, there and back. */
const transitions = shapes.flatMap(([, one, other]) => [
  [one, other],
  [other, one],
]);

/** Ends the agent after so many batches of the change; false when there are no more. */
function enterCut(before: PolicyState, after: PolicyState, taken: number): boolean {
  host.enter(before);
  if (taken >= host.enter(after, taken)) return false;
  host.restart(after);
  expect(host.kernel.resync(host.firewall.ruleset)).not.toEqual([]); // [] after the whole table has been made anew
  expect(host.kernel.resync(host.firewall.ruleset)).toEqual([]);
  return true;
}

test('nothing of the wrong side passes while agents end after each batch of a change, and the next puts right what is not', async () => {
  const flood = await startFlood(host.from, host.to);
  let cuts = 0;
  for (const [one = () => ({ policies: [] }), other = one] of transitions) {
    const [before, after] = [stateOf(one()), stateOf(other())];
    for (let taken = 1; enterCut(before, after, taken); taken++) cuts++;
  }
  const { sent, lost, passed } = await flood.stop();
  expect(cuts).toBeGreaterThan(20);
  expect(sent).toBeGreaterThan(CHANGES);
  expect({ lost, passed }).toEqual({ lost: 0, passed: 0 });
}, 60_000);
