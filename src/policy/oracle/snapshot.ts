// All resources that policy looks at, at one moment.
import type {
  EndpointInput,
  NetworkSetInput,
  PolicyInput,
  PolicyUpdate,
  ProfileInput,
  TierInput,
} from '../types/input.ts';
import { isStaged, type RuleListId } from '../types/types.ts';

/** By the ids of PolicyUpdate. */
export interface PolicySnapshot {
  readonly endpoints: ReadonlyMap<string, EndpointInput>;
  readonly networkSets: ReadonlyMap<string, NetworkSetInput>;
  readonly profiles: ReadonlyMap<string, ProfileInput>;
  readonly tiers: ReadonlyMap<string, TierInput>;
  /** Without those that are staged, which decide nothing. */
  readonly policies: ReadonlyMap<RuleListId, PolicyInput>;
}

function put<V>(map: Map<string, V>, id: string, value: V | undefined): void {
  if (value === undefined) map.delete(id);
  else map.set(id, value);
}

/** What is there after all updates; the last one of each resource counts. */
export function createSnapshot(updates: Iterable<PolicyUpdate>): PolicySnapshot {
  const endpoints = new Map<string, EndpointInput>();
  const networkSets = new Map<string, NetworkSetInput>();
  const profiles = new Map<string, ProfileInput>();
  const tiers = new Map<string, TierInput>();
  const policies = new Map<RuleListId, PolicyInput>();
  for (const update of updates) {
    switch (update.kind) {
      case 'endpoint':
        put(endpoints, update.id, update.value);
        break;
      case 'network-set':
        put(networkSets, update.id, update.value);
        break;
      case 'profile':
        put(profiles, update.id, update.value);
        break;
      case 'tier':
        put(tiers, update.id, update.value);
        break;
      case 'policy':
        if (!isStaged(update.id)) put(policies, update.id, update.value);
        break;
      case 'in-sync':
        break;
    }
  }
  return { endpoints, networkSets, profiles, tiers, policies };
}
