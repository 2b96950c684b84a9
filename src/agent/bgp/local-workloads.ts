// The workloads of this host as BGPPeers select them: by their own labels, and by those of their profiles.
import type { EndpointInput, LabelMap, PolicyUpdate } from '../../policy/types/input.ts';
import type { RoutingWorkload } from '../../routing/input.ts';

export interface LocalWorkloads {
  /** Takes in what an update says about a workload of this host, or about labels of a profile; whether it says anything. */
  update(update: PolicyUpdate): boolean;
  all(): readonly RoutingWorkload[];
}

export function createLocalWorkloads(): LocalWorkloads {
  const endpoints = new Map<string, EndpointInput>();
  /** By the names of profiles. */
  const profiles = new Map<string, LabelMap>();

  /** The first that has a label decides (Calico's documentation, "Profile"). */
  function labelsOf({ labels, profiles: names }: EndpointInput): ReadonlyMap<string, string> {
    const inherited = names.map((name) => profiles.get(name) ?? {}).reverse();
    return new Map(Object.entries(Object.assign({}, ...inherited, labels)));
  }

  function updateEndpoint(id: string, value: EndpointInput | undefined): boolean {
    if (value?.local === undefined) return endpoints.delete(id);
    endpoints.set(id, value);
    return true;
  }

  function updateProfile(name: string, labels: LabelMap | undefined): boolean {
    if (labels === undefined || Object.keys(labels).length === 0) return profiles.delete(name);
    profiles.set(name, labels);
    return true;
  }

  return {
    update(update) {
      if (update.kind === 'endpoint') return updateEndpoint(update.id, update.value);
      return update.kind === 'profile' && updateProfile(update.id, update.value?.labelsToApply);
    },
    all: () =>
      [...endpoints].flatMap(([id, value]) => {
        const { local, addresses } = value;
        return local === undefined
          ? []
          : [{ id, interfaceName: local.interfaceName, addresses, labels: labelsOf(value) }];
      }),
  };
}
