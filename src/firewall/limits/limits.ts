// Keeps what endpoints with limits add to the table, and the chains in which limits are looked up as long as there is one.
import type { RulesetEditor } from '../../nftables/editor.ts';
import type { EndpointPolicy } from '../../policy/types/types.ts';
import { computeLimits, LIMIT_CHAINS, LIMIT_SETS, type Limit } from './chains.ts';

export interface LimitsRenderer {
  /** Replaces what the endpoint has. */
  set(endpoint: EndpointPolicy): void;
  remove(id: string): void;
  /** What the endpoint has. */
  of(id: string): readonly Limit[];
}

/** `reject`: the chain that answers what is not let through. */
export function createLimitsRenderer(editor: RulesetEditor, reject: string): LimitsRenderer {
  const byEndpoint = new Map<string, readonly Limit[]>();
  /** By the names of chains: endpoints that mark alike share one. */
  const uses = new Map<string, number>();
  /** Whose each element is: of two endpoints that swap their interfaces in one step the one that leaves takes nothing along. */
  const owners = new Map<string, string>();

  function open(): void {
    for (const spec of LIMIT_SETS) editor.addSet(spec);
    for (const chain of LIMIT_CHAINS) editor.setChain(chain);
  }

  function close(): void {
    for (const { name } of LIMIT_CHAINS) editor.removeChain(name);
    for (const { name } of LIMIT_SETS) editor.removeSet(name);
  }

  function add(id: string, { map, key, chain }: Limit): void {
    owners.set(map + key, id);
    uses.set(chain.name, (uses.get(chain.name) ?? 0) + 1);
    editor.setChain(chain);
    editor.setElement(map, key, { kind: 'jump', chain: chain.name });
  }

  function drop(id: string, { map, key, chain: { name } }: Limit): void {
    if (owners.get(map + key) === id) {
      owners.delete(map + key);
      editor.removeElement(map, key);
    }
    const left = (uses.get(name) ?? 0) - 1;
    if (left > 0) return void uses.set(name, left);
    uses.delete(name);
    editor.removeChain(name);
  }

  function remove(id: string): void {
    const limits = byEndpoint.get(id);
    if (limits === undefined) return;
    for (const limit of limits) drop(id, limit);
    byEndpoint.delete(id);
    if (byEndpoint.size === 0) close();
  }

  return {
    remove,
    of: (id) => byEndpoint.get(id) ?? [],
    set(endpoint) {
      remove(endpoint.id);
      const limits = computeLimits(endpoint, reject);
      if (limits.length === 0) return;
      if (byEndpoint.size === 0) open();
      for (const limit of limits) add(endpoint.id, limit);
      byEndpoint.set(endpoint.id, limits);
    },
  };
}
