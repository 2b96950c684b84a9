// One endpoint for each interface name: two that claim the same name would contradict each other in the kernel.
import { addToBag, type Bag, bagItems, removeFromBag } from '../index/bag.ts';
import type { LocalEndpoint } from '../index/local-endpoint.ts';

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
  const claimants = new Map<string, Bag<LocalEndpoint>>();

  function ownerOf(name: string): LocalEndpoint | undefined {
    return bagItems(claimants.get(name)).reduce<LocalEndpoint | undefined>(
      (best, endpoint) => (best === undefined || endpoint.id < best.id ? endpoint : best),
      undefined,
    );
  }

  function change(endpoint: LocalEndpoint, changeBag: typeof addToBag<LocalEndpoint>): void {
    const name = endpoint.local.interfaceName;
    const before = ownerOf(name);
    const bag = changeBag(claimants.get(name), endpoint);
    if (bag === undefined) claimants.delete(name);
    else claimants.set(name, bag);
    const after = ownerOf(name);
    if (before === after) return;
    if (before !== undefined) lose(before);
    if (after !== undefined) win(after);
  }

  return {
    add: (endpoint) => change(endpoint, addToBag),
    remove: (endpoint) => change(endpoint, removeFromBag),
  };
}
