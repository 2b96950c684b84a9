// Renders workload endpoints into the table as they change: elements of the dispatch maps and source sets, and the groups
// they are in.

import type { RulesetEditor } from '../nftables/editor.ts';
import type { EndpointPolicy } from '../policy/types/types.ts';
import type { FirewallConfig } from './config.ts';
import { computeGroup, type Group } from './group.ts';
import { createLimitsRenderer } from './limits/limits.ts';
import * as names from './names.ts';
import { createFloatingRenderer } from './nat/floating.ts';
import { createPortRenderer } from './nat/ports.ts';
import type { PolicyRenderer } from './policy-renderer.ts';
import { computeWorkloadElements, isWorkloadInterface, type OwnedElement } from './workload.ts';

export interface WorkloadRenderer {
  /** An endpoint whose interface is not one of a workload's gets nothing: no rule of ours looks at that interface. */
  set(endpoint: EndpointPolicy): void;
  remove(id: string): void;
  /** All that have been set, in that order; those that are closed are not among them. */
  all(): readonly EndpointPolicy[];
  /** Leaves the interfaces of some unnamed, as if nobody knew them, until they are set again; returns those ids. */
  close(isAtFault: (needs: EndpointNeeds) => boolean): readonly string[];
  closed(): readonly EndpointPolicy[];
}

/** What an endpoint cannot be without. */
interface EndpointNeeds {
  /** Names of chains that its elements lead to. */
  readonly chains: readonly string[];
  readonly elements: readonly OwnedElement[];
}

interface RenderedEndpoint {
  readonly endpoint: EndpointPolicy;
  readonly groups: readonly Group[];
  readonly elements: readonly OwnedElement[];
}

export function createWorkloadRenderer(
  editor: RulesetEditor,
  policy: PolicyRenderer,
  config: () => Pick<FirewallConfig, 'interfacePrefix' | 'sourceSpoofing' | 'nat'>,
): WorkloadRenderer {
  const floating = createFloatingRenderer(editor);
  const ports = createPortRenderer(editor, { names: names.WORKLOADS_SET, sources: names.sourcesSet });
  const limits = createLimitsRenderer(editor, names.REJECT_CHAIN);
  const endpoints = new Map<string, RenderedEndpoint>();
  /** Interface name to the endpoint that has it now: two of them may swap within one step. */
  const owners = new Map<string, string>();
  const closed = new Map<string, EndpointPolicy>();

  /** `kept`: groups that it stays in. */
  function leave(
    id: string,
    { endpoint: { interfaceName }, groups, elements }: RenderedEndpoint,
    kept: readonly Group[] = [],
  ): void {
    if (owners.get(interfaceName) === id) {
      for (const { set, key } of elements) editor.removeElement(set, key);
      owners.delete(interfaceName);
    }
    for (const group of groups) if (!kept.some(({ name }) => name === group.name)) policy.releaseGroup(group, id);
  }

  function remove(id: string): void {
    closed.delete(id);
    const rendered = endpoints.get(id);
    if (rendered === undefined) return;
    leave(id, rendered);
    floating.set(id, []);
    ports.remove(id);
    limits.remove(id);
    endpoints.delete(id);
  }

  function needsOf({ endpoint: { id }, groups, elements }: RenderedEndpoint): EndpointNeeds {
    const targets = [...limits.of(id), ...floating.of(id)];
    return {
      chains: [...groups.map(({ name }) => name), ...targets.map(({ chain }) => chain.name)],
      elements: [
        ...elements,
        ...targets.map(({ map, key }) => ({ set: map, key })),
        ...ports.of(id).map(({ set, key }) => ({ set: set.name, key })),
      ],
    };
  }

  /** Another endpoint's elements on the interface, should it not have left yet. */
  function evict(interfaceName: string): void {
    const rendered = endpoints.get(owners.get(interfaceName) ?? '');
    for (const { set, key } of rendered?.elements ?? []) editor.removeElement(set, key);
  }

  return {
    remove,
    all: () => [...endpoints.values()].map(({ endpoint }) => endpoint),
    closed: () => [...closed.values()],
    close(isAtFault) {
      const found = [...endpoints.values()].filter((one) => isAtFault(needsOf(one))).map(({ endpoint }) => endpoint);
      for (const endpoint of found) {
        remove(endpoint.id);
        closed.set(endpoint.id, endpoint);
      }
      return found.map(({ id }) => id);
    },
    set(endpoint) {
      closed.delete(endpoint.id);
      if (!isWorkloadInterface(endpoint.interfaceName, config().interfacePrefix)) {
        remove(endpoint.id);
        return;
      }
      const ingress = computeGroup('ingress', endpoint.tiers, endpoint.profiles);
      const egress = computeGroup('egress', endpoint.tiers, endpoint.profiles);
      const elements = computeWorkloadElements(
        endpoint,
        config().sourceSpoofing ? endpoint.allowedSources : [],
        egress.name,
        ingress.name,
      );
      policy.retainGroup(ingress, endpoint.id);
      policy.retainGroup(egress, endpoint.id);
      const former = endpoints.get(endpoint.id);
      if (former !== undefined) leave(endpoint.id, former, [ingress, egress]);
      evict(endpoint.interfaceName);
      for (const { set, key, verdict } of elements) editor.setElement(set, key, verdict);
      floating.set(endpoint.id, config().nat.floatingAddresses ? (endpoint.floating ?? []) : []);
      ports.set(endpoint);
      limits.set(endpoint);
      owners.set(endpoint.interfaceName, endpoint.id);
      endpoints.delete(endpoint.id); // the last that was set is the last of all
      endpoints.set(endpoint.id, { endpoint, groups: [ingress, egress], elements });
    },
  };
}
