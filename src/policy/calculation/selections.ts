// The ordered tiers of endpoints, kept once for all endpoints that the same policy groups select: thousands of policies
// on hundreds of endpoints cost their sum, not their product.
import { sameContent } from '../../base/equal.ts';
import type { LocalEndpoint, PolicyGroup, Selection } from '../index/local-endpoint.ts';
import { computeTiers } from '../index/order.ts';
import { addToSmallSet, removeFromSmallSet, smallSetItems, visitSmallSet } from '../index/small-set.ts';
import type { TierInput } from '../types/input.ts';

export interface Selections {
  /** Finds the selection of an endpoint whose groups have changed. */
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

export function createSelections(tiers: ReadonlyMap<string, TierInput>): Selections {
  const selections = new Map<string, Selection>();
  const stale = new Set<Selection>();

  function open(groups: readonly PolicyGroup[]): Selection {
    const key = keyOf(groups);
    const known = selections.get(key);
    if (known !== undefined) return known;
    const selection: Selection = { key, groups, endpoints: undefined, tiers: [] };
    selections.set(key, selection);
    stale.add(selection);
    for (const group of groups) group.selections = addToSmallSet(group.selections, selection);
    return selection;
  }

  function close(selection: Selection): void {
    selections.delete(selection.key);
    stale.delete(selection);
    for (const group of selection.groups) group.selections = removeFromSmallSet(group.selections, selection);
  }

  function remove(endpoint: LocalEndpoint): void {
    const selection = endpoint.selection;
    if (selection === undefined) return;
    endpoint.selection = undefined;
    selection.endpoints = removeFromSmallSet(selection.endpoints, endpoint);
    if (selection.endpoints === undefined) close(selection);
  }

  return {
    place(endpoint) {
      const selection = open([...endpoint.groups].sort((a, b) => a.serial - b.serial));
      if (selection === endpoint.selection) return;
      remove(endpoint);
      endpoint.selection = selection;
      selection.endpoints = addToSmallSet(selection.endpoints, endpoint);
    },
    remove,
    touchGroup(group) {
      visitSmallSet(group.selections, (selection) => void stale.add(selection));
    },
    touchAll() {
      for (const selection of selections.values()) stale.add(selection);
    },
    refresh() {
      const changed: LocalEndpoint[] = [];
      for (const selection of stale) {
        const policies = selection.groups.flatMap((group) => smallSetItems(group.policies));
        const next = computeTiers(policies, tiers);
        if (sameContent(selection.tiers, next)) continue;
        selection.tiers = next;
        changed.push(...smallSetItems(selection.endpoints));
      }
      stale.clear();
      return changed;
    },
  };
}
