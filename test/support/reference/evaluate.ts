// A reference for policy: what Calico's documentation says becomes of a packet at an endpoint, from the stored resources
// alone. Nothing of the calculation, the firewall or what they are built on has a part in it.
import {
  type Policy,
  type Profile,
  type Resource,
  type Rule,
  resourcesOf,
  type Tier,
  type Workload,
} from './resources.ts';
import { inNamespaces, labelsOf, type ReferencePacket, ruleMatches, type Scope } from './rule-match.ts';
import { selects } from './selectors.ts';

export type Direction = 'ingress' | 'egress';
type Decision = 'Allow' | 'Deny' | 'Pass';

/** The first rule that decides; Log goes on. */
function decide(rules: readonly Rule[], packet: ReferencePacket, scope: Scope): Decision | undefined {
  const match = rules.find(
    ({ action, ...rule }) => action !== 'Log' && ruleMatches({ action, ...rule }, packet, scope),
  );
  return match === undefined || match.action === 'Log' ? undefined : match.action;
}

/** Without types: Egress where there are egress rules, Ingress where there are ingress rules or no others. */
function isFor(direction: Direction, { types, ingress = [], egress = [] }: Policy['spec']): boolean {
  if (types !== undefined && types.length > 0) return types.some((type) => type.toLowerCase() === direction);
  return direction === 'egress' ? egress.length > 0 : ingress.length > 0 || egress.length === 0;
}

function appliesTo(policy: Policy, endpoint: Workload, resources: readonly Resource[]): boolean {
  const { namespace } = policy.metadata;
  if (namespace !== undefined && namespace !== endpoint.metadata.namespace) return false;
  const { selector, namespaceSelector } = policy.spec;
  return (
    (namespaceSelector === undefined || inNamespaces(namespaceSelector, endpoint.metadata.namespace)) &&
    selects(selector, labelsOf(endpoint, resources))
  );
}

const byText = (a: string, b: string) => (a === b ? 0 : a < b ? -1 : 1);
const byOrder = (a: number | undefined, b: number | undefined) => {
  const [first, second] = [a ?? Number.POSITIVE_INFINITY, b ?? Number.POSITIVE_INFINITY];
  return first === second ? 0 : first - second;
};

/** By order; those without one last, and of the same by name, namespace and kind. */
function inOrder(policies: readonly Policy[]): readonly Policy[] {
  const place = ({ kind, metadata }: Policy) => `${metadata.name}/${metadata.namespace ?? ''}/${kind}`;
  return policies.toSorted((a, b) => byOrder(a.spec.order, b.spec.order) || byText(place(a), place(b)));
}

/** In their order; policies of a tier that is not there come last, in one that denies at its end. */
function tiersOf(policies: readonly Policy[], resources: readonly Resource[]): readonly Tier[] {
  const tiers = resourcesOf<Tier>(resources, 'Tier').toSorted(
    (a, b) => byOrder(a.spec.order, b.spec.order) || byText(a.metadata.name, b.metadata.name),
  );
  const known = new Set(tiers.map(({ metadata }) => metadata.name));
  const missing = [...new Set(policies.map(({ spec }) => spec.tier ?? 'default'))].filter((name) => !known.has(name));
  return [
    ...tiers,
    ...missing
      .sort()
      .map((name): Tier => ({ apiVersion: 'projectcalico.org/v3', kind: 'Tier', metadata: { name }, spec: {} })),
  ];
}

/** What the policies of a tier say; at the end of one that has any, its default action. */
function decideTier(
  tier: Tier,
  policies: readonly Policy[],
  direction: Direction,
  packet: ReferencePacket,
  resources: readonly Resource[],
): Decision {
  for (const { metadata, spec } of policies) {
    const decision = decide(spec[direction] ?? [], packet, { namespace: metadata.namespace, resources });
    if (decision !== undefined) return decision;
  }
  return policies.length === 0 ? 'Pass' : (tier.spec.defaultAction ?? 'Deny');
}

/** One after the other; a profile that is not there denies, and so does the end. */
function decideProfiles(
  endpoint: Workload,
  direction: Direction,
  packet: ReferencePacket,
  resources: readonly Resource[],
): boolean {
  const profiles = resourcesOf<Profile>(resources, 'Profile');
  for (const name of endpoint.spec.profiles ?? []) {
    const profile = profiles.find(({ metadata }) => metadata.name === name);
    if (profile === undefined) return false;
    const decision = decide(profile.spec[direction] ?? [], packet, { namespace: undefined, resources });
    if (decision === 'Allow' || decision === 'Deny') return decision === 'Allow';
  }
  return false;
}

/** Whether the endpoint lets the packet out (egress) or takes it (ingress). */
export function isLetThrough(
  endpoint: Workload,
  direction: Direction,
  packet: ReferencePacket,
  resources: readonly Resource[],
): boolean {
  const policies = resourcesOf<Policy>(resources, 'NetworkPolicy', 'GlobalNetworkPolicy').filter(
    (policy) => appliesTo(policy, endpoint, resources) && isFor(direction, policy.spec),
  );
  for (const tier of tiersOf(policies, resources)) {
    const own = inOrder(policies.filter(({ spec }) => (spec.tier ?? 'default') === tier.metadata.name));
    const decision = decideTier(tier, own, direction, packet, resources);
    if (decision !== 'Pass') return decision === 'Allow';
  }
  return decideProfiles(endpoint, direction, packet, resources);
}
