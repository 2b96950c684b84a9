// Endpoints that no policy can distinguish are one kind: the same selectors match them, the same ranges hold their addresses,
// they have the same profiles and named ports. What holds of one pair holds of every pair of the same kinds.
import { cidrContains, formatCidr } from '../../net/cidr.ts';
import { familyOf, type Ip } from '../../net/ip.ts';
import type { PolicySnapshot } from '../../policy/oracle/snapshot.ts';
import { satisfies } from '../../policy/oracle/snapshot-labels.ts';
import type { EndpointInput, RuleInput } from '../../policy/types/input.ts';
import { formatSelector } from '../../selector/format.ts';
import { isHostEndpoint } from '../resolve.ts';

/** Ids of workload endpoints, at least one. */
export type EndpointKind = readonly [first: string, ...others: string[]];

/** Every rule of policies and profiles. */
export function rulesOf({ policies, profiles }: PolicySnapshot): readonly RuleInput[] {
  return [...policies.values(), ...profiles.values()].flatMap(({ ingress = [], egress = [] }) => [
    ...ingress,
    ...egress,
  ]);
}

function unique<T>(values: readonly T[], keyOf: (value: T) => string): readonly T[] {
  return [...new Map(values.map((value) => [keyOf(value), value])).values()];
}

function selectorsOf(snapshot: PolicySnapshot) {
  const sides = rulesOf(snapshot).flatMap(({ source, destination }) => [source, destination]);
  const inRules = sides.flatMap(({ selector, notSelector }) => [selector, notSelector]);
  const all = [...[...snapshot.policies.values()].map(({ selector }) => selector), ...inRules];
  return unique(
    all.filter((selector) => selector !== undefined),
    formatSelector,
  );
}

function netsOf(snapshot: PolicySnapshot) {
  const sides = rulesOf(snapshot).flatMap(({ source, destination }) => [source, destination]);
  const inRules = sides.flatMap(({ nets, notNets }) => [...nets, ...notNets]);
  return unique([...inRules, ...[...snapshot.networkSets.values()].flatMap(({ nets }) => nets)], formatCidr);
}

/** One address of each family is looked at. */
export function addressesOf({ addresses }: EndpointInput): readonly Ip[] {
  return ([4, 6] as const).flatMap((family) => addresses.find((address) => familyOf(address) === family) ?? []);
}

/** What policy can see of an endpoint in one state of the cluster; equal for endpoints that are treated alike. */
function createSignature(snapshot: PolicySnapshot): (id: string) => string {
  const [selectors, nets] = [selectorsOf(snapshot), netsOf(snapshot)];
  return (id) => {
    const endpoint = snapshot.endpoints.get(id);
    if (endpoint === undefined) return '';
    const { profiles, ports, partial } = endpoint;
    const matched = selectors.map((selector) => satisfies(endpoint, selector, snapshot) ?? null);
    const held = addressesOf(endpoint).map((ip) => [familyOf(ip), nets.map((net) => cidrContains(net, ip))]);
    return JSON.stringify([profiles, ports, partial, matched, held]);
  };
}

/** Those that both states distinguish from all others; `ids` are in both. The largest come first. */
export function groupEndpoints(
  ids: readonly string[],
  before: PolicySnapshot,
  after: PolicySnapshot,
): readonly EndpointKind[] {
  const [first, second] = [createSignature(before), createSignature(after)];
  const groups = Map.groupBy(ids, (id) => `${first(id)} ${second(id)}`);
  return [...groups.values()]
    .flatMap((group): readonly EndpointKind[] => {
      const [one, ...others] = group;
      return one === undefined ? [] : [[one, ...others]];
    })
    .sort((a, b) => b.length - a.length);
}

/** Workload endpoints of both states, by id, whose interfaces policy judges; one that cannot be read is closed anyway. */
export function commonEndpoints(before: PolicySnapshot, after: PolicySnapshot): readonly string[] {
  const isJudged = (id: string) => [before, after].every(({ endpoints }) => endpoints.get(id)?.local !== undefined);
  return [...before.endpoints.keys()].filter((id) => isJudged(id) && !isHostEndpoint(id)).sort();
}
