// What policy says about one packet, straight from the resources: slow, short and independent of the calculation, so
// that each can be held against the other. It is also the answer to "why".
import type { Ip } from '../../net/ip.ts';
import {
  BUILT_IN_PROFILES,
  blanketRule,
  type EndpointInput,
  isHostOnly,
  type PolicyInput,
  type PolicyPhase,
  type RuleInput,
  UNKNOWN_TIER,
} from '../types/input.ts';
import type { Direction, RuleListId } from '../types/types.ts';
import { matchesRule, type Packet } from './packet.ts';
import type { PolicySnapshot } from './snapshot.ts';
import { satisfies } from './snapshot-labels.ts';

/** Why a packet is let through or dropped at one end. Rules are counted from 0 in their direction of the resource. */
export type Reason =
  | { readonly kind: 'rule'; readonly tier: string; readonly policy: RuleListId; readonly rule: number }
  | { readonly kind: 'end-of-tier'; readonly tier: string }
  | { readonly kind: 'profile-rule'; readonly profile: string; readonly rule: number }
  | { readonly kind: 'missing-profile'; readonly profile: string }
  | { readonly kind: 'no-profile-matched' }
  | { readonly kind: 'unknown-endpoint'; readonly id: string }
  /** Whether the policy applies to the endpoint depends on labels that could not be read. */
  | { readonly kind: 'unknown-labels'; readonly policy: RuleListId }
  /** The address belongs to no workload, so workload policy has no say. */
  | { readonly kind: 'no-workload' }
  /** A failsafe port of a host endpoint. */
  | { readonly kind: 'failsafe' }
  /** Forwarded by a host whose endpoints have no policy about that. */
  | { readonly kind: 'no-forward-policy' };

export interface Verdict {
  readonly action: 'allow' | 'deny';
  readonly reason: Reason;
}

/** A packet passes when both ends allow it. */
export interface FlowVerdict {
  readonly allowed: boolean;
  /** At the source, on its way out. */
  readonly egress: Verdict;
  /** At the destination, on its way in. */
  readonly ingress: Verdict;
}

/** Endpoint ids where the addresses do not tell (or lie): an id that does not exist is an unknown interface. */
export interface FlowEnds {
  readonly source?: string;
  readonly destination?: string;
}

/** The verdict on the first packet of a connection, at both ends. */
export function computeVerdict(packet: Packet, snapshot: PolicySnapshot, ends: FlowEnds = {}): FlowVerdict {
  const egress = verdictAt('egress', ends.source ?? workloadOf(packet.source, snapshot), packet, snapshot);
  const ingress = verdictAt('ingress', ends.destination ?? workloadOf(packet.destination, snapshot), packet, snapshot);
  return { allowed: egress.action === 'allow' && ingress.action === 'allow', egress, ingress };
}

/** The workload with an address; the first by id if several have it. */
function workloadOf(address: Ip, snapshot: PolicySnapshot): string | undefined {
  const ids = [...snapshot.endpoints].filter(([, endpoint]) => endpoint.addresses.includes(address)).map(([id]) => id);
  return ids.filter((id) => !id.startsWith('HostEndpoint/')).sort()[0];
}

function verdictAt(direction: Direction, id: string | undefined, packet: Packet, snapshot: PolicySnapshot): Verdict {
  if (id === undefined) return { action: 'allow', reason: { kind: 'no-workload' } };
  const endpoint = snapshot.endpoints.get(id);
  if (endpoint === undefined) return { action: 'deny', reason: { kind: 'unknown-endpoint', id } };
  const undecided = [...snapshot.policies].find(
    ([, policy]) => !isHostOnly(policy) && satisfies(endpoint, policy.selector, snapshot) === undefined,
  );
  if (undecided !== undefined) return { action: 'deny', reason: { kind: 'unknown-labels', policy: undecided[0] } };
  return (
    verdictOfTiers(direction, endpoint, packet, snapshot) ?? verdictOfProfiles(direction, endpoint, packet, snapshot)
  );
}

type Outcome = { readonly action: 'allow' | 'deny' | 'pass'; readonly rule: number } | undefined;

/** What a rule says; one that may match, for all that is known, lets nothing through. */
function actionOf(rule: RuleInput, packet: Packet, snapshot: PolicySnapshot): RuleInput['action'] | undefined {
  const matched = matchesRule(rule, packet, snapshot);
  if (matched === true) return rule.action;
  return matched === undefined && (rule.action === 'deny' || rule.action === 'pass') ? 'deny' : undefined;
}

/** The first rule that decides; undefined when none does. */
function decide(rules: readonly RuleInput[], packet: Packet, snapshot: PolicySnapshot): Outcome {
  for (const rule of rules) {
    const action = actionOf(rule, packet, snapshot);
    if (action !== undefined && action !== 'log') return { action, rule: rule.index };
  }
  return undefined;
}

export interface ApplicablePolicy {
  readonly id: RuleListId;
  readonly policy: PolicyInput;
  readonly rules: readonly RuleInput[];
}

/** Which policies are asked, and whether a tier leaves open what none of them decides. */
export interface PolicyScope {
  readonly phases: readonly PolicyPhase[];
  readonly passesOn: boolean;
}

/** What a workload, and a program of a host, has. */
export const NORMAL_SCOPE: PolicyScope = { phases: ['normal', 'forward'], passesOn: false };

/** The policies that apply to the endpoint in a direction, in order: by order, then by name, namespace and kind. */
export function applicablePolicies(
  direction: Direction,
  endpoint: EndpointInput,
  snapshot: PolicySnapshot,
  { phases }: PolicyScope = NORMAL_SCOPE,
) {
  const applicable: ApplicablePolicy[] = [];
  for (const [id, policy] of snapshot.policies) {
    const rules = policy[direction];
    if (
      rules === undefined ||
      !phases.includes(policy.phase) ||
      satisfies(endpoint, policy.selector, snapshot) !== true
    )
      continue;
    applicable.push({ id, policy, rules: snapshot.tiers.get(policy.tier)?.closed ? [blanketRule('deny')] : rules });
  }
  const place = (id: RuleListId) => {
    const [kind, namespace, name] = id.split('/');
    return `${name}/${namespace}/${kind}`;
  };
  return applicable.sort((a, b) =>
    a.policy.order === b.policy.order ? (place(a.id) < place(b.id) ? -1 : 1) : a.policy.order - b.policy.order,
  );
}

/** Tiers that apply, in order; those whose place is not known come first, and those that do not exist last. */
export function tierOrder(policies: readonly ApplicablePolicy[], snapshot: PolicySnapshot): readonly string[] {
  const all = [...new Set(policies.map(({ policy }) => policy.tier))].sort();
  const placeless = all.filter((name) => name === UNKNOWN_TIER || snapshot.tiers.get(name)?.closed);
  const names = all.filter((name) => !placeless.includes(name));
  const known = names.filter((name) => snapshot.tiers.has(name));
  const orderOf = (name: string) => snapshot.tiers.get(name)?.order ?? Number.POSITIVE_INFINITY;
  known.sort((a, b) => (orderOf(a) === orderOf(b) ? 0 : orderOf(a) - orderOf(b)));
  return [...placeless, ...known, ...names.filter((name) => !snapshot.tiers.has(name))];
}

/** Undefined when every tier passes the packet on. */
export function verdictOfTiers(
  direction: Direction,
  endpoint: EndpointInput,
  packet: Packet,
  snapshot: PolicySnapshot,
  scope: PolicyScope = NORMAL_SCOPE,
): Verdict | undefined {
  const policies = applicablePolicies(direction, endpoint, snapshot, scope);
  for (const tier of tierOrder(policies, snapshot)) {
    let passed = scope.passesOn || snapshot.tiers.get(tier)?.defaultAction === 'pass';
    for (const { id, rules } of policies.filter(({ policy }) => policy.tier === tier)) {
      const outcome = decide(rules, packet, snapshot);
      if (outcome === undefined) continue;
      if (outcome.action !== 'pass') {
        return { action: outcome.action, reason: { kind: 'rule', tier, policy: id, rule: outcome.rule } };
      }
      passed = true;
      break;
    }
    if (!passed) return { action: 'deny', reason: { kind: 'end-of-tier', tier } };
  }
  return undefined;
}

export function verdictOfProfiles(
  direction: Direction,
  endpoint: EndpointInput,
  packet: Packet,
  snapshot: PolicySnapshot,
): Verdict {
  for (const profile of endpoint.profiles) {
    const rules = (snapshot.profiles.get(profile) ?? BUILT_IN_PROFILES.get(profile))?.[direction];
    if (rules === undefined) return { action: 'deny', reason: { kind: 'missing-profile', profile } };
    const outcome = decide(rules, packet, snapshot);
    if (outcome === undefined || outcome.action === 'pass') continue;
    return { action: outcome.action, reason: { kind: 'profile-rule', profile, rule: outcome.rule } };
  }
  return { action: 'deny', reason: { kind: 'no-profile-matched' } };
}
