// An endpoint of this node, the policies that select it and the tiers that it gets, as the calculation holds them.
import type { Ip } from '../../net/ip.ts';
import type { Selector } from '../../selector/selector.ts';
import type { LocalInterface } from '../types/input.ts';
import type { TierPolicies } from '../types/types.ts';
import type { IndexState } from './label-index.ts';
import type { IndexedItem } from './label-table.ts';
import type { PlacedPolicy } from './order.ts';
import type { PackedPolicy } from './policy-template.ts';
import type { SmallSet } from './small-set.ts';

export interface LocalEndpoint extends IndexedItem {
  readonly id: string;
  readonly local: LocalInterface;
  readonly addresses: readonly Ip[];
  readonly profiles: readonly string[];
  /** The policy groups that select it. */
  readonly groups: Set<PolicyGroup>;
  /** Those that may select it, for all that is known of its labels. */
  readonly unknownGroups: Set<PolicyGroup>;
  /** Undefined until it has been placed. */
  shared: SharedTiers | undefined;
}

/** All policies with one selector that decide, or all that are staged. */
export interface PolicyGroup {
  readonly key: string;
  readonly staged: boolean;
  /** Tells groups apart in few characters; never used again. */
  readonly serial: number;
  readonly selector: Selector;
  readonly indexState: IndexState;
  policies: SmallSet<Policy>;
  endpoints: SmallSet<LocalEndpoint>;
  sharedTiers: SmallSet<SharedTiers>;
}

export interface Policy extends PlacedPolicy, PackedPolicy {
  /** Undefined for policies that workloads never see. */
  readonly group: PolicyGroup | undefined;
}

/** The policy groups that select the same endpoints, and their tiers. */
export interface SharedTiers {
  readonly key: string;
  readonly groups: readonly PolicyGroup[];
  endpoints: SmallSet<LocalEndpoint>;
  tiers: readonly TierPolicies[];
}
