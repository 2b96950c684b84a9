// Which host endpoint an interface has (Calico's documentation, "Host endpoint"): of those that name it or expect an address
// of it the first by name; else the first of those for all interfaces.
import type { Ip } from '../../net/ip.ts';
import { INTERFACE_NAME_BYTES } from '../../nftables/bytes.ts';
import type { HostEndpointPolicy } from '../../policy/types/types.ts';

/** An interface of the host, and its addresses. */
export interface InterfaceAddresses {
  readonly name: string;
  readonly addresses: readonly Ip[];
}

export interface HostAssignment {
  readonly byInterface: ReadonlyMap<string, HostEndpointPolicy>;
  /** Of all other interfaces. */
  readonly others: HostEndpointPolicy | undefined;
}

export const LOOPBACK = 'lo';

/** Neither the loopback, which is the host's own, nor one of a workload. */
function isHostInterface(name: string, workloadPrefix: string): boolean {
  return name !== LOOPBACK && !name.startsWith(workloadPrefix) && name.length < INTERFACE_NAME_BYTES;
}

function interfacesOf({ interfaceName, expectedIps }: HostEndpointPolicy, all: readonly InterfaceAddresses[]) {
  if (interfaceName !== undefined) return [interfaceName];
  return all.filter(({ addresses }) => addresses.some((one) => expectedIps.includes(one))).map(({ name }) => name);
}

/** A named interface need not be there yet: it is protected from the moment in which it comes. */
export function assignHostEndpoints(
  endpoints: Iterable<HostEndpointPolicy>,
  interfaces: readonly InterfaceAddresses[],
  workloadPrefix: string,
): HostAssignment {
  const byInterface = new Map<string, HostEndpointPolicy>();
  let others: HostEndpointPolicy | undefined;
  for (const endpoint of [...endpoints].sort((a, b) => (a.id < b.id ? -1 : 1))) {
    if (endpoint.interfaceName === '*') others ??= endpoint;
    else
      for (const name of interfacesOf(endpoint, interfaces))
        if (isHostInterface(name, workloadPrefix) && !byInterface.has(name)) byInterface.set(name, endpoint);
  }
  return { byInterface, others };
}

/** What an endpoint has come to protect, for people and reports. */
export interface AssignedHostEndpoint {
  readonly name: string;
  /** `*` for all that have none of their own. */
  readonly interfaces: readonly string[];
  readonly closed: boolean;
  /** It has untracked policies, which endpoints of all interfaces cannot have. */
  readonly ignoresUntracked: boolean;
}

export function describeAssignment(
  endpoints: Iterable<HostEndpointPolicy>,
  { byInterface, others }: HostAssignment,
): readonly AssignedHostEndpoint[] {
  const sorted = [...endpoints].sort((a, b) => (a.id < b.id ? -1 : 1));
  return sorted.map((endpoint) => ({
    name: endpoint.id.slice(endpoint.id.lastIndexOf('/') + 1),
    interfaces: [
      ...[...byInterface].flatMap(([name, one]) => (one === endpoint ? [name] : [])).sort(),
      ...(others === endpoint ? ['*'] : []),
    ],
    closed: endpoint.closed,
    ignoresUntracked: endpoint.interfaceName === '*' && endpoint.untracked.length > 0,
  }));
}
