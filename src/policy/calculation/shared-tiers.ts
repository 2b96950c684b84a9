// The ordered tiers of endpoints, kept once for all endpoints that the same policy groups select: thousands of policies
// on hundreds of endpoints cost their sum, not their product.
import { sameContent } from '../../base/equal.ts';
import type { LocalEndpoint, PolicyGroup, SharedTiers } from '../index/local-endpoint.ts';
import { computeTiers } from '../index/order.ts';
import { createPending } from '../index/pending.ts';
import { addToSmallSet, removeFromSmallSet, smallSetItems, visitSmallSet } from '../index/small-set.ts';
import type { TierInput } from '../types/input.ts';

export interface SharedTierLists {
  /** Finds the tiers of an endpoint whose groups have changed. */
  place(endpoint: LocalEndpoint): void;
  remove(endpoint: LocalEndpoint): void;
  /** The policies of the group, or their places, have changed. */
  touchGroup(group: PolicyGroup): void;
  /** Some tier has changed. */
  touchAll(): void;
  /** Orders again what was touched; returns the endpoints whose tiers are different now. */
  refresh(): readonly LocalEndpoint[];
}

function keyOf(groups: readonly PolicyGroup[]): string {
  return groups.map((group) => group.serial).join(',');
}

export function createSharedTierLists(tiers: ReadonlyMap<string, TierInput>): SharedTierLists {
  const sharedTiers = new Map<string, SharedTiers>();
  const stale = createPending<SharedTiers>();

  function open(groups: readonly PolicyGroup[]): SharedTiers {
    const key = keyOf(groups);
    const known = sharedTiers.get(key);
    if (known !== undefined) return known;
    const shared: SharedTiers = { key, groups, endpoints: undefined, tiers: [] };
    sharedTiers.set(key, shared);
    stale.add(shared);
    for (const group of groups) group.sharedTiers = addToSmallSet(group.sharedTiers, shared);
    return shared;
  }

  function close(shared: SharedTiers): void {
    sharedTiers.delete(shared.key);
    stale.delete(shared);
    for (const group of shared.groups) group.sharedTiers = removeFromSmallSet(group.sharedTiers, shared);
  }

  function remove(endpoint: LocalEndpoint): void {
    const shared = endpoint.shared;
    if (shared === undefined) return;
    endpoint.shared = undefined;
    shared.endpoints = removeFromSmallSet(shared.endpoints, endpoint);
    if (shared.endpoints === undefined) close(shared);
  }

  return {
    place(endpoint) {
      const shared = open([...endpoint.groups].sort((a, b) => a.serial - b.serial));
      if (shared === endpoint.shared) return;
      remove(endpoint);
      endpoint.shared = shared;
      shared.endpoints = addToSmallSet(shared.endpoints, endpoint);
    },
    remove,
    touchGroup(group) {
      visitSmallSet(group.sharedTiers, stale.add);
    },
    touchAll() {
      for (const shared of sharedTiers.values()) stale.add(shared);
    },
    refresh() {
      const changed: LocalEndpoint[] = [];
      for (const shared of stale.take()) {
        const policies = shared.groups.flatMap((group) => smallSetItems(group.policies));
        const next = computeTiers(policies, tiers);
        if (sameContent(shared.tiers, next)) continue;
        shared.tiers = next;
        changed.push(...smallSetItems(shared.endpoints));
      }
      return changed;
    },
  };
}
