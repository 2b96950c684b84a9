// The names of an endpoint's container, and what it finds in its networks: kept with the endpoint, so that every host knows the
// names, and a restarted agent all of it. The usual is not written down.
import type { WorkloadEndpoint } from '../../model/endpoint/workload-endpoint.ts';
import {
  DNS_ANNOTATION,
  NAMES_ANNOTATION,
  type Naming,
  type NetworkDns,
  parseNaming,
  printNaming,
} from '../../names/annotations.ts';

export interface AskedNaming {
  readonly network: string;
  readonly names: readonly string[];
  readonly dns: NetworkDns;
}

type Limits = Naming['limits'];

function limitsOf({ network, dns }: AskedNaming): Limits {
  return new Map(dns === 'on' ? [] : [[network, dns]]);
}

/** Of a container that joins a network. */
export function annotationsOf(asked: AskedNaming): Readonly<Record<string, string>> {
  return printNaming({ names: asked.names, limits: limitsOf(asked) });
}

function withNaming(endpoint: WorkloadEndpoint, naming: Naming): WorkloadEndpoint {
  const { [NAMES_ANNOTATION]: _names, [DNS_ANNOTATION]: _dns, ...others } = endpoint.metadata.annotations ?? {};
  const annotations = { ...others, ...printNaming(naming) };
  return { ...endpoint, metadata: { ...endpoint.metadata, annotations } };
}

/** An endpoint that shares its interface with one more network. Its names are the same in all of them. */
export function withNamesIn(endpoint: WorkloadEndpoint, asked: AskedNaming): WorkloadEndpoint {
  const { names, limits } = parseNaming(endpoint.metadata.annotations);
  const others = [...limits].filter(([network]) => network !== asked.network);
  return withNaming(endpoint, {
    names: [...new Set([...names, ...asked.names])],
    limits: new Map([...others, ...limitsOf(asked)]),
  });
}

/** In the networks that it still has. */
export function withoutLeftNetworks(endpoint: WorkloadEndpoint): WorkloadEndpoint {
  const { names, limits } = parseNaming(endpoint.metadata.annotations);
  const left = [...limits].filter(([network]) => endpoint.spec.profiles?.includes(network));
  return withNaming(endpoint, { names, limits: new Map(left) });
}
