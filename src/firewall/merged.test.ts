// Many policies of one endpoint are few lookups, whatever their order and actions, and one that changes changes its own elements.
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { allowing, computeChanges, emptyState, type PolicyState } from '../../test/support/firewall/firewall-cases.ts';
import { type ModelPacket, runPacket } from '../../test/support/nftables/packet-model.ts';
import { parseCidr } from '../net/cidr.ts';
import { parseIp } from '../net/ip.ts';
import type { Operation, Steps } from '../nftables/nft.ts';
import { ANY_SIDE, type CompiledRule, type RuleList, type SideMatch } from '../policy/types/types.ts';
import { defaultFirewallConfig } from './config.ts';
import { createFirewall, type Firewall } from './firewall.ts';

const TCP = 6;
const idOf = (number: number) => `GlobalNetworkPolicy//p${number}`;

function side(parts: Partial<SideMatch>): SideMatch {
  return { ...ANY_SIDE, ...parts };
}

function port(number: number): Partial<SideMatch> {
  return { ports: [{ min: number, max: number }] };
}

/** A range and a port that no other number has. */
function ownRule(number: number): CompiledRule {
  const net = parseCidr(`10.${number >> 8}.${number & 255}.0/24`);
  return allowing({ protocol: TCP, source: side({ nets: [net] }), destination: side(port(1 + (number % 60_000))) });
}

function stateOf(lists: readonly RuleList[]): PolicyState {
  const endpoint = {
    id: 'default/e',
    interfaceName: 'cali1',
    mac: undefined,
    addresses: [parseIp('10.65.0.1')],
    allowedSources: [],
    tiers: [{ tier: 'default', defaultAction: 'deny' as const, ingress: lists.map(({ id }) => id), egress: [] }],
    profiles: [],
  };
  return {
    sets: new Map(),
    lists: new Map(lists.map((list) => [list.id, list])),
    endpoints: new Map([[endpoint.id, endpoint]]),
    hosts: new Map(),
  };
}

function ownLists(count: number): readonly RuleList[] {
  return Array.from({ length: count }, (_, number) => ({ id: idOf(number), ingress: [ownRule(number)], egress: [] }));
}

function open(state: PolicyState, mergeFrom = defaultFirewallConfig.mergeFrom): Firewall {
  const firewall = createFirewall({ ...defaultFirewallConfig, mergeFrom });
  firewall.apply(computeChanges(emptyState, state));
  return firewall;
}

function countRules({ ruleset }: Firewall): number {
  return [...ruleset.chains.values()].reduce((sum, { rules }) => sum + rules.length, 0);
}

function operations(steps: Steps): readonly Operation[] {
  return steps.flat();
}

const elementsOf = (steps: Steps) =>
  operations(steps).flatMap((one) => ('elements' in one && one.kind !== 'delete-set' ? one.elements : []));

test('five thousand policies are as many rules as fifty', () => {
  expect(countRules(open(stateOf(ownLists(5_000))))).toBe(countRules(open(stateOf(ownLists(50)))));
});

test('policies that allow and deny the same in turn stand in chains of their own', () => {
  const lists = ownLists(100).map(
    (list, number): RuleList => ({
      ...list,
      ingress: [...list.ingress, { ...ownRule(number), action: 'deny', destination: ANY_SIDE }],
    }),
  );
  const { ruleset } = open(stateOf(lists));
  expect([...ruleset.sets.values()].filter(({ spec }) => spec.decides !== undefined)).toEqual([]);
  expect([...ruleset.chains.keys()].filter((name) => name.startsWith('rules-ingress'))).toHaveLength(100);
});

test('one policy that changes is its own elements, and no rule', () => {
  const [lists, firewall] = [ownLists(1_000), open(stateOf(ownLists(1_000)))];
  const [before, after] = [
    stateOf(lists),
    stateOf(lists.with(500, { id: idOf(500), ingress: [ownRule(1_500)], egress: [] })),
  ];
  const steps = firewall.apply(computeChanges(before, after));
  expect(operations(steps).map(({ kind }) => kind)).toEqual(['delete-elements', 'add-elements']);
  expect(elementsOf(steps)).toHaveLength(2);
});

test('one policy more on an endpoint is its elements, and the way to the endpoint’s chain', () => {
  const firewall = open(stateOf(ownLists(1_000)));
  const steps = firewall.apply(computeChanges(stateOf(ownLists(1_000)), stateOf(ownLists(1_001))));
  expect(elementsOf(steps)).toHaveLength(3); // the element, and the interface's in the map from one chain to the other
  expect(operations(steps).length).toBeLessThan(15);
  expect(firewall.ruleset).toEqual(open(stateOf(ownLists(1_001))).ruleset);
});

test('an element that two policies have stays with the last of them', () => {
  const same = ownLists(20).map((list): RuleList => ({ ...list, ingress: [ownRule(1)] }));
  const firewall = open(stateOf(same));
  const elements = elementsOf(firewall.apply(computeChanges(stateOf(same), stateOf(same.slice(0, 10)))));
  expect(elements.length).toBeLessThanOrEqual(4); // the interface's in the map, and the element where it tells of another owner
  expect(runPacket(firewall.ruleset, 'base-forward-ingress', packet('10.0.1.9', 2)).verdict).toBe('accept');
});

function packet(source: string, dport: number): ModelPacket {
  const ends = { source: parseIp(source), destination: parseIp(source.includes(':') ? 'fd00::9' : '10.65.0.1') };
  return { ...ends, protocol: TCP, sport: 1024, dport, type: 0, code: 0, iifname: 'eth0', oifname: 'cali1' };
}

const nets = ['10.0.0.0/8', '10.0.0.0/22', '10.0.1.0/24', '10.0.1.4/30', '10.0.1.5/32', '0.0.0.0/0'];
const nets6 = ['fd00::/8', 'fd00::/63', 'fd00::4/126', 'fd00::5/128'];
const portRanges = [
  [80, 80],
  [79, 81],
  [1000, 1999],
  [0, 65535],
  [1024, 65535],
].map(([min = 0, max = 0]) => ({ min, max }));

const boxRule: fc.Arbitrary<CompiledRule> = fc
  .record({
    action: fc.constantFrom('allow', 'allow', 'allow', 'deny', 'deny', 'pass', 'log'),
    protocol: fc.constantFrom(TCP, TCP, TCP, 17, undefined),
    from: fc.subarray([...nets, ...nets6], { maxLength: 3 }),
    ports: fc.subarray(portRanges, { maxLength: 2 }),
    notFrom: fc.oneof(
      { weight: 8, arbitrary: fc.constant([]) },
      { weight: 1, arbitrary: fc.constant(['10.0.1.0/24']) },
    ),
  })
  .map(({ action, protocol, from, ports, notFrom }) => {
    const source = side({ nets: from.map(parseCidr), notNets: notFrom.map(parseCidr) });
    return allowing({ action, protocol, source, destination: side({ ports }) } as Partial<CompiledRule>);
  });

const boxLists: fc.Arbitrary<readonly RuleList[]> = fc
  .array(fc.array(boxRule, { maxLength: 3 }), { minLength: 8, maxLength: 30 })
  .map((all) => all.map((ingress, number) => ({ id: idOf(number), ingress, egress: [] })));

const probes = [
  '10.0.1.5',
  '10.0.1.6',
  '10.0.3.1',
  '10.9.0.1',
  '11.0.0.1',
  'fd00::5',
  'fd00::6',
  'fd00:0:0:1::5',
  'fe00::1',
].flatMap((source) => [80, 81, 999, 1000, 1999, 2000, 65535].map((dport) => packet(source, dport)));

test('what is merged does what the rules do one after the other', () => {
  let accepted = 0;
  fc.assert(
    fc.property(boxLists, (lists) => {
      const [merged, plain] = [open(stateOf(lists)), open(stateOf(lists), 1_000)];
      for (const probe of probes) {
        const result = runPacket(merged.ruleset, 'base-forward-ingress', probe);
        expect(result).toEqual(runPacket(plain.ruleset, 'base-forward-ingress', probe));
        accepted += result.verdict === 'accept' ? 1 : 0;
      }
    }),
    { seed: 7, numRuns: 150 },
  );
  expect(accepted).toBeGreaterThan(500);
});

test('any way to the same policies ends in the same sets', () => {
  fc.assert(
    fc.property(boxLists, boxLists, boxLists, (...all) => {
      const states = all.map(stateOf);
      const firewall = open(states[0] ?? emptyState);
      firewall.apply(computeChanges(states[0] ?? emptyState, states[1] ?? emptyState));
      firewall.apply(computeChanges(states[1] ?? emptyState, states[2] ?? emptyState));
      expect(firewall.ruleset).toEqual(open(states[2] ?? emptyState).ruleset);
    }),
    { seed: 8, numRuns: 60 },
  );
});
