// Which endpoint owns an interface name: two that have the same name would contradict each other in the kernel.

import type { LocalEndpoint } from '../index/local-endpoint.ts';
import { addToSmallSet, removeFromSmallSet, type SmallSet, smallSetItems } from '../index/small-set.ts';

export interface InterfaceOwners {
  /** The endpoint owns its interface name, now or when those before it have given it up. */
  add(endpoint: LocalEndpoint): void;
  /** The endpoint gives its interface name up. */
  remove(endpoint: LocalEndpoint): void;
}

/**
 * The endpoint with the smallest id owns the name, whatever the order in which they came. `lose` and `gain` are called as
 * that changes, `lose` first.
 */
export function createInterfaceOwners(
  gain: (endpoint: LocalEndpoint) => void,
  lose: (endpoint: LocalEndpoint) => void,
): InterfaceOwners {
  const candidates = new Map<string, SmallSet<LocalEndpoint>>();

  function ownerOf(name: string): LocalEndpoint | undefined {
    return smallSetItems(candidates.get(name)).reduce<LocalEndpoint | undefined>(
      (best, endpoint) => (best === undefined || endpoint.id < best.id ? endpoint : best),
      undefined,
    );
  }

  function change(endpoint: LocalEndpoint, changeSet: typeof addToSmallSet<LocalEndpoint>): void {
    const name = endpoint.local.interfaceName;
    const before = ownerOf(name);
    const rest = changeSet(candidates.get(name), endpoint);
    if (rest === undefined) candidates.delete(name);
    else candidates.set(name, rest);
    const after = ownerOf(name);
    if (before === after) return;
    if (before !== undefined) lose(before);
    if (after !== undefined) gain(after);
  }

  return {
    add: (endpoint) => change(endpoint, addToSmallSet),
    remove: (endpoint) => change(endpoint, removeFromSmallSet),
  };
}
