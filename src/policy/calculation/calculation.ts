// The incremental policy calculation: updates in, one ordered list of changes out. What it hands out depends on the
// resources alone, never on the order in which they came, and the work follows what changed, not what exists.
import { sameContent } from '../../base/equal.ts';
import type { LocalEndpoint } from '../index/local-endpoint.ts';
import { createPending } from '../index/pending.ts';
import { createStringMap, deleteString, getString, setString } from '../index/string-map.ts';
import {
  BUILT_IN_PROFILES,
  blanketRule,
  type EndpointInput,
  type LocalInterface,
  type PolicyInput,
  type PolicyUpdate,
  type ProfileInput,
} from '../types/input.ts';
import type { PolicyChange } from '../types/types.ts';
import { createActiveRules, type RuleContent } from './active-rules.ts';
import { createHostEndpoints } from './host-endpoints.ts';
import { createLabelledResources, type LabelledResource, type LabelledResources } from './labelled-resources.ts';
import { createLocalEndpoints, profileListId } from './local-endpoints.ts';
import { createPolicyGroups } from './policy-groups.ts';

export interface PolicyCalculation {
  update(update: PolicyUpdate): void;
  /** What changed since the last flush, in an order that never names what is not there. Empty until in sync. */
  flush(): readonly PolicyChange[];
}

const NO_RULES: RuleContent = { ingress: [], egress: [] };

/** The rules alone; those without any share one value, as there may be as many profiles as endpoints. */
function contentOf({ ingress = [], egress = [] }: Pick<PolicyInput, 'ingress' | 'egress'>): RuleContent {
  return ingress.length + egress.length === 0 ? NO_RULES : { ingress, egress };
}

function policyContentOf(policy: PolicyInput): RuleContent {
  const { phase } = policy;
  return phase === 'untracked' || phase === 'pre-dnat' ? { early: phase, ...contentOf(policy) } : contentOf(policy);
}

/** A profile that does not exist drops what reaches it (Calico v3.33, felix/calc/policy_sorter.go). */
const MISSING_PROFILE: RuleContent = { ingress: [blanketRule('deny')], egress: [blanketRule('deny')] };

export function createPolicyCalculation(): PolicyCalculation {
  const profiles = createStringMap<RuleContent>();
  const changedProfiles = createPending<string>();
  let inSync = false;

  const groups = createPolicyGroups();
  const locals = createLocalEndpoints(groups);
  const hosts = createHostEndpoints(groups);
  const resources: LabelledResources = createLabelledResources({
    touchSet: (set) => rules.touchSet(set),
    beforeRelabel: ({ local }) => {
      if (local !== undefined && locals.isActive(local)) groups.removeEndpoint(local);
    },
    afterRelabel: (resource) => {
      const { local } = resource;
      if (local !== undefined && locals.isActive(local)) groups.addEndpoint(local);
      hosts.relabel(resource);
    },
  });
  const rules = createActiveRules(resources);

  function setEndpoint(id: string, input: EndpointInput | undefined): void {
    const resource = resources.setEndpoint(id, input);
    const { local, host } = input ?? {};
    hosts.set(id, resource === undefined || host === undefined ? undefined : { resource, host });
    if (resource?.local !== undefined && sameContent(resource.local.local, local)) return;
    const endpoint =
      resource === undefined || local === undefined ? undefined : createLocalEndpoint(id, resource, local);
    if (resource !== undefined) resource.local = endpoint;
    locals.set(id, endpoint);
  }

  function setProfile(name: string, input: ProfileInput | undefined): void {
    if (input === undefined) deleteString(profiles, name);
    else setString(profiles, name, contentOf(input));
    if (locals.needsProfile(name) || hosts.needsProfile(name)) changedProfiles.add(name);
    resources.setProfileLabels(name, input === undefined ? {} : input.labelsToApply);
  }

  function findProfile(name: string): RuleContent {
    const builtIn = BUILT_IN_PROFILES.get(name);
    return getString(profiles, name) ?? (builtIn === undefined ? MISSING_PROFILE : contentOf(builtIn));
  }

  /** Brings the active rule lists to what local endpoints need now; returns the endpoints that may have other tiers. */
  function settle(): ReadonlySet<LocalEndpoint> {
    const changes = groups.takeChanges();
    const ofHosts = hosts.takeTouched();
    for (const id of changes.policies.union(ofHosts.policies)) {
      const policy = groups.isNeeded(id) || hosts.needsPolicy(id) ? groups.findPolicy(id) : undefined;
      rules.setList(id, policy && policyContentOf(policy));
    }
    for (const name of changedProfiles.take().union(locals.takeTouchedProfiles()).union(ofHosts.profiles)) {
      const isNeeded = locals.needsProfile(name) || hosts.needsProfile(name);
      rules.setList(profileListId(name), isNeeded ? findProfile(name) : undefined);
    }
    return changes.endpoints;
  }

  return {
    update(update) {
      switch (update.kind) {
        case 'endpoint':
          return setEndpoint(update.id, update.value);
        case 'network-set':
          return resources.setNetworkSet(update.id, update.value);
        case 'profile':
          return setProfile(update.id, update.value);
        case 'tier':
          groups.setTier(update.id, update.value);
          return hosts.touchTiers();
        case 'policy':
          groups.setPolicy(update.id, update.value);
          return hosts.touchPolicy(update.id);
        case 'in-sync':
          inSync = true;
      }
    },
    flush() {
      if (!inSync) return [];
      const touched = settle();
      const { sets, lists, removedLists, removedSets } = rules.takeChanges();
      const workloads = locals.takeChanges(touched);
      const ofHosts = hosts.takeChanges();
      const removed = [...workloads.removed, ...ofHosts.removed];
      const set = [...workloads.set, ...ofHosts.set];
      return [...removed, ...sets, ...lists, ...set, ...removedLists, ...removedSets];
    },
  };
}

function createLocalEndpoint(id: string, resource: LabelledResource, local: LocalInterface): LocalEndpoint {
  return {
    id,
    labels: resource.labels,
    inherited: resource.inherited,
    local,
    addresses: resource.addresses,
    profiles: resource.inherited.profiles,
    groups: new Set(),
    unknownGroups: new Set(),
    shared: undefined,
  };
}
