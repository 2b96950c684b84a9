// Random resources for a few workloads in two namespaces, with every condition that a rule may have, and packets for them.
// All are written as users write them; what shrinks, shrinks to what asks and does less.
import fc from 'fast-check';
import type { EntityRule, HostEndpoint, NetworkSet, Policy, Profile, Resource, Rule, Tier } from './resources.ts';

export const API = 'projectcalico.org/v3' as const;
/** Addresses of this size are given to workloads and hosts of the test (see places.ts). */
export interface Ranges {
  readonly 4: readonly string[];
  readonly 6: readonly string[];
}

const oneOf = <T>(...values: readonly T[]) => fc.constantFrom(...values);
const some = <T>(values: readonly T[], maxLength: number) => fc.uniqueArray(oneOf(...values), { maxLength });
const oneOrMore = <T>(values: readonly T[], maxLength: number) =>
  fc.uniqueArray(oneOf(...values), { minLength: 1, maxLength });

/** Each key with its value, or not there: `freq` to 1 that it is not. */
function maybe<T extends object>(fields: { readonly [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<Partial<T>> {
  return fc.record(fields, { requiredKeys: [] }) as fc.Arbitrary<Partial<T>>;
}

const labels = fc.dictionary(oneOf('a', 'b', 'c'), oneOf('x', 'y', 'xyz'), { maxKeys: 3 });

const selector = oneOf(
  'all()',
  "a == 'x'",
  "a != 'x'",
  'has(b)',
  '!has(b)',
  "a == 'x' && has(b)",
  "a in {'x', 'y'} || has(c)",
  "a not in {'x'}",
  "b contains 'y'",
  "b starts with 'x'",
  'b ends with "z"',
  "!(a == 'x' || has(c))",
  'has(net1)',
  "role == 'list'",
  "projectcalico.org/namespace == 'blue'",
);

const portNumbers = [80, 53, '40:60', '53:79', 443] as const;
const portNames = ['web', 'dns', 'none'] as const;
/** More than fit into one rule of iptables (15), one of them of use. */
const MANY_PORTS = Array.from({ length: 40 }, (_, index) => (index === 20 ? 80 : 2000 + 2 * index));
const MANY_NETS = {
  4: Array.from({ length: 200 }, (_, index) => `172.16.${index}.0/25`),
  6: Array.from({ length: 200 }, (_, index) => `fd99:${index.toString(16)}::/48`),
} as const;

const WITH_PORTS = new Set<string | number>(['TCP', 'UDP', 'SCTP', 6, 17, 132]);

/** Names of ports may stand without a protocol, numbers only with one that has ports. */
function portsBeside(wanted: string | number | undefined): fc.Arbitrary<readonly (number | string)[]> | undefined {
  if (wanted === undefined) return oneOrMore<number | string>(portNames, 2);
  if (!WITH_PORTS.has(wanted)) return undefined;
  return fc.oneof(
    { weight: 4, arbitrary: oneOrMore<number | string>([...portNumbers, ...portNames], 3) },
    { weight: 1, arbitrary: fc.constant(MANY_PORTS) },
  );
}

function netsIn(ranges: readonly string[], many: readonly string[]): fc.Arbitrary<readonly string[]> {
  const long = oneOf(...ranges).map((one) => [...many, one]);
  return fc.oneof({ weight: 4, arbitrary: oneOrMore(ranges, 3) }, { weight: 1, arbitrary: long });
}

type Ports = ReturnType<typeof portsBeside>;

function side(ranges: readonly string[], many: readonly string[], ports: Ports): fc.Arbitrary<EntityRule> {
  const narrow = ranges.filter((range) => !range.endsWith('/0'));
  const positive = maybe<EntityRule>({
    nets: netsIn(ranges, many),
    selector,
    namespaceSelector: oneOf('all()', 'global()'),
    ...(ports === undefined ? {} : { ports }),
  });
  const negative = maybe<EntityRule>({
    notNets: oneOrMore(narrow, 3),
    notSelector: selector,
    ...(ports === undefined ? {} : { notPorts: ports }),
  });
  const both = fc.tuple(positive, negative).map(([one, other]) => ({ ...one, ...other }));
  return fc.oneof(
    { weight: 3, arbitrary: fc.constant<EntityRule>({}) },
    { weight: 3, arbitrary: fewKeys(positive, 2) },
    { weight: 2, arbitrary: fewKeys(both, 3) },
  );
}

/** At most so many of the keys: who asks for all of them at once meets no packet. */
function fewKeys(arbitrary: fc.Arbitrary<EntityRule>, most: number): fc.Arbitrary<EntityRule> {
  const order = fc.shuffledSubarray(
    ['nets', 'notNets', 'selector', 'notSelector', 'namespaceSelector', 'ports', 'notPorts'] as const,
    { maxLength: most },
  );
  return fc
    .tuple(arbitrary, order)
    .map(([given, keys]) =>
      Object.fromEntries(Object.entries(given).filter(([key]) => keys.some((one) => one === key))),
    );
}

const action = oneOf<Rule['action']>('Allow', 'Allow', 'Allow', 'Deny', 'Deny', 'Pass', 'Log');
const protocol = oneOf<string | number>('TCP', 'UDP', 'TCP', 'UDP', 'ICMP', 'ICMPv6', 'SCTP', 6, 17, 253);
const icmp = fc.oneof(fc.record({ type: oneOf(8, 128, 13) }), fc.record({ type: oneOf(8, 128), code: oneOf(0, 1) }));

type Conditions = Omit<Rule, 'action'>;

const isIcmpName = (name: string | number | undefined) => name === 'ICMP' || name === 'ICMPv6';

/** Of one family, which is named now and then; ICMP names its own. */
function conditions(ranges: Ranges, family: 4 | 6, wanted: string | number | undefined): fc.Arbitrary<Conditions> {
  const sides = side(ranges[family], MANY_NETS[family], portsBeside(wanted));
  return maybe<Conditions>({
    source: sides,
    destination: sides,
    ...(isIcmpName(wanted) ? { icmp } : {}),
    ...(wanted === undefined ? { notProtocol: protocol } : {}),
    ...(wanted !== undefined && WITH_PORTS.has(wanted) ? {} : { notICMP: icmp }),
  }).map((given) => (wanted === undefined ? given : { protocol: wanted, ...given }));
}

function rule(ranges: Ranges): fc.Arbitrary<Rule> {
  const head = fc.record({
    family: oneOf(4 as const, 6 as const),
    wanted: fc.option(protocol, { nil: undefined, freq: 3 }),
    named: oneOf(false, false, true),
    action,
  });
  return head.chain(({ family, wanted, named, action: given }) =>
    conditions(ranges, family, wanted).map((more): Rule => {
      const hasFamily = isIcmpName(wanted) || isIcmpName(more.notProtocol);
      return { action: given, ...more, ...(named && !hasFamily ? { ipVersion: family } : {}) };
    }),
  );
}

function rules(ranges: Ranges): fc.Arbitrary<Rule[]> {
  const plain = oneOf<Rule>({ action: 'Allow' }, { action: 'Pass' });
  return fc.array(fc.oneof({ weight: 5, arbitrary: rule(ranges) }, { weight: 1, arbitrary: plain }), { maxLength: 5 });
}

/** So many of one tier that their rules become together in the kernel. */
function crowd(ranges: Ranges): fc.Arbitrary<Resource[]> {
  const one = (index: number) =>
    policy('GlobalNetworkPolicy', `crowd-${index}`, ranges).map(({ spec: { tier: _, ...spec }, ...rest }) => ({
      ...rest,
      spec: { ...spec, selector: 'all()', tier: 'default' },
    }));
  const many = fc.tuple(...Array.from({ length: 12 }, (_, index) => one(index)));
  return fc.oneof({ weight: 2, arbitrary: fc.constant<Resource[]>([]) }, { weight: 1, arbitrary: many });
}

function policy(kind: Policy['kind'], name: string, ranges: Ranges, namespace?: string): fc.Arbitrary<Policy> {
  const types = oneOf<Policy['spec']['types']>(['Ingress'], ['Egress'], ['Ingress', 'Egress']);
  const both = { ingress: rules(ranges), egress: rules(ranges) };
  const head = maybe<Policy['spec']>({
    order: oneOf(1, 2, 2.5),
    selector,
    types: types as fc.Arbitrary<NonNullable<Policy['spec']['types']>>,
    ...(namespace === undefined ? { namespaceSelector: fc.constant('all()') } : {}),
    ...both,
  });
  return fc
    .record({ tier: oneOf('default', 'default', 'security', 'later', 'ghost'), head })
    .map(({ tier, head: spec }) => ({
      apiVersion: API,
      kind,
      metadata: namespace === undefined ? { name } : { name, namespace },
      spec: { tier, ...spec },
    }));
}

function tier(name: string): fc.Arbitrary<Tier> {
  return maybe<Tier['spec']>({ order: oneOf(1, 2), defaultAction: oneOf('Deny', 'Pass') }).map((spec) => ({
    apiVersion: API,
    kind: 'Tier',
    metadata: { name },
    spec,
  }));
}

/** As the network plugin makes it, or anything. */
function profile(name: string, ranges: Ranges): fc.Arbitrary<Profile> {
  const usual = {
    ingress: [{ action: 'Allow' as const, source: { selector: `has(${name})` } }],
    egress: [{ action: 'Allow' as const }],
  };
  const any = fc.record({ ingress: rules(ranges), egress: rules(ranges) });
  return fc.oneof(fc.constant(usual), any).map((spec) => ({
    apiVersion: API,
    kind: 'Profile',
    metadata: { name },
    spec: { ...spec, labelsToApply: { [name]: '', c: 'y' } },
  }));
}

const open: Profile = {
  apiVersion: API,
  kind: 'Profile',
  metadata: { name: 'open' },
  spec: { ingress: [{ action: 'Allow' }], egress: [{ action: 'Allow' }] },
};

function networkSet(
  kind: NetworkSet['kind'],
  name: string,
  ranges: Ranges,
  namespace?: string,
): fc.Arbitrary<NetworkSet> {
  const nets = some([...ranges[4], ...ranges[6]], 4);
  return fc.tuple(labels, nets).map(([own, given]) => ({
    apiVersion: API,
    kind,
    metadata: { name, labels: { ...own, role: 'list' }, ...(namespace === undefined ? {} : { namespace }) },
    spec: { nets: given },
  }));
}

/** A policy for hosts, of all endpoints or of hosts alone, beside the others. */
function hostPolicy(name: string, ranges: Ranges): fc.Arbitrary<Policy> {
  const flags = oneOf<Partial<Policy['spec']>>(
    { applyOnForward: true },
    { applyOnForward: true },
    { applyOnForward: true, doNotTrack: true },
    { applyOnForward: true, preDNAT: true },
  );
  const forWhom = oneOf('all()', 'has(host)', 'has(host)');
  return fc.tuple(policy('GlobalNetworkPolicy', name, ranges), flags, forWhom).map(([given, own, whom]) => {
    const { egress, types, ...spec } = given.spec;
    const both = { ...(egress === undefined ? {} : { egress }), ...(types === undefined ? {} : { types }) };
    return { ...given, spec: { ...spec, ...(own.preDNAT ? {} : both), selector: whom, ...own } };
  });
}

const namedPorts = some(
  [
    { name: 'web', protocol: 'TCP', port: 80 },
    { name: 'dns', protocol: 'UDP', port: 53 },
    { name: 'dns', protocol: 'TCP', port: 53 },
    { name: 'web', protocol: 'SCTP', port: 80 },
  ],
  3,
);

/** The host of the test, by its interface, by its addresses, and as all that is nobody else's. */
function hostEndpoint(name: string, own: Partial<HostEndpoint['spec']>): fc.Arbitrary<HostEndpoint> {
  const profiles = fc.oneof(
    { weight: 2, arbitrary: fc.constant(['open']) },
    { weight: 1, arbitrary: some(['net1', 'missing'], 1) },
  );
  return fc.record({ labels, profiles, ports: namedPorts }).map(({ labels: given, ...spec }) => ({
    apiVersion: API,
    kind: 'HostEndpoint',
    metadata: { name, labels: { ...given, host: '' } },
    spec: { node: 'node-1', ...own, ...spec },
  }));
}

/** Lets some of what is forwarded through, and the rest not: a tier that decides about nothing else. */
const gate: fc.Arbitrary<Policy> = fc
  .record({ types: oneOf(['Ingress'] as const, ['Egress'] as const), wanted: protocol })
  .map(({ types, wanted }) => ({
    apiVersion: API,
    kind: 'GlobalNetworkPolicy',
    metadata: { name: 'gate' },
    spec: {
      ...{ order: 3, selector: 'has(host)', types, applyOnForward: true },
      [types[0] === 'Ingress' ? 'ingress' : 'egress']: [{ action: 'Allow', protocol: wanted }],
    },
  }));

/** None, or some and policies for them. */
function hosts(ranges: Ranges): fc.Arbitrary<Resource[]> {
  const some = fc
    .tuple(
      subset<Resource>(
        hostEndpoint('by-interface', { interfaceName: 'eth0' }),
        hostEndpoint('by-address', { expectedIPs: ['10.98.0.1', 'fd98::1'] }),
        hostEndpoint('by-all', { interfaceName: '*' }),
      ),
      subset<Resource>(hostPolicy('host-1', ranges), hostPolicy('host-2', ranges), gate),
    )
    .map((parts) => parts.flat());
  return fc.oneof(fc.constant<Resource[]>([]), some);
}

/** What a case changes of a workload. */
export interface WorkloadParts {
  readonly labels: Readonly<Record<string, string>>;
  readonly profiles: readonly string[];
  readonly ports: readonly { readonly name: string; readonly protocol: string; readonly port: number }[];
}

const workloadParts: fc.Arbitrary<WorkloadParts> = fc.record({
  labels,
  profiles: fc.oneof(
    { weight: 3, arbitrary: fc.constant(['open']) },
    { weight: 4, arbitrary: some(['net1', 'net2', 'open', 'missing'], 2) },
  ),
  ports: namedPorts,
});

export interface ReferenceCase {
  readonly workloads: readonly WorkloadParts[];
  readonly resources: readonly Resource[];
}

function subset<T>(...all: readonly fc.Arbitrary<T>[]): fc.Arbitrary<T[]> {
  return fc
    .tuple(...all.map((one) => fc.option(one, { nil: undefined, freq: 3 })))
    .map((list) => list.filter((one): one is Awaited<T> & T => one !== undefined));
}

/** For so many workloads; addresses and packets are in the ranges. */
export function referenceCase(workloads: number, ranges: Ranges): fc.Arbitrary<ReferenceCase> {
  return fc.record({
    workloads: fc.array(workloadParts, { minLength: workloads, maxLength: workloads }),
    resources: fc
      .tuple(
        subset<Resource>(
          policy('GlobalNetworkPolicy', 'p', ranges),
          policy('GlobalNetworkPolicy', 'q', ranges),
          policy('NetworkPolicy', 'p', ranges, 'default'),
          policy('NetworkPolicy', 's', ranges, 'blue'),
          policy('NetworkPolicy', 't', ranges, 'default'),
        ),
        crowd(ranges),
        hosts(ranges),
        subset<Resource>(tier('default'), tier('security'), tier('later')),
        subset<Resource>(profile('net1', ranges), profile('net2', ranges)),
        subset<Resource>(
          networkSet('GlobalNetworkSet', 'list', ranges),
          networkSet('NetworkSet', 'list', ranges, 'default'),
          networkSet('NetworkSet', 'other', ranges, 'blue'),
        ),
      )
      .map((parts) => [open, ...parts.flat()]),
  });
}
