// The endpoints of this node: which of them count, which profiles they need, and what is handed out of each.
import { sameContent } from '../../base/equal.ts';
import type { LocalEndpoint } from '../index/local-endpoint.ts';
import { createPending } from '../index/pending.ts';
import type { EndpointPolicy, PolicyChange } from '../types/types.ts';
import { createInterfaceOwners } from './interface-owners.ts';
import type { PolicyGroups } from './policy-groups.ts';

interface EndpointChanges {
  readonly set: readonly PolicyChange[];
  readonly removed: readonly PolicyChange[];
}

export interface LocalEndpoints {
  /** Replaces the endpoint of this id, or removes it. */
  set(id: string, endpoint: LocalEndpoint | undefined): void;
  /** Whether the endpoint owns its interface name, so that policy applies to it. */
  isActive(endpoint: LocalEndpoint): boolean;
  needsProfile(name: string): boolean;
  /** Profiles that began or ended to be needed since the last time. */
  takeTouchedProfiles(): ReadonlySet<string>;
  /** What changed since the last time; `touched` may have other tiers now. */
  takeChanges(touched: Iterable<LocalEndpoint>): EndpointChanges;
}

/** With all that it is to have; an endpoint of which nobody knows which policies apply to it has nothing, and is closed. */
function describe(endpoint: LocalEndpoint): EndpointPolicy {
  const closed = endpoint.unknownGroups.size > 0;
  return {
    id: endpoint.id,
    interfaceName: endpoint.local.interfaceName,
    mac: endpoint.local.mac,
    addresses: endpoint.addresses,
    allowedSources: endpoint.local.allowedSources,
    ...(endpoint.local.floating === undefined ? {} : { floating: endpoint.local.floating }),
    ...(endpoint.local.portMappings === undefined ? {} : { portMappings: endpoint.local.portMappings }),
    ...(endpoint.local.limits === undefined ? {} : { limits: endpoint.local.limits }),
    tiers: closed ? [] : (endpoint.shared?.tiers ?? []),
    profiles: closed ? [] : endpoint.profiles.map(profileListId),
  };
}

/** The rule list of a profile. */
export function profileListId(name: string): string {
  return `Profile//${name}`;
}

export function createLocalEndpoints(groups: PolicyGroups): LocalEndpoints {
  const endpoints = new Map<string, LocalEndpoint>();
  const active = new Map<string, LocalEndpoint>();
  const published = new Map<string, EndpointPolicy>();
  const ended = createPending<string>();
  const profileUsers = new Map<string, number>();
  const touchedProfiles = createPending<string>();

  function useProfiles(endpoint: LocalEndpoint, change: 1 | -1): void {
    for (const name of new Set(endpoint.profiles)) {
      const users = (profileUsers.get(name) ?? 0) + change;
      if (users === 0) profileUsers.delete(name);
      else profileUsers.set(name, users);
      touchedProfiles.add(name);
    }
  }

  const interfaceOwners = createInterfaceOwners(
    (endpoint) => {
      active.set(endpoint.id, endpoint);
      useProfiles(endpoint, 1);
      groups.addEndpoint(endpoint);
    },
    (endpoint) => {
      active.delete(endpoint.id);
      useProfiles(endpoint, -1);
      groups.removeEndpoint(endpoint);
      ended.add(endpoint.id);
    },
  );

  function takeRemoved(): readonly PolicyChange[] {
    const removed: PolicyChange[] = [];
    for (const id of ended.take()) {
      if (active.has(id) || !published.delete(id)) continue;
      removed.push({ kind: 'endpoint-removed', id });
    }
    return removed;
  }

  return {
    set(id, endpoint) {
      const known = endpoints.get(id);
      if (known !== undefined) interfaceOwners.remove(known);
      if (endpoint === undefined) endpoints.delete(id);
      else {
        endpoints.set(id, endpoint);
        interfaceOwners.add(endpoint);
      }
    },
    isActive: (endpoint) => active.get(endpoint.id) === endpoint,
    needsProfile: (name) => profileUsers.has(name),
    takeTouchedProfiles: touchedProfiles.take,
    takeChanges(touched) {
      const removed = takeRemoved();
      const set: PolicyChange[] = [];
      for (const endpoint of touched) {
        const policy = describe(endpoint);
        if (sameContent(published.get(endpoint.id), policy)) continue;
        published.set(endpoint.id, policy);
        set.push({ kind: 'endpoint-set', endpoint: policy });
      }
      return { set, removed };
    },
  };
}
