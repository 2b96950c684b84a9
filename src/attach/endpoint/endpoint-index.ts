// The endpoints of this node, found by their container and by their link: each ADD asks for both, on a host that may have
// a thousand.
import type { Revision } from '../../datastore/port.ts';
import type { WorkloadEndpoint } from '../../model/endpoint/workload-endpoint.ts';
import type { Attachment } from '../../model/endpoint/workload-endpoint-name.ts';
import { attachmentOf } from './endpoint.ts';

export interface LocalEndpoint {
  readonly key: string;
  readonly endpoint: WorkloadEndpoint;
  readonly modRevision: Revision;
}

export interface EndpointReader {
  /** In the order of their keys. */
  endpoints(): readonly LocalEndpoint[];
  endpointAt(key: string): LocalEndpoint | undefined;
  /** All of a container, in the order of their keys, whatever their namespaces. */
  endpointsOf(containerId: string): readonly LocalEndpoint[];
  /** The endpoint of one interface of a container. */
  findEndpoint(attachment: Attachment): LocalEndpoint | undefined;
  /** Those whose link on the host has this name. */
  endpointsAtLink(name: string): readonly LocalEndpoint[];
}

export interface EndpointIndex extends EndpointReader {
  /** What stands at the key from now on, if it can be understood. */
  set(key: string, one: LocalEndpoint | undefined): void;
}

type Group = Map<string, LocalEndpoint>;

function inOrder(group: Group | undefined): readonly LocalEndpoint[] {
  return [...(group?.values() ?? [])].sort((a, b) => (a.key < b.key ? -1 : 1));
}

/** Of those that share a value. */
function createGroups(sharedBy: (one: LocalEndpoint) => string) {
  const groups = new Map<string, Group>();
  return {
    of: (value: string) => inOrder(groups.get(value)),
    add(one: LocalEndpoint): void {
      const value = sharedBy(one);
      const group: Group = groups.get(value) ?? new Map();
      groups.set(value, group.set(one.key, one));
    },
    remove(one: LocalEndpoint): void {
      const value = sharedBy(one);
      const group = groups.get(value);
      group?.delete(one.key);
      if (group?.size === 0) groups.delete(value);
    },
  };
}

export function createEndpointIndex(): EndpointIndex {
  const all: Group = new Map();
  const byContainer = createGroups(({ endpoint }) => attachmentOf(endpoint).containerId);
  const byLink = createGroups(({ endpoint }) => endpoint.spec.interfaceName);
  const groups = [byContainer, byLink];

  return {
    set(key, one) {
      const before = all.get(key);
      if (before !== undefined) for (const group of groups) group.remove(before);
      all.delete(key);
      if (one === undefined) return;
      all.set(key, one);
      for (const group of groups) group.add(one);
    },
    endpoints: () => inOrder(all),
    endpointAt: (key) => all.get(key),
    endpointsOf: byContainer.of,
    findEndpoint: ({ containerId, interfaceName }) =>
      byContainer.of(containerId).find(({ endpoint }) => endpoint.spec.endpoint === interfaceName),
    endpointsAtLink: byLink.of,
  };
}
