// One endpoint for each interface name: two that claim the same name would contradict each other in the kernel.

import type { LocalEndpoint } from '../index/local-endpoint.ts';
import { addToSmallSet, removeFromSmallSet, type SmallSet, smallSetItems } from '../index/small-set.ts';

export interface Claims {
  /** Claims the endpoint's interface name. */
  add(endpoint: LocalEndpoint): void;
  /** Gives the claim up. */
  remove(endpoint: LocalEndpoint): void;
}

/**
 * The endpoint with the smallest id has the name, whatever the order in which they came. `lose` and `win` are called as
 * that changes, `lose` first.
 */
export function createClaims(win: (endpoint: LocalEndpoint) => void, lose: (endpoint: LocalEndpoint) => void): Claims {
  const claimants = new Map<string, SmallSet<LocalEndpoint>>();

  function ownerOf(name: string): LocalEndpoint | undefined {
    return smallSetItems(claimants.get(name)).reduce<LocalEndpoint | undefined>(
      (best, endpoint) => (best === undefined || endpoint.id < best.id ? endpoint : best),
      undefined,
    );
  }

  function change(endpoint: LocalEndpoint, changeSmallSet: typeof addToSmallSet<LocalEndpoint>): void {
    const name = endpoint.local.interfaceName;
    const before = ownerOf(name);
    const rest = changeSmallSet(claimants.get(name), endpoint);
    if (rest === undefined) claimants.delete(name);
    else claimants.set(name, rest);
    const after = ownerOf(name);
    if (before === after) return;
    if (before !== undefined) lose(before);
    if (after !== undefined) win(after);
  }

  return {
    add: (endpoint) => change(endpoint, addToSmallSet),
    remove: (endpoint) => change(endpoint, removeFromSmallSet),
  };
}
