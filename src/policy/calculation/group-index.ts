// Which local endpoints the groups of policies select. Policies with one selector are one group, matched once.
import { formatSelector } from '../../selector/format.ts';
import type { Selector } from '../../selector/selector.ts';
import { createLabelIndex, newIndexState } from '../index/label-index.ts';
import type { LocalEndpoint, PolicyGroup } from '../index/local-endpoint.ts';
import { createPending } from '../index/pending.ts';
import { addToSmallSet, removeFromSmallSet, smallSetItems } from '../index/small-set.ts';
import { createStringMap, deleteString, getString, setString } from '../index/string-map.ts';

/** What changed since the last look. */
interface GroupMatches {
  /** Groups that select an endpoint now and did not before, or the other way round. */
  readonly groups: ReadonlySet<PolicyGroup>;
  /** Endpoints that are new, or that other groups select now. */
  readonly endpoints: ReadonlySet<LocalEndpoint>;
}

export interface GroupIndex {
  /** The group of a selector, without policies when it is new; staged policies have groups of their own. */
  open(selector: Selector, staged: boolean): PolicyGroup;
  close(group: PolicyGroup): void;
  addEndpoint(endpoint: LocalEndpoint): void;
  /** The labels are still the old ones. */
  removeEndpoint(endpoint: LocalEndpoint): void;
  takeChanges(): GroupMatches;
}

export function createGroupIndex(): GroupIndex {
  const groups = createStringMap<PolicyGroup>();
  const endpoints = new Set<LocalEndpoint>();
  const touchedGroups = createPending<PolicyGroup>();
  const touchedEndpoints = createPending<LocalEndpoint>();
  let serials = 0;

  const index = createLabelIndex<LocalEndpoint, PolicyGroup>(() => endpoints, match, unmatch);

  /** Staged policies of which nobody knows whether they apply do not: they close nothing. */
  function match(group: PolicyGroup, endpoint: LocalEndpoint, certain: boolean): void {
    if (group.staged && !certain) return;
    touchedEndpoints.add(endpoint);
    if (!certain) {
      endpoint.unknownGroups.add(group);
      return;
    }
    if (group.endpoints === undefined) touchedGroups.add(group);
    group.endpoints = addToSmallSet(group.endpoints, endpoint);
    endpoint.groups.add(group);
  }

  function unmatch(group: PolicyGroup, endpoint: LocalEndpoint, certain: boolean): void {
    if (group.staged && !certain) return;
    touchedEndpoints.add(endpoint);
    if (!certain) {
      endpoint.unknownGroups.delete(group);
      return;
    }
    group.endpoints = removeFromSmallSet(group.endpoints, endpoint);
    if (group.endpoints === undefined) touchedGroups.add(group);
    endpoint.groups.delete(group);
  }

  function createGroup(key: string, selector: Selector, staged: boolean): PolicyGroup {
    const none = { policies: undefined, endpoints: undefined, sharedTiers: undefined };
    return { key, staged, serial: ++serials, selector, indexState: newIndexState(), ...none };
  }

  return {
    open(selector, staged) {
      const key = `${staged ? 'staged ' : ''}${formatSelector(selector)}`;
      const known = getString(groups, key);
      if (known !== undefined) return known;
      const group = createGroup(key, selector, staged);
      setString(groups, key, group);
      index.addSelectors([group]);
      return group;
    },
    close(group) {
      deleteString(groups, group.key);
      index.removeSelector(group);
      for (const endpoint of smallSetItems(group.endpoints)) unmatch(group, endpoint, true);
      for (const endpoint of index.openItems()) if (endpoint.unknownGroups.has(group)) unmatch(group, endpoint, false);
      touchedGroups.delete(group);
    },
    addEndpoint(endpoint) {
      endpoints.add(endpoint);
      touchedEndpoints.add(endpoint);
      index.addItem(endpoint);
    },
    removeEndpoint(endpoint) {
      index.removeItem(endpoint);
      endpoints.delete(endpoint);
      touchedEndpoints.delete(endpoint);
    },
    takeChanges: () => ({ groups: touchedGroups.take(), endpoints: touchedEndpoints.take() }),
  };
}
