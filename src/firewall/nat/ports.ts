// Renders endpoints' port mappings into the table as they come and go: an element of a map for each, and the maps and chains only
// while something is in them.
import type { RulesetEditor } from '../../nftables/editor.ts';
import type { EndpointPolicy } from '../../policy/types/types.ts';
import { computePortChains, type WorkloadSets } from './port-chains.ts';
import { computePortElements, overlap, type PortElement } from './port-elements.ts';

export interface PortRenderer {
  /** Replaces what the endpoint has. Of several that have the same port, the one whose id is first has it. */
  set(endpoint: Pick<EndpointPolicy, 'id' | 'addresses' | 'portMappings'>): void;
  remove(id: string): void;
  /** What the endpoint has, and what it would have if nobody else had the same port. */
  of(id: string): readonly PortElement[];
}

/** Who wants one element, by id. */
type Claims = Map<string, PortElement>;

function inOrder(claims: Iterable<readonly [string, PortElement]>): readonly PortElement[] {
  return [...claims].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, element]) => element);
}

export function createPortRenderer(editor: RulesetEditor, workloads: WorkloadSets): PortRenderer {
  const byEndpoint = new Map<string, readonly PortElement[]>();
  /** By the map's name, then by key. */
  const maps = new Map<string, Map<string, Claims>>();

  function renderChains(): void {
    const chains = computePortChains((map) => maps.has(map), workloads);
    if (maps.size > 0) for (const chain of chains) editor.setChain(chain);
    else for (const { name } of chains) editor.removeChain(name);
  }

  function renderElement({ set, key }: PortElement, claims: Claims): void {
    const [first] = inOrder(claims);
    if (set.interval) renderRanges(set.name);
    else if (first === undefined) editor.removeElement(set.name, key);
    else editor.setElement(set.name, key, first.value);
  }

  /** There are few. Of two that overlap, which the kernel does not take, the first has all. */
  function renderRanges(name: string): void {
    const claims = [...(maps.get(name)?.values() ?? [])].flatMap((one) => [...one]);
    const chosen: PortElement[] = [];
    for (const element of inOrder(claims)) if (!chosen.some((other) => overlap(other, element))) chosen.push(element);
    for (const key of [...(editor.ruleset.sets.get(name)?.elements.keys() ?? [])]) editor.removeElement(name, key);
    for (const { key, value } of chosen) editor.setElement(name, key, value);
  }

  function claim(id: string, element: PortElement): void {
    const { set, key } = element;
    if (!maps.has(set.name)) editor.addSet(set);
    const elements = maps.get(set.name) ?? new Map<string, Claims>();
    const claims: Claims = elements.get(key) ?? new Map();
    maps.set(set.name, elements.set(key, claims.set(id, element)));
    renderElement(element, claims);
  }

  function release(id: string, element: PortElement): void {
    const { set, key } = element;
    const elements = maps.get(set.name);
    const claims = elements?.get(key);
    if (elements === undefined || claims === undefined) return;
    claims.delete(id);
    renderElement(element, claims);
    if (claims.size === 0) elements.delete(key);
    if (elements.size > 0) return;
    maps.delete(set.name);
    editor.removeSet(set.name);
  }

  function replace(id: string, next: readonly PortElement[]): void {
    const former = byEndpoint.get(id) ?? [];
    if (former.length === 0 && next.length === 0) return;
    const before = [...maps.keys()].sort().join();
    for (const element of former) release(id, element);
    for (const element of next) claim(id, element);
    if (next.length === 0) byEndpoint.delete(id);
    else byEndpoint.set(id, next);
    if ([...maps.keys()].sort().join() !== before) renderChains();
  }

  return {
    set: ({ id, addresses, portMappings = [] }) => replace(id, computePortElements(portMappings, addresses)),
    remove: (id) => replace(id, []),
    of: (id) => byEndpoint.get(id) ?? [],
  };
}
