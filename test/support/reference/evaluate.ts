// A reference for policy: what Calico's documentation says becomes of a packet at an endpoint, from the stored resources
// alone. Nothing of the calculation, the firewall or what they are built on has a part in it.
import {
  type Endpoint,
  type Policy,
  type Profile,
  type Resource,
  type Rule,
  resourcesOf,
  type Tier,
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

/** What a policy is about: all that an endpoint has to do with; of a host, also or only what it forwards, and when. */
type Stage = 'usual' | 'forwarded' | 'untracked' | 'untranslated';

function isOf(stage: Stage, { doNotTrack = false, preDNAT = false, applyOnForward = false }: Policy['spec']): boolean {
  if (stage === 'untracked') return doNotTrack;
  if (stage === 'untranslated') return preDNAT;
  return !doNotTrack && !preDNAT && (stage === 'usual' || applyOnForward);
}

function appliesTo(policy: Policy, endpoint: Endpoint, resources: readonly Resource[]): boolean {
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

/** Where and when a packet is looked at. */
export interface View {
  readonly endpoint: Endpoint;
  readonly direction: Direction;
  readonly packet: ReferencePacket;
  readonly resources: readonly Resource[];
}

/** What the policies of a tier say; at the end of one that has any, its default action, but not where packets come first. */
function decideTier(tier: Tier, policies: readonly Policy[], stage: Stage, view: View): Decision {
  for (const { metadata, spec } of policies) {
    const scope = { namespace: metadata.namespace, resources: view.resources };
    const decision = decide(spec[view.direction] ?? [], view.packet, scope);
    if (decision !== undefined) return decision;
  }
  const isFirst = stage === 'untracked' || stage === 'untranslated';
  return policies.length === 0 || isFirst ? 'Pass' : (tier.spec.defaultAction ?? 'Deny');
}

function policiesFor(stage: Stage, { endpoint, direction, resources }: View): readonly Policy[] {
  return resourcesOf<Policy>(resources, 'NetworkPolicy', 'GlobalNetworkPolicy').filter(
    (policy) => isOf(stage, policy.spec) && appliesTo(policy, endpoint, resources) && isFor(direction, policy.spec),
  );
}

/** Undefined when every tier passes the packet on. */
function decideTiers(stage: Stage, view: View): 'Allow' | 'Deny' | undefined {
  const policies = policiesFor(stage, view);
  for (const tier of tiersOf(policies, view.resources)) {
    const own = inOrder(policies.filter(({ spec }) => (spec.tier ?? 'default') === tier.metadata.name));
    const decision = decideTier(tier, own, stage, view);
    if (decision !== 'Pass') return decision;
  }
  return undefined;
}

/** One after the other; a profile that is not there denies, and so does the end. */
function decideProfiles({ endpoint, direction, packet, resources }: View): 'Allow' | 'Deny' {
  const profiles = resourcesOf<Profile>(resources, 'Profile');
  for (const name of endpoint.spec.profiles ?? []) {
    const profile = profiles.find(({ metadata }) => metadata.name === name);
    if (profile === undefined) return 'Deny';
    const decision = decide(profile.spec[direction] ?? [], packet, { namespace: undefined, resources });
    if (decision === 'Allow' || decision === 'Deny') return decision;
  }
  return 'Deny';
}

/** Whether the endpoint lets the packet out (egress) or takes it (ingress), as its own end. */
export function isLetThrough(view: View): boolean {
  return (decideTiers('usual', view) ?? decideProfiles(view)) === 'Allow';
}

/** Ports of others that a host reaches whatever its policy says (FelixConfiguration, failsafeOutboundHostPorts): DNS is of them. */
function isFailsafe({ direction, packet }: View): boolean {
  return direction === 'egress' && packet.protocol === 17 && packet.destinationPort === 53;
}

/** What a packet is to the host: its own, to or from elsewhere or a workload of its own, or one that it forwards. */
export type Way = 'own' | 'of its workload' | 'forwarded';

/**
 * Whether a host endpoint lets through what comes in by its interface or leaves by it: first untracked policy, which is not for
 * all interfaces and not for what leaves after being forwarded, then that before translation, for what comes in. Whatever
 * these allow is looked at no further. Of what is forwarded no policy is enough. Between a host and its workloads there is
 * policy before translation alone.
 */
export function isLetThroughHost(view: View, way: Way): boolean {
  const { endpoint, direction } = view;
  const isAll = endpoint.kind === 'HostEndpoint' && endpoint.spec.interfaceName === '*';
  if (way === 'own' && isFailsafe(view)) return true;
  const comesIn = direction === 'ingress';
  const first =
    (!isAll && (comesIn || way !== 'forwarded') ? decideTiers('untracked', view) : undefined) ??
    (comesIn ? decideTiers('untranslated', view) : undefined);
  if (first !== undefined) return first === 'Allow';
  if (way === 'of its workload') return true;
  return way === 'forwarded' ? decideTiers('forwarded', view) !== 'Deny' : isLetThrough(view);
}
