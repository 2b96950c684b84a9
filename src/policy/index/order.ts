// In which order tiers and policies are evaluated (Calico v3.33, felix/calc/policy_sorter.go).
import { type TierInput, UNKNOWN_TIER } from '../types/input.ts';
import { isStaged, type RuleListId, type TierPolicies } from '../types/types.ts';
import type { PolicyTemplate } from './policy-template.ts';

/** A policy as it takes its place among others. */
export interface PlacedPolicy {
  readonly id: RuleListId;
  readonly template: PolicyTemplate;
}

/** `<name>/<namespace>/<kind>`, by which policies of equal order are sorted; one on trial comes before the one it is a trial of. */
function tieBreaker(id: RuleListId): string {
  const [kind, ...rest] = id.split('/');
  return [...rest.reverse(), isStaged(id) ? '' : kind].join('/');
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function compareNumbers(a: number, b: number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function sortPolicies(policies: readonly PlacedPolicy[]): readonly PlacedPolicy[] {
  const keyed = policies.map((policy) => ({ policy, order: policy.template.order, tie: tieBreaker(policy.id) }));
  keyed.sort((a, b) => compareNumbers(a.order, b.order) || compareTexts(a.tie, b.tie));
  return keyed.map(({ policy }) => policy);
}

/**
 * Where a tier stands: one whose place is not known comes before all, then those that exist by order, and a policy in a
 * tier that does not exist is enforced after them.
 */
function placeOfTier(name: string, tier: TierInput | undefined): readonly [rank: number, order: number] {
  if (name === UNKNOWN_TIER || tier?.closed) return [0, 0];
  return tier === undefined ? [2, 0] : [1, tier.order];
}

function compareTiers(tiers: ReadonlyMap<string, TierInput>, a: string, b: string): number {
  const [rankA, orderA] = placeOfTier(a, tiers.get(a));
  const [rankB, orderB] = placeOfTier(b, tiers.get(b));
  return rankA - rankB || compareNumbers(orderA, orderB) || compareTexts(a, b);
}

/** The policies by tier in order of evaluation. A tier that does not exist ends in deny. */
export function computeTiers(
  policies: readonly PlacedPolicy[],
  tiers: ReadonlyMap<string, TierInput>,
): readonly TierPolicies[] {
  const names = [...new Set(policies.map((policy) => policy.template.tier))];
  names.sort((a, b) => compareTiers(tiers, a, b));
  const byTier = Map.groupBy(policies, (policy) => policy.template.tier);
  return names
    .map((tier) => {
      const sorted = sortPolicies(byTier.get(tier) ?? []);
      return {
        tier,
        defaultAction: tiers.get(tier)?.defaultAction ?? ('deny' as const),
        ingress: sorted.filter((policy) => policy.template.ingress !== undefined).map((policy) => policy.id),
        egress: sorted.filter((policy) => policy.template.egress !== undefined).map((policy) => policy.id),
      };
    })
    .filter((tier) => tier.ingress.length + tier.egress.length > 0);
}
