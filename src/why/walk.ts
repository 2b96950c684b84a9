// How a packet fares at one endpoint, step by step: the tiers, policies and profiles that were asked, and the rules that were
// looked at in each. The verdict in it is the same as the oracle's, which a test holds.
import type { Truth } from '../base/truth.ts';
import { matchesRule, type Packet } from '../policy/oracle/packet.ts';
import type { PolicySnapshot } from '../policy/oracle/snapshot.ts';
import { satisfies } from '../policy/oracle/snapshot-labels.ts';
import {
  type ApplicablePolicy,
  applicablePolicies,
  NORMAL_SCOPE,
  type PolicyScope,
  type Reason,
  tierOrder,
  type Verdict,
} from '../policy/oracle/verdict.ts';
import {
  BUILT_IN_PROFILES,
  type EndpointInput,
  isHostOnly,
  type PolicyInput,
  type PolicyPhase,
  type RuleInput,
} from '../policy/types/input.ts';
import type { Direction, RuleAction, RuleListId } from '../policy/types/types.ts';
import type { Selector } from '../selector/selector.ts';
import { type Condition, listConditions } from './conditions.ts';
import type { HostReason } from './hosts.ts';

export interface RuleStep {
  /** Place in the resource's list, from 0. */
  readonly index: number;
  readonly action: RuleAction;
  /** Undefined when it depends on what cannot be read: an Allow then allows nothing, another action denies. */
  readonly matched: Truth;
  readonly conditions: readonly Condition[];
  /** Annotations of the rule. */
  readonly comment: string | undefined;
}

/** The rules of one direction, up to the one that decided. */
export interface RulesStep {
  readonly rules: readonly RuleStep[];
  /** How many there are. */
  readonly total: number;
  /** Undefined when no rule decided. `allow` and `deny` are what became of it, also where that is unknown. */
  readonly decision: { readonly action: 'allow' | 'deny' | 'pass'; readonly rule: number } | undefined;
}

interface PolicyStep extends RulesStep {
  readonly id: RuleListId;
  readonly order: number;
  /** Which endpoints it applies to; it applies to this one. */
  readonly selector: Selector;
}

export interface TierStep {
  readonly tier: string;
  /** Of a host endpoint: which of its policies were asked. */
  readonly phase?: PolicyPhase;
  /** Undefined for a tier that does not exist, which ends in deny. */
  readonly order: number | undefined;
  readonly defaultAction: 'deny' | 'pass';
  readonly policies: readonly PolicyStep[];
  readonly end: 'allow' | 'deny' | 'pass' | 'default-deny' | 'default-pass';
}

export interface ProfileStep extends RulesStep {
  readonly profile: string;
  readonly exists: boolean;
}

/** By policy, or by the host itself. */
export interface WalkVerdict {
  readonly action: Verdict['action'];
  readonly reason: Reason | HostReason;
}

export interface Walk {
  readonly direction: Direction;
  /** Id of the endpoint; undefined where there is none at the address. */
  readonly endpoint: string | undefined;
  readonly tiers: readonly TierStep[];
  /** Empty when a tier has decided. */
  readonly profiles: readonly ProfileStep[];
  readonly verdict: WalkVerdict;
}

function decisionOf({ action, index }: RuleInput, matched: Truth): RulesStep['decision'] {
  if (matched === false || action === 'log') return undefined;
  if (matched === true) return { action, rule: index };
  return action === 'allow' ? undefined : { action: 'deny', rule: index };
}

function walkRules(rules: readonly RuleInput[], packet: Packet, snapshot: PolicySnapshot): RulesStep {
  const steps: RuleStep[] = [];
  for (const rule of rules) {
    const matched = matchesRule(rule, packet, snapshot);
    const { index, action, comment } = rule;
    steps.push({ index, action, matched, comment, conditions: listConditions(rule, packet, snapshot) });
    const decision = decisionOf(rule, matched);
    if (decision !== undefined) return { rules: steps, total: rules.length, decision };
  }
  return { rules: steps, total: rules.length, decision: undefined };
}

function walkTier(
  tier: string,
  policies: readonly ApplicablePolicy[],
  packet: Packet,
  snapshot: PolicySnapshot,
  { passesOn }: PolicyScope,
): TierStep {
  const known = snapshot.tiers.get(tier);
  const defaultAction = passesOn ? 'pass' : (known?.defaultAction ?? 'deny');
  const steps: PolicyStep[] = [];
  const end = (how: TierStep['end']): TierStep => ({
    tier,
    order: known?.order,
    defaultAction,
    policies: steps,
    end: how,
  });
  for (const { id, policy, rules } of policies) {
    const { order, selector } = policy;
    const step = { id, order, selector, ...walkRules(rules, packet, snapshot) };
    steps.push(step);
    if (step.decision !== undefined) return end(step.decision.action);
  }
  return end(defaultAction === 'pass' ? 'default-pass' : 'default-deny');
}

/** Up to the tier that decides. */
export function walkTiers(
  direction: Direction,
  endpoint: EndpointInput,
  packet: Packet,
  snapshot: PolicySnapshot,
  scope: PolicyScope = NORMAL_SCOPE,
): readonly TierStep[] {
  const policies = applicablePolicies(direction, endpoint, snapshot, scope);
  const steps: TierStep[] = [];
  for (const tier of tierOrder(policies, snapshot)) {
    const own = policies.filter(({ policy }) => policy.tier === tier);
    const step = walkTier(tier, own, packet, snapshot, scope);
    steps.push(step);
    if (step.end !== 'pass' && step.end !== 'default-pass') break;
  }
  return steps;
}

export function verdictOfTier({ tier, end, policies }: TierStep): Verdict | undefined {
  if (end === 'default-deny') return { action: 'deny', reason: { kind: 'end-of-tier', tier } };
  const last = policies.at(-1);
  if (last?.decision === undefined || (end !== 'allow' && end !== 'deny')) return undefined;
  return { action: end, reason: { kind: 'rule', tier, policy: last.id, rule: last.decision.rule } };
}

/** Up to the profile that decides. */
export function walkProfiles(direction: Direction, endpoint: EndpointInput, packet: Packet, snapshot: PolicySnapshot) {
  const steps: ProfileStep[] = [];
  for (const profile of endpoint.profiles) {
    const known = snapshot.profiles.get(profile) ?? BUILT_IN_PROFILES.get(profile);
    const step = { profile, exists: known !== undefined, ...walkRules(known?.[direction] ?? [], packet, snapshot) };
    steps.push(step);
    if (!step.exists || (step.decision !== undefined && step.decision.action !== 'pass')) break;
  }
  return steps;
}

export function verdictOfProfiles(steps: readonly ProfileStep[]): Verdict {
  const last = steps.at(-1);
  if (last?.exists === false) return { action: 'deny', reason: { kind: 'missing-profile', profile: last.profile } };
  if (last?.decision === undefined || last.decision.action === 'pass')
    return { action: 'deny', reason: { kind: 'no-profile-matched' } };
  const { action, rule } = last.decision;
  return { action, reason: { kind: 'profile-rule', profile: last.profile, rule } };
}

/** A policy of which nobody knows whether it applies to the endpoint. */
export function findUnknown(
  endpoint: EndpointInput,
  snapshot: PolicySnapshot,
  isAsked: (policy: PolicyInput) => boolean,
): RuleListId | undefined {
  const match = [...snapshot.policies].find(
    ([, policy]) => isAsked(policy) && satisfies(endpoint, policy.selector, snapshot) === undefined,
  );
  return match?.[0];
}

/** The walk of a packet at the endpoint with this id; undefined for an address that no workload has. */
export function walkEndpoint(
  direction: Direction,
  id: string | undefined,
  packet: Packet,
  snapshot: PolicySnapshot,
): Walk {
  const base = { direction, endpoint: id, tiers: [], profiles: [] };
  if (id === undefined) return { ...base, verdict: { action: 'allow', reason: { kind: 'no-workload' } } };
  const endpoint = snapshot.endpoints.get(id);
  if (endpoint === undefined) return { ...base, verdict: { action: 'deny', reason: { kind: 'unknown-endpoint', id } } };
  const policy = findUnknown(endpoint, snapshot, (one) => !isHostOnly(one));
  if (policy !== undefined) return { ...base, verdict: { action: 'deny', reason: { kind: 'unknown-labels', policy } } };
  const tiers = walkTiers(direction, endpoint, packet, snapshot);
  const last = tiers.at(-1);
  const decided = last === undefined ? undefined : verdictOfTier(last);
  if (decided !== undefined) return { ...base, tiers, verdict: decided };
  const profiles = walkProfiles(direction, endpoint, packet, snapshot);
  return { ...base, tiers, profiles, verdict: verdictOfProfiles(profiles) };
}
