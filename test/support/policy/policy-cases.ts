// Random resources for three workloads of one node: networks, policies in tiers, network sets, in both families.
import fc from 'fast-check';
import { parseCidr } from '../../../src/net/cidr.ts';
import { type Ip, parseIp } from '../../../src/net/ip.ts';
import type { PolicyPhase } from '../../../src/policy/types/input.ts';
import {
  ANY_ENTITY,
  blanketRule,
  type EntityMatch,
  type PolicyUpdate,
  type RuleInput,
} from '../../../src/policy/types/input.ts';
import { parseSelector } from '../../../src/selector/parse.ts';

export const WORKLOADS = [1, 2, 3] as const;

export const workloadId = (number: number) => `default/cali${number}`;
const addressesOf = (number: number): readonly [Ip, Ip] => [
  parseIp(`10.65.0.${number}`),
  parseIp(`fd00:65::${number}`),
];

const oneOf = <T>(...values: readonly T[]) => fc.constantFrom(...values);
const some = <T>(values: readonly T[], maxLength: number): fc.Arbitrary<T[]> =>
  values.length === 0 ? fc.constant([]) : fc.uniqueArray(fc.constantFrom(...values), { maxLength });
const seldom = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 2 });

const selectors = [
  'all()',
  "a == 'x'",
  "a != 'x'",
  'has(b)',
  '!has(b)',
  "a == 'x' && has(b)",
  "a in {'x', 'y'} || has(c)",
  'has(net1)',
  'has(net2)',
  "role == 'list'",
].map(parseSelector);
const selector = oneOf(...selectors);

const labels = fc.dictionary(oneOf('a', 'b', 'c'), oneOf('x', 'y'), { maxKeys: 3 });
const ranges4 = ['10.65.0.0/24', '10.65.0.1/32', '10.65.0.2/31', '10.0.0.0/8'].map(parseCidr);
const ranges6 = ['fd00:65::/64', 'fd00:65::1/128', 'fd00:65::2/127', 'fd00::/8'].map(parseCidr);
const ports = some(
  [
    { min: 80, max: 80 },
    { min: 53, max: 79 },
    { min: 40, max: 60 },
  ],
  2,
);

function side(nets: typeof ranges4): fc.Arbitrary<EntityMatch> {
  const given = fc.record({
    nets: some(nets, 2),
    notNets: some(nets, 1),
    selector: seldom(selector),
    notSelector: fc.option(selector, { nil: undefined, freq: 4 }),
    ports: fc.constant<EntityMatch['ports']>([]),
    namedPorts: fc.constant<readonly string[]>([]),
    notPorts: fc.constant<EntityMatch['ports']>([]),
    notNamedPorts: fc.constant<readonly string[]>([]),
  });
  return fc.oneof({ weight: 1, arbitrary: fc.constant(ANY_ENTITY) }, { weight: 2, arbitrary: given });
}

/** Ports only where there is a protocol that has them. */
function withPorts(match: fc.Arbitrary<EntityMatch>): fc.Arbitrary<EntityMatch> {
  const extra = fc.record({
    ports,
    namedPorts: some(['web', 'dns'], 1),
    notPorts: some([{ min: 80, max: 80 }], 1),
  });
  return fc.tuple(match, seldom(extra)).map(([entity, more]) => ({ ...entity, ...more }));
}

const rule: fc.Arbitrary<RuleInput> = fc
  .record({
    family: oneOf(undefined, 4 as const, 6 as const),
    protocol: oneOf(undefined, 1, 6, 6, 17, 17, 58),
    action: oneOf(
      'allow' as const,
      'allow' as const,
      'allow' as const,
      'deny' as const,
      'pass' as const,
      'log' as const,
    ),
  })
  .chain(({ family, protocol, action }) => {
    const nets = family === undefined ? [] : family === 4 ? ranges4 : ranges6;
    const hasPorts = protocol === 6 || protocol === 17;
    const icmp = hasPorts
      ? fc.constant(undefined)
      : seldom(fc.record({ type: oneOf(8, 8, 128), code: oneOf(undefined, undefined, 0) }));
    return fc.record({
      index: fc.constant(0),
      action: fc.constant(action),
      family: fc.constant(family),
      protocol: fc.constant(protocol),
      notProtocol: protocol === undefined ? seldom(oneOf(6, 17)) : fc.constant(undefined),
      icmp,
      notIcmp: fc.constant(undefined),
      source: side(nets),
      destination: hasPorts ? withPorts(side(nets)) : side(nets),
      comment: fc.constant(undefined),
    });
  });

const rules = fc
  .array(
    fc.oneof(
      { weight: 4, arbitrary: rule },
      { weight: 1, arbitrary: oneOf(blanketRule('allow'), blanketRule('allow'), blanketRule('pass')) },
    ),
    {
      maxLength: 4,
    },
  )
  .map((list) => list.map((one, index) => ({ ...one, index })));

function workload(number: number): fc.Arbitrary<PolicyUpdate> {
  const value = fc.record({
    labels,
    profiles: fc.oneof(
      { weight: 3, arbitrary: fc.constant(['open']) },
      { weight: 5, arbitrary: some(['net1', 'net2', 'open', 'missing'], 2) },
    ),
    addresses: fc.constant(addressesOf(number)),
    ports: some(
      [
        { name: 'web', protocol: 6, port: 80 },
        { name: 'dns', protocol: 17, port: 53 },
        { name: 'dns', protocol: 6, port: 53 },
      ],
      2,
    ),
    partial: fc.constant(false),
    local: fc.constant({ interfaceName: `cali${number}`, mac: undefined, allowedSources: [] }),
  });
  return fc.option(value, { nil: undefined, freq: 12 }).map((given) => ({
    kind: 'endpoint',
    id: workloadId(number),
    value: given,
  }));
}

function profile(id: string): fc.Arbitrary<PolicyUpdate> {
  const member = { ...ANY_ENTITY, selector: parseSelector(`has(${id})`) };
  const usual = { ingress: [{ ...blanketRule('allow'), source: member }], egress: [blanketRule('allow')] };
  const content = fc.oneof(fc.constant(usual), fc.record({ ingress: rules, egress: rules }));
  return content.map((list) => ({ kind: 'profile', id, value: { labelsToApply: { [id]: '' }, ...list } }));
}

const open: PolicyUpdate = {
  kind: 'profile',
  id: 'open',
  value: { labelsToApply: {}, ingress: [blanketRule('allow')], egress: [blanketRule('allow')] },
};

function tier(id: string): fc.Arbitrary<PolicyUpdate> {
  const value = fc.record({ order: oneOf(1, 2, 3), defaultAction: oneOf('deny' as const, 'pass' as const) });
  return value.map((given) => ({ kind: 'tier', id, value: { ...given, closed: false } }));
}

function policy(id: string, ...phases: readonly PolicyPhase[]): fc.Arbitrary<PolicyUpdate> {
  const value = fc.record({
    tier: oneOf('default', 'security'),
    order: oneOf(1, 2, Number.POSITIVE_INFINITY),
    selector,
    ingress: seldom(rules),
    egress: seldom(rules),
    phase: phases.length === 0 ? fc.constant<PolicyPhase>('normal') : oneOf(...phases),
    neededEverywhere: fc.constant(false),
  });
  return fc.option(value, { nil: undefined, freq: 2 }).map((given) => ({ kind: 'policy', id, value: given }));
}

const networkSet: fc.Arbitrary<PolicyUpdate> = fc
  .record({ nets: some([...ranges4, ...ranges6], 4), labels })
  .map(({ nets, labels: own }) => ({
    kind: 'network-set',
    id: 'GlobalNetworkSet//list',
    value: { labels: { ...own, role: 'list' }, profiles: [], nets, partial: false },
  }));

/** Every resource that there may be, each with its content or gone: taken in, they are the whole state. */
export const policyCase: fc.Arbitrary<readonly PolicyUpdate[]> = fc
  .tuple(
    ...WORKLOADS.map(workload),
    profile('net1'),
    profile('net2'),
    tier('default'),
    tier('security'),
    policy('GlobalNetworkPolicy//p'),
    policy('GlobalNetworkPolicy//q'),
    policy('NetworkPolicy/default/r'),
    policy('StagedGlobalNetworkPolicy//p'),
    policy('StagedNetworkPolicy/default/s'),
    networkSet,
  )
  .map((updates) => [open, ...updates]);

const hostAddresses = ['10.66.0.1', 'fd00:66::1', '10.66.9.9'].map(parseIp);

function hostEndpoint(name: string): fc.Arbitrary<PolicyUpdate> {
  const value = fc
    .record({
      labels,
      profiles: some(['net1', 'open', 'missing'], 2),
      interfaceName: oneOf('eth0', '*', undefined),
      expectedIps: some(hostAddresses, 2),
      closed: fc.boolean().map((one) => one && name === 'c'),
    })
    .map(({ labels: own, profiles, ...host }) => ({
      ...{ labels: own, profiles, addresses: host.expectedIps, ports: [], partial: false, local: undefined },
      host,
    }));
  return fc
    .option(value, { nil: undefined, freq: 2 })
    .map((given) => ({ kind: 'endpoint', id: `HostEndpoint//${name}`, value: given }));
}

const ALL_PHASES = ['normal', 'forward', 'forward', 'untracked', 'pre-dnat'] as const;

/** The same for a host with one workload and an uplink. */
export const hostCase: fc.Arbitrary<readonly PolicyUpdate[]> = fc
  .tuple(
    workload(1),
    ...['a', 'b', 'c'].map(hostEndpoint),
    profile('net1'),
    profile('net2'),
    tier('default'),
    tier('security'),
    ...['p', 'q', 'r', 's'].map((name) => policy(`GlobalNetworkPolicy//${name}`, ...ALL_PHASES)),
    networkSet,
  )
  .map((updates) => [open, ...updates]);
