// The host endpoints of this node: which policies select them, and what is handed out of each. A host has few, so that each
// changed policy is held against all of them.
import { sameContent } from '../../base/equal.ts';
import type { Truth } from '../../base/truth.ts';
import { matchSelector, tryMatchSelector } from '../../selector/match.ts';
import type { IndexedItem } from '../index/label-table.ts';
import { findLabel } from '../index/labels.ts';
import type { Policy } from '../index/local-endpoint.ts';
import { computeTiers } from '../index/order.ts';
import { getString, type StringMap } from '../index/string-map.ts';
import type { PolicyPhase, TierInput } from '../types/input.ts';
import {
  type HostEndpointPolicy,
  type HostInterface,
  type HostTiers,
  isStaged,
  type PolicyChange,
  type RuleListId,
} from '../types/types.ts';
import { profileListId } from './local-endpoints.ts';

/** An endpoint's labels and profiles. */
interface HostResource extends IndexedItem {
  readonly inherited: IndexedItem['inherited'] & { readonly profiles: readonly string[] };
}

interface HostEndpoint {
  readonly id: string;
  readonly host: HostInterface;
  readonly resource: HostResource;
  /** Policies that select it, and those that may, for all that is known of its labels; staged ones then do not. */
  readonly policies: Set<RuleListId>;
  readonly unknown: Set<RuleListId>;
}

interface HostEndpointChanges {
  readonly set: readonly PolicyChange[];
  readonly removed: readonly PolicyChange[];
}

/** All that there are, whoever they select. */
interface PolicySource {
  readonly policies: StringMap<Policy>;
  readonly tiers: ReadonlyMap<string, TierInput>;
}

export interface HostEndpoints {
  /** Replaces the endpoint of this id, or removes it. */
  set(id: string, endpoint: { readonly host: HostInterface; readonly resource: HostResource } | undefined): void;
  /** The resource has other labels. */
  relabel(resource: HostResource): void;
  /** The policy is another one, or gone. */
  touchPolicy(id: RuleListId): void;
  /** Some tier has changed. */
  touchTiers(): void;
  needsPolicy(id: RuleListId): boolean;
  needsProfile(name: string): boolean;
  /** Policies and profiles that began or ended to be needed since the last time. */
  takeTouched(): { readonly policies: ReadonlySet<RuleListId>; readonly profiles: ReadonlySet<string> };
  /** What changed since the last time. */
  takeChanges(): HostEndpointChanges;
}

function selects({ selector }: Policy, { labels, inherited }: HostResource): Truth {
  const known = {
    get: (name: string) => findLabel(labels, name) ?? findLabel(inherited.labels, name),
    has: (name: string) => labels.names.includes(name) || inherited.labels.names.includes(name),
  };
  return inherited.open ? tryMatchSelector(selector, known) : matchSelector(selector, known);
}

/** Those that decide early leave what they do not decide to the later ones. */
function passOn(tiers: HostTiers['normal']): HostTiers['normal'] {
  return tiers.map((tier) => ({ ...tier, defaultAction: 'pass' }));
}

function tiersOf(policies: readonly Policy[], tiers: ReadonlyMap<string, TierInput>): HostTiers {
  const of = (...phases: readonly PolicyPhase[]) =>
    computeTiers(
      policies.filter(({ template }) => phases.includes(template.phase)),
      tiers,
    );
  return {
    untracked: passOn(of('untracked')),
    preDnat: passOn(of('pre-dnat')).map((tier) => ({ ...tier, egress: [] })),
    forward: of('forward'),
    normal: of('normal', 'forward'),
  };
}

const NO_TIERS: HostTiers = { untracked: [], preDnat: [], forward: [], normal: [] };

export function createHostEndpoints({ policies, tiers }: PolicySource): HostEndpoints {
  const endpoints = new Map<string, HostEndpoint>();
  const published = new Map<string, HostEndpointPolicy>();
  const stale = new Set<string>();
  let touchedPolicies = new Set<RuleListId>();
  let touchedProfiles = new Set<string>();

  function touch({ id }: HostEndpoint): void {
    stale.add(id);
  }

  function hold(endpoint: HostEndpoint, id: RuleListId): void {
    const policy = getString(policies, id);
    const selected = policy === undefined ? false : selects(policy, endpoint.resource);
    const was = endpoint.policies.has(id);
    if (selected === true) endpoint.policies.add(id);
    else endpoint.policies.delete(id);
    if (selected === undefined && !isStaged(id)) endpoint.unknown.add(id);
    else endpoint.unknown.delete(id);
    if (was !== (selected === true)) touchedPolicies.add(id);
    touch(endpoint);
  }

  function holdAll(endpoint: HostEndpoint): void {
    for (const id of policies.keys) hold(endpoint, id);
    touch(endpoint);
  }

  function leave(endpoint: HostEndpoint): void {
    endpoints.delete(endpoint.id);
    for (const id of endpoint.policies) touchedPolicies.add(id);
    for (const name of endpoint.resource.inherited.profiles) touchedProfiles.add(name);
    touch(endpoint);
  }

  function describe({ id, host, resource, policies: selecting, unknown }: HostEndpoint): HostEndpointPolicy {
    const closed = host.closed || unknown.size > 0;
    const placed = [...selecting].flatMap((name) => getString(policies, name) ?? []);
    return {
      id,
      ...host,
      closed,
      ...(closed ? NO_TIERS : tiersOf(placed, tiers)),
      profiles: closed ? [] : resource.inherited.profiles.map(profileListId),
    };
  }

  return {
    set(id, next) {
      const known = endpoints.get(id);
      if (known?.resource === next?.resource && sameContent(known?.host, next?.host)) return;
      if (known !== undefined) leave(known);
      if (next === undefined) return;
      const endpoint: HostEndpoint = { id, ...next, policies: new Set(), unknown: new Set() };
      endpoints.set(id, endpoint);
      for (const name of next.resource.inherited.profiles) touchedProfiles.add(name);
      holdAll(endpoint);
    },
    relabel(resource) {
      for (const endpoint of endpoints.values()) if (endpoint.resource === resource) holdAll(endpoint);
    },
    touchPolicy(id) {
      for (const endpoint of endpoints.values()) hold(endpoint, id);
    },
    touchTiers() {
      endpoints.forEach(touch);
    },
    needsPolicy: (id) => [...endpoints.values()].some((endpoint) => endpoint.policies.has(id)),
    needsProfile: (name) => [...endpoints.values()].some(({ resource }) => resource.inherited.profiles.includes(name)),
    takeTouched() {
      const touched = { policies: touchedPolicies, profiles: touchedProfiles };
      touchedPolicies = new Set();
      touchedProfiles = new Set();
      return touched;
    },
    takeChanges() {
      const set: PolicyChange[] = [];
      const removed: PolicyChange[] = [];
      for (const id of stale) {
        const endpoint = endpoints.get(id);
        if (endpoint === undefined) {
          if (published.delete(id)) removed.push({ kind: 'host-endpoint-removed', id });
          continue;
        }
        const policy = describe(endpoint);
        if (sameContent(published.get(id), policy)) continue;
        published.set(id, policy);
        set.push({ kind: 'host-endpoint-set', endpoint: policy });
      }
      stale.clear();
      return { set, removed };
    },
  };
}
