// Which policies apply to which local endpoints, and in which tiers and order.
import { formatSelector } from '../../selector/format.ts';
import type { LocalEndpoint, Policy } from '../index/local-endpoint.ts';
import { createPending } from '../index/pending.ts';
import { createTemplates, packPolicy, unpackPolicy } from '../index/policy-template.ts';
import { addToSmallSet, removeFromSmallSet, visitSmallSet } from '../index/small-set.ts';
import { createStringMap, deleteString, getString, type StringMap, setString } from '../index/string-map.ts';
import { blanketRule, isHostOnly, type PolicyInput, type TierInput } from '../types/input.ts';
import { isStaged, type RuleListId } from '../types/types.ts';
import { createGroupIndex } from './group-index.ts';
import { createSharedTierLists } from './shared-tiers.ts';

/** What changed since the last look. */
interface GroupChanges {
  /** Policies whose content or need may have changed. */
  readonly policies: ReadonlySet<RuleListId>;
  /** Endpoints whose tiers may have changed. */
  readonly endpoints: ReadonlySet<LocalEndpoint>;
}

export interface PolicyGroups {
  /** All that there are, and all tiers. */
  readonly policies: StringMap<Policy>;
  readonly tiers: ReadonlyMap<string, TierInput>;
  setPolicy(id: RuleListId, input: PolicyInput | undefined): void;
  setTier(name: string, tier: TierInput | undefined): void;
  addEndpoint(endpoint: LocalEndpoint): void;
  /** The labels are still the old ones. */
  removeEndpoint(endpoint: LocalEndpoint): void;
  /** Whether the rules of a policy are needed for workloads of this node. */
  isNeeded(id: RuleListId): boolean;
  /** A policy as it is in force; undefined when there is none. */
  findPolicy(id: RuleListId): PolicyInput | undefined;
  takeChanges(): GroupChanges;
}

/** Whether both have the same place in the lists of the same endpoints. */
function samePlacement({ template: a, selector }: Policy, b: PolicyInput): boolean {
  return (
    a.tier === b.tier &&
    a.order === b.order &&
    a.phase === b.phase &&
    (a.ingress === undefined) === (b.ingress === undefined) &&
    (a.egress === undefined) === (b.egress === undefined) &&
    (selector === b.selector || formatSelector(selector) === formatSelector(b.selector))
  );
}

/** The policy with nothing but a Deny, in its directions. */
function denyAll(input: PolicyInput): PolicyInput {
  const deny = [blanketRule('deny')];
  return { ...input, ingress: input.ingress && deny, egress: input.egress && deny };
}

export function createPolicyGroups(): PolicyGroups {
  const policies = createStringMap<Policy>();
  const tiers = new Map<string, TierInput>();
  const findTemplate = createTemplates();
  const groups = createGroupIndex();
  const sharedTiers = createSharedTierLists(tiers);
  const touchedPolicies = createPending<RuleListId>();

  const isClosed = (tier: string) => tiers.get(tier)?.closed ?? false;

  function leaveGroup(policy: Policy): void {
    const group = policy.group;
    if (group === undefined) return;
    sharedTiers.touchGroup(group);
    group.policies = removeFromSmallSet(group.policies, policy);
    if (group.policies === undefined) groups.close(group);
  }

  function joinGroup(id: RuleListId, input: PolicyInput): Policy {
    const group = isHostOnly(input) ? undefined : groups.open(input.selector, isStaged(id));
    const policy: Policy = { id, ...packPolicy(input, group?.selector ?? input.selector, findTemplate), group };
    if (group === undefined) return policy;
    group.policies = addToSmallSet(group.policies, policy);
    sharedTiers.touchGroup(group);
    return policy;
  }

  /** The same place with other content: nothing that endpoints know changes. */
  function replaceInput(policy: Policy, input: PolicyInput): Policy {
    const next: Policy = { ...policy, ...packPolicy(input, policy.selector, findTemplate) };
    if (policy.group !== undefined) {
      policy.group.policies = addToSmallSet(removeFromSmallSet(policy.group.policies, policy), next);
    }
    return next;
  }

  return {
    policies,
    tiers,
    setPolicy(id, input) {
      touchedPolicies.add(id);
      const known = getString(policies, id);
      if (known !== undefined && input !== undefined && samePlacement(known, input)) {
        setString(policies, id, replaceInput(known, input));
        return;
      }
      // The new group is joined first, so that a group both have in common is not closed and opened again.
      if (input === undefined) deleteString(policies, id);
      else setString(policies, id, joinGroup(id, input));
      if (known !== undefined) leaveGroup(known);
    },
    setTier(name, tier) {
      const wasClosed = isClosed(name);
      if (tier === undefined) tiers.delete(name);
      else tiers.set(name, tier);
      sharedTiers.touchAll();
      if (wasClosed === isClosed(name)) return;
      for (const policy of policies.values) if (policy.template.tier === name) touchedPolicies.add(policy.id);
    },
    addEndpoint: (endpoint) => groups.addEndpoint(endpoint),
    removeEndpoint(endpoint) {
      groups.removeEndpoint(endpoint);
      sharedTiers.remove(endpoint);
    },
    isNeeded(id) {
      const policy = getString(policies, id);
      const { group, template } = policy ?? {};
      return group !== undefined && (group.endpoints !== undefined || template?.neededEverywhere === true);
    },
    findPolicy(id) {
      const policy = getString(policies, id);
      if (policy === undefined) return undefined;
      const input = unpackPolicy(policy);
      return isClosed(input.tier) ? denyAll(input) : input;
    },
    takeChanges() {
      const touched = groups.takeChanges();
      for (const group of touched.groups)
        visitSmallSet(group.policies, (policy) => void touchedPolicies.add(policy.id));
      for (const endpoint of touched.endpoints) sharedTiers.place(endpoint);
      const reordered = sharedTiers.refresh();
      const endpoints = reordered.length === 0 ? touched.endpoints : touched.endpoints.union(new Set(reordered));
      return { policies: touchedPolicies.take(), endpoints };
    },
  };
}
