// A state of the cluster with no more in it than the verdicts on two endpoints need, so that many pairs can be compared.
import { cidrContains } from '../../net/cidr.ts';
import type { Ip } from '../../net/ip.ts';
import type { PolicySnapshot } from '../../policy/oracle/snapshot.ts';
import { satisfies } from '../../policy/oracle/snapshot-labels.ts';
import { type PolicyInput, UNKNOWN_PROFILE } from '../../policy/types/input.ts';

interface Labelled {
  readonly profiles: readonly string[];
  readonly partial: boolean;
}

/** Its addresses or labels may be any: selectors are unknown because of it, whatever address they are asked about. */
function isUnknown({ partial, profiles }: Labelled, snapshot: PolicySnapshot): boolean {
  const isOpen = (name: string) => {
    const profile = snapshot.profiles.get(name);
    return name === UNKNOWN_PROFILE || (profile !== undefined && profile.labelsToApply === undefined);
  };
  return partial || profiles.some(isOpen);
}

export type Focus = (source: string, destination: string) => PolicySnapshot;

/** Looks through the state once; what it returns costs little for each pair. */
export function createFocus(snapshot: PolicySnapshot): Focus {
  const unknownEndpoints = [...snapshot.endpoints].filter(([, one]) => isUnknown(one, snapshot));
  const unknownSets = [...snapshot.networkSets].filter(([, one]) => isUnknown(one, snapshot));
  const holders = new Map<Ip, string[]>();
  for (const [id, { addresses }] of snapshot.endpoints)
    for (const address of addresses) holders.set(address, [...(holders.get(address) ?? []), id]);
  const policies = new Map<string, readonly (readonly [string, PolicyInput])[]>();
  const sets = new Map<string, PolicySnapshot['networkSets']>();

  function addressesOf(id: string): readonly Ip[] {
    return snapshot.endpoints.get(id)?.addresses ?? [];
  }

  function remembered<T>(memory: Map<string, T>, id: string, look: () => T): T {
    const known = memory.get(id) ?? look();
    memory.set(id, known);
    return known;
  }

  /** Those that apply to it, or may. */
  function policiesOf(id: string): readonly (readonly [string, PolicyInput])[] {
    return remembered(policies, id, () => {
      const endpoint = snapshot.endpoints.get(id);
      if (endpoint === undefined) return [];
      return [...snapshot.policies].filter(([, { selector }]) => satisfies(endpoint, selector, snapshot) !== false);
    });
  }

  function setsOf(id: string): PolicySnapshot['networkSets'] {
    const has = (address: Ip) =>
      [...snapshot.networkSets].filter(([, { nets }]) => nets.some((net) => cidrContains(net, address)));
    return remembered(sets, id, () => new Map(addressesOf(id).flatMap(has)));
  }

  return (source, destination) => {
    const ids = [source, destination].flatMap(addressesOf).flatMap((address) => holders.get(address) ?? []);
    const endpoints = ids.flatMap((id) => {
      const endpoint = snapshot.endpoints.get(id);
      return endpoint === undefined ? [] : [[id, endpoint] as const];
    });
    return {
      ...snapshot,
      endpoints: new Map([...unknownEndpoints, ...endpoints]),
      networkSets: new Map([...unknownSets, ...setsOf(source), ...setsOf(destination)]),
      policies: new Map([...policiesOf(source), ...policiesOf(destination)]),
    };
  };
}
