// Random policy states for the firewall's tests, and the changes that lead from one to the next as the policy room says them.
import fc from 'fast-check';
import { type Cidr, cidrFamily, formatCidr, maskCidr, parseCidr } from '../../../src/net/cidr.ts';
import { formatIp, type Ip, isIpv4, parseIp } from '../../../src/net/ip.ts';
import { withoutCovered } from '../../../src/nftables/ranges.ts';
import {
  ANY_PACKET,
  ANY_SIDE,
  type CompiledRule,
  type EndpointPolicy,
  type HostEndpointPolicy,
  type IpSetContent,
  type IpSetId,
  type PolicyChange,
  type PortMember,
  type RuleList,
  type RuleListId,
  type SideMatch,
  type TierPolicies,
  type TrafficLimits,
} from '../../../src/policy/types/types.ts';

export interface PolicyState {
  readonly sets: ReadonlyMap<IpSetId, IpSetContent>;
  readonly lists: ReadonlyMap<RuleListId, RuleList>;
  readonly endpoints: ReadonlyMap<string, EndpointPolicy>;
  readonly hosts: ReadonlyMap<string, HostEndpointPolicy>;
}

export const emptyState: PolicyState = {
  sets: new Map(),
  lists: new Map(),
  endpoints: new Map(),
  hosts: new Map(),
};

/** An Allow with these conditions and no others. */
export function allowing(parts: Partial<CompiledRule> = {}): CompiledRule {
  return {
    index: 0,
    action: 'allow',
    ...ANY_PACKET,
    source: ANY_SIDE,
    destination: ANY_SIDE,
    comment: undefined,
    ...parts,
  };
}

const addresses = [
  '10.0.0.1',
  '10.0.1.255',
  '192.168.0.0',
  '255.255.255.255',
  'fd00::1',
  'fd00:0:1::',
  '::ffff:1.2.3.4',
].map(parseIp);
const ranges = [
  '10.0.0.0/8',
  '10.0.0.0/16',
  '10.0.1.0/24',
  '10.0.1.255/32',
  '0.0.0.0/1',
  '128.0.0.0/1',
  '224.0.0.0/3',
  'fd00::/8',
  'fd00::/64',
  'fd00::1/128',
  '8000::/1',
].map(parseCidr);
const everything = [...ranges, ...['0.0.0.0/0', '::/0'].map(parseCidr)];

const address = fc.constantFrom(...addresses);
const few = <T>(item: fc.Arbitrary<T>, maxLength = 3): fc.Arbitrary<T[]> => fc.array(item, { maxLength });
const unique = <T>(list: readonly T[], maxLength = 3): fc.Arbitrary<T[]> =>
  fc.uniqueArray(fc.constantFrom(...list), { maxLength });

const portMember = fc.record({ address, protocol: fc.constantFrom(6, 17), port: fc.constantFrom(53, 80, 65535) });
const portMembers = fc.uniqueArray(portMember, { maxLength: 4, selector: printPortMember });

function printPortMember({ address, protocol, port }: PortMember): string {
  return `${formatIp(address)} ${protocol} ${port}`;
}

const content: Readonly<Record<string, fc.Arbitrary<IpSetContent>>> = {
  s: unique(addresses, 5).map((members): IpSetContent => ({ type: 'address', members })),
  r: unique(ranges, 5).map((members): IpSetContent => ({ type: 'cidr', members: withoutCovered(members) })),
  n: portMembers.map((members): IpSetContent => ({ type: 'port', members })),
};

const setIds = ['s:0', 's:1', 'r:0', 'r:1', 'n:0', 'n:1'];
const sets: fc.Arbitrary<ReadonlyMap<IpSetId, IpSetContent>> = fc
  .tuple(
    ...setIds.map((id) =>
      (content[id.slice(0, 1)] ?? fc.constant<IpSetContent>({ type: 'address', members: [] })).map(
        (each) => [id, each] as const,
      ),
    ),
  )
  .map((entries) => new Map(entries));

const portRange = fc.constantFrom(
  { min: 80, max: 80 },
  { min: 1000, max: 2000 },
  { min: 1500, max: 65535 },
  { min: 0, max: 0 },
);

/** What the contract says of ranges: one family's in a rule with a family, both families' in one without. */
function rangesFor(family: 4 | 6 | undefined, list: readonly Cidr[]): readonly Cidr[] {
  if (family !== undefined) return list.filter((cidr) => cidrFamily(cidr) === family);
  const both = [4, 6].every((each) => list.some((cidr) => cidrFamily(cidr) === each));
  return both ? list : [];
}

/** Mostly nothing, so that rules match now and then. */
function rarely<T>(list: fc.Arbitrary<T[]>): fc.Arbitrary<T[]> {
  return fc.oneof({ weight: 5, arbitrary: fc.constant<T[]>([]) }, { weight: 1, arbitrary: list });
}

function side(family: 4 | 6 | undefined, hasPorts: boolean): fc.Arbitrary<SideMatch> {
  const none = fc.constant([]);
  return fc.record({
    nets: rarely(unique(everything)).map((list) => rangesFor(family, list)),
    notNets: rarely(unique(everything)).map((list) => rangesFor(family, list)),
    ipSets: rarely(unique(['s:0', 'r:0', 's:1'], 2)),
    notIpSets: rarely(unique(['s:0', 'r:1'], 1)),
    ports: hasPorts ? rarely(few(portRange, 2)) : none,
    portSets: hasPorts ? rarely(unique(['n:0', 'n:1'], 2)) : none,
    notPorts: hasPorts ? rarely(few(portRange, 2)) : none,
    notPortSets: hasPorts ? rarely(unique(['n:0'], 1)) : none,
  });
}

function sometimes<T>(item: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: item });
}

const icmp = fc.oneof(
  fc.record({ type: fc.constantFrom(0, 8, 128), code: fc.constant(undefined) }),
  fc.record({ type: fc.constant(3), code: fc.constant(1) }),
);

const compiledRule: fc.Arbitrary<CompiledRule> = fc
  .record({
    family: sometimes(fc.constantFrom(4 as const, 6 as const)),
    protocol: sometimes(fc.constantFrom(1, 6, 17, 58, 132)),
    wantedIcmp: sometimes(icmp),
  })
  .chain(({ family, protocol, wantedIcmp }) => {
    const isIcmp = protocol !== 6 && protocol !== 17 && protocol !== 132 ? wantedIcmp : undefined;
    const hasPorts = protocol === 6 || protocol === 17 || (protocol === undefined && isIcmp === undefined);
    return fc.record({
      index: fc.nat(3),
      action: fc.constantFrom('allow' as const, 'deny' as const, 'pass' as const, 'log' as const),
      family: fc.constant(family),
      protocol: fc.constant(protocol),
      notProtocol: sometimes(fc.constantFrom(1, 17)),
      icmp: fc.constant(isIcmp),
      notIcmp: sometimes(icmp),
      source: side(family, hasPorts),
      destination: side(family, hasPorts),
      comment: sometimes(fc.constantFrom('a plain one', 'with "quotes" \\ and é', '')),
    });
  });

const listIds = [
  'NetworkPolicy/default/a',
  'NetworkPolicy/default/b',
  'GlobalNetworkPolicy//c',
  'StagedGlobalNetworkPolicy//c',
  'Profile//net1',
  'Profile//net2',
  'GlobalNetworkPolicy//untracked',
  'GlobalNetworkPolicy//pre-dnat',
];
const policyIds = listIds.slice(0, 4);
const profileIds = listIds.slice(4, 6);
/** Whose rules decide early. */
const early: Readonly<Record<string, NonNullable<RuleList['early']>>> = {
  'GlobalNetworkPolicy//untracked': 'untracked',
  'GlobalNetworkPolicy//pre-dnat': 'pre-dnat',
};

const lists: fc.Arbitrary<ReadonlyMap<RuleListId, RuleList>> = fc
  .tuple(
    ...listIds.map((id) =>
      fc.record({ id: fc.constant(id), ingress: few(compiledRule, 3), egress: few(compiledRule, 3) }),
    ),
  )
  .map(
    (all) =>
      new Map(
        all.map((list) => {
          const when = early[list.id];
          return [list.id, when === undefined ? list : { ...list, early: when }];
        }),
      ),
  );

const tier: fc.Arbitrary<TierPolicies> = fc.record({
  tier: fc.constantFrom('default', 'security'),
  defaultAction: fc.constantFrom('deny' as const, 'pass' as const),
  ingress: unique(policyIds),
  egress: unique(policyIds),
});

const tierLists: fc.Arbitrary<readonly TierPolicies[]> = few(tier, 2);

/** Floating addresses and limits follow from the rest, so that no other case is another one because of them. */
const LIMITS: readonly (TrafficLimits | undefined)[] = [
  undefined,
  { ingress: { packets: { rate: 100, burst: 5 } }, egress: {}, dscp: 46 },
  { ingress: {}, egress: { packets: { rate: 1, burst: 1 }, connections: 1 } },
  { ingress: { connections: 3 }, egress: {}, dscp: 10 },
];

function withMore<T extends Pick<EndpointPolicy, 'addresses' | 'allowedSources' | 'profiles'>>(parts: T) {
  const { addresses: own, allowedSources, profiles } = parts;
  const floating = own.flatMap((internal) =>
    addresses
      .slice(profiles.length, profiles.length + 2)
      .filter((external) => isIpv4(external) === isIpv4(internal))
      .map((external) => ({ external, internal })),
  );
  return { ...parts, floating, limits: LIMITS[(allowedSources.length + profiles.length) % LIMITS.length] };
}

const endpointParts = fc.record({
  addresses: unique<Ip>(addresses, 3),
  allowedSources: unique(ranges, 2),
  tiers: tierLists,
  profiles: unique(profileIds, 2),
});

const interfaceNames = ['cali0', 'cali1', 'caliabcdefghijk'];

const endpoints: fc.Arbitrary<ReadonlyMap<string, EndpointPolicy>> = fc
  .record({
    names: fc.shuffledSubarray(interfaceNames),
    ids: fc.shuffledSubarray(['default/a', 'default/b', 'default/c'], { minLength: 3, maxLength: 3 }),
    parts: fc.array(endpointParts, { minLength: 3, maxLength: 3 }),
  })
  .map(({ names, ids, parts }) => {
    const all = names.map((interfaceName, index): EndpointPolicy => {
      const part = parts[index] ?? {
        floating: [],
        limits: undefined,
        addresses: [],
        allowedSources: [],
        tiers: [],
        profiles: [],
      };
      return { id: ids[index] ?? '', interfaceName, mac: undefined, ...withMore(part) };
    });
    return new Map(all.map((endpoint) => [endpoint.id, endpoint]));
  });

const earlyTiers = (id: string, egress: boolean): fc.Arbitrary<readonly TierPolicies[]> =>
  fc
    .boolean()
    .map((is) => (is ? [{ tier: 'default', defaultAction: 'pass', ingress: [id], egress: egress ? [id] : [] }] : []));

const hosts: fc.Arbitrary<ReadonlyMap<string, HostEndpointPolicy>> = fc
  .uniqueArray(
    fc.record({
      id: fc.constantFrom('HostEndpoint//a', 'HostEndpoint//b'),
      interfaceName: fc.constantFrom('eth0', 'eth1', '*', undefined),
      expectedIps: unique<Ip>(addresses, 1),
      closed: fc.boolean(),
      untracked: earlyTiers('GlobalNetworkPolicy//untracked', true),
      preDnat: earlyTiers('GlobalNetworkPolicy//pre-dnat', false),
      forward: tierLists,
      normal: tierLists,
      profiles: unique(profileIds, 2),
    }),
    { maxLength: 2, selector: ({ id }) => id },
  )
  .map((all) => new Map(all.map((host) => [host.id, host])));

export const policyState: fc.Arbitrary<PolicyState> = fc.record({ sets, lists, endpoints, hosts }).map(onlyWhatIsUsed);

function setsOf(rule: CompiledRule): readonly IpSetId[] {
  return [rule.source, rule.destination].flatMap((each) => [
    ...each.ipSets,
    ...each.notIpSets,
    ...each.portSets,
    ...each.notPortSets,
  ]);
}

function onlyWhatIsUsed(state: PolicyState): PolicyState {
  const used = [...state.endpoints.values()].flatMap(({ tiers, profiles }) => [
    ...tiers.flatMap(({ ingress, egress }) => [...ingress, ...egress]),
    ...profiles,
  ]);
  for (const { untracked, preDnat, forward, normal, profiles } of state.hosts.values()) {
    const tiers = [...untracked, ...preDnat, ...forward, ...normal];
    used.push(...tiers.flatMap(({ ingress, egress }) => [...ingress, ...egress]), ...profiles);
  }
  const lists = new Map([...state.lists].filter(([id]) => used.includes(id)));
  const usedSets = [...lists.values()].flatMap(({ ingress, egress }) => [...ingress, ...egress].flatMap(setsOf));
  return { ...state, lists, sets: new Map([...state.sets].filter(([id]) => usedSets.includes(id))) };
}

function same(a: unknown, b: unknown): boolean {
  const print = (value: unknown): string =>
    JSON.stringify(value, (_key, each: unknown) => (typeof each === 'bigint' ? `${each}n` : each));
  return print(a) === print(b);
}

function lacking<T>(from: readonly T[], other: readonly T[], print: (item: T) => string): readonly T[] {
  const there = new Set(other.map(print));
  return from.filter((item) => !there.has(print(item)));
}

function changeOfSet(id: IpSetId, was: IpSetContent, is: IpSetContent): PolicyChange {
  const printRange = (cidr: Cidr): string => formatCidr(maskCidr(cidr));
  if (was.type === 'address' && is.type === 'address') {
    const added = lacking(is.members, was.members, formatIp);
    return { kind: 'set-changed', id, type: 'address', added, removed: lacking(was.members, is.members, formatIp) };
  }
  if (was.type === 'cidr' && is.type === 'cidr') {
    const added = lacking(is.members, was.members, printRange);
    return { kind: 'set-changed', id, type: 'cidr', added, removed: lacking(was.members, is.members, printRange) };
  }
  if (was.type === 'port' && is.type === 'port') {
    const added = lacking(is.members, was.members, printPortMember);
    return { kind: 'set-changed', id, type: 'port', added, removed: lacking(was.members, is.members, printPortMember) };
  }
  throw new Error(`set ${id} changed its type`);
}

/** In the order that the contract promises. */
export function computeChanges(from: PolicyState, to: PolicyState): readonly PolicyChange[] {
  const changes: PolicyChange[] = [];
  for (const id of from.endpoints.keys()) if (!to.endpoints.has(id)) changes.push({ kind: 'endpoint-removed', id });
  for (const id of from.hosts.keys()) if (!to.hosts.has(id)) changes.push({ kind: 'host-endpoint-removed', id });
  for (const [id, is] of to.sets) {
    const was = from.sets.get(id);
    if (was === undefined) changes.push({ kind: 'set-added', id, ...is });
    else if (!same(was, is)) changes.push(changeOfSet(id, was, is));
  }
  for (const [id, list] of to.lists) if (!same(from.lists.get(id), list)) changes.push({ kind: 'rules-set', list });
  for (const [id, endpoint] of to.endpoints) {
    if (!same(from.endpoints.get(id), endpoint)) changes.push({ kind: 'endpoint-set', endpoint });
  }
  for (const [id, endpoint] of to.hosts) {
    if (!same(from.hosts.get(id), endpoint)) changes.push({ kind: 'host-endpoint-set', endpoint });
  }
  for (const id of from.lists.keys()) if (!to.lists.has(id)) changes.push({ kind: 'rules-removed', id });
  for (const id of from.sets.keys()) if (!to.sets.has(id)) changes.push({ kind: 'set-removed', id });
  return changes;
}
