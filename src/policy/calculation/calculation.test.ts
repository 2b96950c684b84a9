// The calculation against its oracles: a calculation from nothing, and the verdict from the resources.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import {
  type Delivered,
  deliverAll,
  isAllowed,
  nothingDelivered,
  printDelivered,
} from '../../../test/support/policy/delivered.ts';
import { parseCidr } from '../../net/cidr.ts';
import { parseIp } from '../../net/ip.ts';
import { parseSelector } from '../../selector/parse.ts';
import { computeHostVerdict } from '../oracle/host-verdict.ts';
import type { Packet } from '../oracle/packet.ts';
import { createSnapshot } from '../oracle/snapshot.ts';
import { computeVerdict } from '../oracle/verdict.ts';
import {
  ANY_ENTITY,
  blanketRule,
  type EntityMatch,
  type PolicyPhase,
  type PolicyUpdate,
  type RuleInput,
  UNKNOWN_PROFILE,
  UNKNOWN_TIER,
} from '../types/input.ts';
import {
  DIRECTIONS,
  type Direction,
  type EndpointPolicy,
  type HostEndpointPolicy,
  type PolicyChange,
  type RuleList,
} from '../types/types.ts';
import { createPolicyCalculation } from './calculation.ts';
import { compileRule } from './compile.ts';

const addresses = ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.1.9', '192.0.2.7', 'fd00::1', 'fd00::2'].map(parseIp);
const ranges = ['10.0.0.0/24', '10.0.0.2/31', '10.0.0.3/32', '0.0.0.0/1', '192.0.2.0/28', 'fd00::/64', '8000::/1'];
const selectors = [
  'all()',
  "a == 'x'",
  "a != 'x'",
  'has(a)',
  '!has(b)',
  "a == 'x' && b == 'y'",
  "a in {'x', 'y'} || has(c)",
  "!(a == 'x' || b == 'x')",
  "b starts with 'y'",
  "c == 'z' && has(a)",
  "a not in {'y'}",
  '!all()',
].map(parseSelector);

const oneOf = <T>(values: readonly T[]) => fc.constantFrom(...values);
const some = <T>(values: readonly T[], maxLength = 3) => fc.uniqueArray(oneOf(values), { maxLength });
/** Half of all selectors are the same, so that policies meet on endpoints. */
const selector = fc.oneof(fc.constant(parseSelector('all()')), oneOf(selectors));
const labels = fc.dictionary(oneOf(['a', 'b', 'c']), oneOf(['x', 'y', 'z']), { maxKeys: 3 });
const profileNames = some(['p1', 'p2', 'p3', 'projectcalico-default-allow']);
/** Most can be read whole. */
const rarely = fc.boolean().chain((first) => (first ? fc.constant(false) : oneOf([true, false, false, false, false])));
/** Of one in ten, some profile's name could not be read. */
const memberships = fc
  .tuple(profileNames, rarely)
  .map(([names, unknown]) => (unknown ? [...names.slice(0, 1), UNKNOWN_PROFILE, ...names.slice(1)] : names));
const namedPorts = some(
  [
    { name: 'web', protocol: 6, port: 80 },
    { name: 'web', protocol: 17, port: 81 },
    { name: 'dns', protocol: 17, port: 53 },
  ],
  2,
);
const portRanges = some(
  [
    { min: 80, max: 80 },
    { min: 53, max: 81 },
  ],
  1,
);

const entity: fc.Arbitrary<EntityMatch> = fc.oneof(
  { weight: 3, arbitrary: oneOf([ANY_ENTITY]) },
  {
    weight: 4,
    arbitrary: fc.record({
      nets: oneOf([[], [], [parseCidr('10.0.0.0/24')]]),
      notNets: oneOf([[], [], [parseCidr('10.0.0.2/31')]]),
      selector: fc.option(oneOf(selectors), { nil: undefined }),
      notSelector: fc.option(oneOf(selectors), { nil: undefined, freq: 4 }),
      ports: portRanges,
      namedPorts: some(['web', 'dns'], 1),
      notPorts: oneOf([[], [], [{ min: 80, max: 80 }]]),
      notNamedPorts: oneOf([[], [], ['web']]),
    }),
  },
);

const rule: fc.Arbitrary<RuleInput> = fc
  .record({
    action: oneOf(['allow', 'allow', 'deny', 'pass', 'log'] as const),
    protocol: fc.option(oneOf([6, 17, 1]), { nil: undefined }),
    notProtocol: fc.option(oneOf([6, 17]), { nil: undefined, freq: 5 }),
    notIcmp: oneOf([undefined, undefined, { type: 8, code: undefined }]),
    source: entity,
    destination: entity,
  })
  .map((parts) => {
    const hasNets = [parts.source, parts.destination].some((side) => side.nets.length + side.notNets.length > 0);
    return { ...blanketRule(parts.action), ...parts, family: hasNets ? (4 as const) : undefined };
  });
const rules = fc
  .array(
    fc.oneof(
      rule,
      oneOf(['allow', 'deny', 'pass'] as const).map((action) => blanketRule(action)),
    ),
    { maxLength: 3 },
  )
  .map((list) => list.map((one, index) => ({ ...one, index })));

const endpoint: fc.Arbitrary<PolicyUpdate> = fc.record({
  kind: fc.constant('endpoint' as const),
  id: oneOf(['default/w1', 'default/w2', 'default/w3', 'default/w4', 'default/w5']),
  value: fc.option(
    fc.record({
      labels,
      profiles: memberships,
      addresses: some(addresses, 2),
      ports: namedPorts,
      partial: rarely,
      local: fc.option(
        fc.record({
          interfaceName: oneOf(['cali1', 'cali2', 'cali3', 'cali4']),
          mac: fc.constant(undefined),
          allowedSources: fc.constant([]),
        }),
        { nil: undefined, freq: 3 },
      ),
    }),
    { nil: undefined, freq: 6 },
  ),
});
const hostEndpoint: fc.Arbitrary<PolicyUpdate> = fc.record({
  kind: fc.constant('endpoint' as const),
  id: oneOf(['HostEndpoint//h1', 'HostEndpoint//h2']),
  value: fc.option(
    fc.record({
      labels,
      profiles: memberships,
      addresses: some(addresses, 1),
      ports: namedPorts,
      partial: rarely,
      local: fc.constant(undefined),
      host: fc.record({
        interfaceName: oneOf(['eth0', '*', undefined]),
        expectedIps: some(addresses, 1),
        closed: rarely,
      }),
    }),
    { nil: undefined, freq: 6 },
  ),
});
const networkSet: fc.Arbitrary<PolicyUpdate> = fc.record({
  kind: fc.constant('network-set' as const),
  id: oneOf(['GlobalNetworkSet//s1', 'NetworkSet/default/s2']),
  value: fc.option(fc.record({ labels, profiles: memberships, nets: some(ranges.map(parseCidr)), partial: rarely }), {
    nil: undefined,
  }),
});
const profile: fc.Arbitrary<PolicyUpdate> = fc.record({
  kind: fc.constant('profile' as const),
  id: oneOf(['p1', 'p2', 'p3']),
  value: fc.option(
    fc.record({ labelsToApply: fc.option(labels, { nil: undefined, freq: 9 }), ingress: rules, egress: rules }),
    { nil: undefined },
  ),
});
const tier: fc.Arbitrary<PolicyUpdate> = fc.record({
  kind: fc.constant('tier' as const),
  id: oneOf(['default', 'first', 'second']),
  value: fc.option(
    fc.record({ order: oneOf([1, 2, Infinity]), defaultAction: oneOf(['deny', 'pass'] as const), closed: rarely }),
    {
      nil: undefined,
    },
  ),
});
const policy: fc.Arbitrary<PolicyUpdate> = fc.record({
  kind: fc.constant('policy' as const),
  id: oneOf([
    'GlobalNetworkPolicy//g1',
    'GlobalNetworkPolicy//g2',
    'NetworkPolicy/default/g1',
    'NetworkPolicy/x/n',
    'A//z',
  ]),
  value: fc.option(
    fc.record({
      tier: oneOf(['default', 'default', 'first', 'first', 'second', 'second', 'missing', UNKNOWN_TIER]),
      order: oneOf([1, 1, 2, Infinity]),
      selector,
      ingress: fc.option(rules, { nil: undefined, freq: 4 }),
      egress: fc.option(rules, { nil: undefined, freq: 3 }),
      phase: oneOf<PolicyPhase>(['normal', 'normal', 'forward', 'untracked', 'pre-dnat']),
      neededEverywhere: oneOf([false, false, false, true]),
    }),
    { nil: undefined, freq: 5 },
  ),
});
const update: fc.Arbitrary<PolicyUpdate> = fc.oneof(
  { weight: 5, arbitrary: endpoint },
  { weight: 2, arbitrary: hostEndpoint },
  { weight: 2, arbitrary: networkSet },
  { weight: 3, arbitrary: profile },
  { weight: 2, arbitrary: tier },
  { weight: 5, arbitrary: policy },
);
const packet: fc.Arbitrary<Packet> = fc.oneof(
  fc.record({
    source: oneOf(addresses.slice(0, 5)),
    destination: oneOf(addresses.slice(0, 5)),
    protocol: oneOf([6, 17]),
    sourcePort: oneOf([53, 4000]),
    destinationPort: oneOf([53, 80, 81, 9999]),
  }),
  fc.record({
    source: oneOf(addresses.slice(0, 5)),
    destination: oneOf(addresses.slice(0, 5)),
    protocol: fc.constant(1),
    icmpType: oneOf([8, 13]),
  }),
  fc.record({
    source: oneOf(addresses.slice(5)),
    destination: oneOf(addresses.slice(5)),
    protocol: oneOf([6, 17]),
    sourcePort: fc.constant(4000),
    destinationPort: oneOf([53, 80, 81]),
  }),
);

/** The state after all updates, flushing where `flushAfter` says, and at the end. */
function calculate(updates: readonly PolicyUpdate[], flushAfter: (index: number) => boolean = () => false) {
  const calculation = createPolicyCalculation();
  const state = nothingDelivered();
  calculation.update({ kind: 'in-sync' });
  for (const [index, one] of updates.entries()) {
    calculation.update(one);
    if (flushAfter(index)) deliverAll(state, calculation.flush());
  }
  deliverAll(state, calculation.flush());
  expect(calculation.flush()).toEqual([]);
  return state;
}

/** The last update of each resource, in the order in which the resources were first named. */
function squash(updates: readonly PolicyUpdate[]): readonly PolicyUpdate[] {
  return [...new Map(updates.map((one) => [one.kind === 'in-sync' ? '' : `${one.kind} ${one.id}`, one])).values()];
}

const sequence = fc.array(update, { minLength: 10, maxLength: 80 });
const runs = { seed: 20260301, numRuns: 300 };

describe('promise 9: the state depends on the resources alone', () => {
  test('split anywhere', () => {
    fc.assert(
      fc.property(sequence, fc.infiniteStream(fc.boolean()), (updates, coin) => {
        const split = calculate(updates, () => coin.next().value === true);
        expect(printDelivered(split)).toBe(printDelivered(calculate(squash(updates))));
      }),
      runs,
    );
  });

  test('flushed after every update', () => {
    fc.assert(
      fc.property(sequence, (updates) => {
        expect(printDelivered(calculate(updates, () => true))).toBe(printDelivered(calculate(squash(updates))));
      }),
      runs,
    );
  });

  test('reversed and repeated', () => {
    fc.assert(
      fc.property(sequence, fc.boolean(), (updates, flushEach) => {
        const last = squash(updates);
        const expected = printDelivered(calculate(last));
        expect(printDelivered(calculate(last.toReversed(), () => flushEach))).toBe(expected);
        expect(printDelivered(calculate([...updates, ...last, ...last.toReversed()], () => flushEach))).toBe(expected);
      }),
      runs,
    );
  });

  test('squashed between flushes', () => {
    fc.assert(
      fc.property(sequence, fc.integer({ min: 1, max: 20 }), (updates, size) => {
        const batches = Array.from({ length: Math.ceil(updates.length / size) }, (_, at) =>
          squash(updates.slice(at * size, (at + 1) * size)),
        );
        const ends = new Set(batches.map((_, at) => batches.slice(0, at + 1).flat().length - 1));
        const squashed = calculate(batches.flat(), (index) => ends.has(index));
        expect(printDelivered(squashed)).toBe(printDelivered(calculate(updates)));
      }),
      runs,
    );
  });

  test('in sync at any moment', () => {
    fc.assert(
      fc.property(sequence, fc.nat(80), (updates, moment) => {
        const calculation = createPolicyCalculation();
        const state = nothingDelivered();
        for (const [index, one] of updates.entries()) {
          if (index === moment) calculation.update({ kind: 'in-sync' });
          calculation.update(one);
          deliverAll(state, calculation.flush());
        }
        calculation.update({ kind: 'in-sync' });
        deliverAll(state, calculation.flush());
        expect(printDelivered(state)).toBe(printDelivered(calculate(updates)));
      }),
      runs,
    );
  });

  test('removed whole, nothing is left', () => {
    fc.assert(
      fc.property(sequence, (updates) => {
        const gone = squash(updates).flatMap((one): PolicyUpdate[] =>
          one.kind === 'in-sync' ? [] : [{ ...one, value: undefined }],
        );
        expect(calculate([...updates, ...gone], (index) => index >= updates.length - 1)).toEqual(nothingDelivered());
      }),
      runs,
    );
  });

  test('feeding the same resources again changes nothing', () => {
    fc.assert(
      fc.property(sequence, (updates) => {
        const calculation = createPolicyCalculation();
        for (const one of [...updates, { kind: 'in-sync' } as const]) calculation.update(one);
        calculation.flush();
        for (const one of structuredClone(squash(updates))) calculation.update(one);
        expect(calculation.flush()).toEqual([]);
      }),
      runs,
    );
  });
});

test('packets are judged as the resources say', () => {
  let judged = 0;
  let allowed = 0;
  fc.assert(
    fc.property(sequence, fc.array(packet, { minLength: 20, maxLength: 20 }), (updates, packets) => {
      const state = calculate(updates, (index) => index % 3 === 0);
      const snapshot = createSnapshot(updates);
      for (const one of packets) {
        for (const given of state.endpoints.values()) {
          const ends = { source: given.id, destination: given.id };
          const verdict = computeVerdict(one, snapshot, ends);
          for (const direction of DIRECTIONS) {
            judged++;
            const actual = isAllowed(state, given, direction, one);
            if (actual) allowed++;
            if (actual === (verdict[direction].action === 'allow')) continue;
            throw new Error(Bun.inspect({ direction, given, one, verdict: verdict[direction], actual }, { depth: 9 }));
          }
        }
      }
    }),
    { ...runs, numRuns: 400 },
  );
  expect(judged).toBeGreaterThan(5000);
  expect(allowed).toBeGreaterThan(judged / 20);
});

const noFailsafes = { ingress: [], egress: [] };
const ALLOW = 'Profile//everything';
const allowAll = calculateList();

/** A list that lets everything through, for what no tier decides. */
function calculateList(): RuleList {
  const rule = compileRule(blanketRule('allow'), () => ({ id: '', hasUnknown: false }));
  return { id: ALLOW, ingress: rule, egress: rule };
}

/** What early policies leave open the last phase decides: a list that nothing gets through says whether they denied. */
function passesHost(
  state: Delivered,
  direction: Direction,
  packet: Packet,
  early: readonly HostEndpointPolicy['normal'][],
  last: Pick<EndpointPolicy, 'tiers' | 'profiles'>,
): boolean {
  for (const tiers of early) {
    const [orAllow, orDeny] = [[ALLOW], []].map((profiles) => isAllowed(state, { tiers, profiles }, direction, packet));
    if (orAllow === orDeny) return orAllow === true;
  }
  return isAllowed(state, last, direction, packet);
}

/** The four ways past a host endpoint. */
function wayPast(host: HostEndpointPolicy) {
  const untracked = host.interfaceName === '*' ? [] : [host.untracked];
  const forward = { tiers: host.forward, profiles: host.closed ? [] : [ALLOW] };
  const normal = { tiers: host.normal, profiles: host.profiles };
  return [
    { direction: 'ingress', path: { kind: 'in', from: host.id }, early: [...untracked, host.preDnat], last: normal },
    { direction: 'egress', path: { kind: 'out', to: host.id }, early: untracked, last: normal },
    {
      direction: 'ingress',
      path: { kind: 'through', from: host.id, to: undefined },
      early: [...untracked, host.preDnat],
      last: forward,
    },
    { direction: 'egress', path: { kind: 'through', from: undefined, to: host.id }, early: [], last: forward },
  ] as const;
}

test('packets of hosts are judged as the resources say', () => {
  let judged = 0;
  let allowed = 0;
  fc.assert(
    fc.property(sequence, fc.array(packet, { minLength: 20, maxLength: 20 }), (updates, packets) => {
      const state = calculate(updates, (index) => index % 3 === 0);
      state.lists.set(ALLOW, allowAll);
      const snapshot = createSnapshot(updates);
      for (const one of packets) {
        for (const host of state.hosts.values()) {
          for (const { direction, path, early, last } of wayPast(host)) {
            const actual = passesHost(state, direction, one, early, last);
            const verdict = computeHostVerdict(one, path, snapshot, noFailsafes);
            judged++;
            if (actual) allowed++;
            if (actual === (verdict.action === 'allow')) continue;
            throw new Error(Bun.inspect({ path, host, one, verdict, actual }, { depth: 9 }));
          }
        }
      }
    }),
    { ...runs, numRuns: 400 },
  );
  expect(judged).toBeGreaterThan(5000);
  expect(allowed).toBeGreaterThan(judged / 20);
});

test('nothing is handed out before the first snapshot is whole', () => {
  const calculation = createPolicyCalculation();
  const local = { interfaceName: 'cali1', mac: undefined, allowedSources: [] };
  const value = { labels: {}, profiles: [], addresses: [parseIp('10.0.0.1')], ports: [], partial: false, local };
  calculation.update({ kind: 'endpoint', id: 'default/w1', value });
  expect(calculation.flush()).toEqual([]);
  calculation.update({ kind: 'in-sync' });
  const expected: readonly PolicyChange[] = [
    {
      kind: 'endpoint-set',
      endpoint: { id: 'default/w1', ...local, addresses: [parseIp('10.0.0.1')], tiers: [], profiles: [] },
    },
  ];
  expect(calculation.flush()).toEqual(expected);
});
