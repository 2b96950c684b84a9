// Which policies apply to which local endpoints. Policies with one selector are one group, and endpoints that the same
// groups select share one list of tiers, so that thousands of policies on hundreds of endpoints cost no product of both.
import { sameContent } from '../base/equal.ts';
import { formatSelector } from '../selector/format.ts';
import type { Selector } from '../selector/selector.ts';
import { addToBag, type Bag, bagItems, removeFromBag } from './bag.ts';
import type { PolicyInput, TierInput } from './input.ts';
import { createLabelIndex, type IndexedItem, newPlace, type Place } from './label-index.ts';
import { computeTiers, type PlacedPolicy } from './order.ts';
import type { RuleListId, TierPolicies } from './types.ts';

/** All policies with one selector. */
export interface PolicyGroup {
  readonly key: string;
  readonly serial: number;
  readonly selector: Selector;
  readonly place: Place;
  policies: Bag<Policy>;
  endpoints: Bag<SelectedEndpoint>;
  selections: Bag<Selection>;
}

interface Policy extends PlacedPolicy {
  input: PolicyInput;
  /** Undefined for policies that workloads never see. */
  group: PolicyGroup | undefined;
}

/** The groups that select an endpoint, for all endpoints that are selected by exactly these. */
interface Selection {
  readonly key: string;
  readonly groups: readonly PolicyGroup[];
  endpoints: Bag<SelectedEndpoint>;
  tiers: readonly TierPolicies[];
}

/** What an endpoint needs to be selected. */
export interface SelectedEndpoint extends IndexedItem {
  /** The groups that select it. */
  readonly groups: Set<PolicyGroup>;
  selection: Selection | undefined;
}

/** What changed since the last look. */
export interface GroupChanges<E> {
  /** Policies whose content or need may have changed. */
  readonly policies: Iterable<RuleListId>;
  /** Endpoints whose tiers may have changed. */
  readonly endpoints: Iterable<E>;
}

export interface PolicyGroups<E extends SelectedEndpoint> {
  setPolicy(id: RuleListId, input: PolicyInput | undefined): void;
  setTier(name: string, tier: TierInput | undefined): void;
  addEndpoint(endpoint: E): void;
  /** The labels are still the old ones. */
  removeEndpoint(endpoint: E): void;
  /** The policy if its rules are needed here, undefined otherwise. */
  neededPolicy(id: RuleListId): PolicyInput | undefined;
  takeChanges(): GroupChanges<E>;
}

/** What of a policy decides about its place in the lists of endpoints. */
function samePlacement(a: PolicyInput, b: PolicyInput): boolean {
  return (
    a.tier === b.tier &&
    a.order === b.order &&
    (a.ingress === undefined) === (b.ingress === undefined) &&
    (a.egress === undefined) === (b.egress === undefined)
  );
}
