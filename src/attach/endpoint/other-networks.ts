// A workload's other networks, as labels of one of its interfaces: which interface a packet leaves by is for its own routes to
// say, and members of each of its networks are to know it by whatever it sends from. What an interface lets in stays its own
// network's to say.
import type { WorkloadEndpoint } from '../../model/endpoint/workload-endpoint.ts';

/** Those whose labels the endpoint has for that. */
const OTHERS = 'ocicat/other-networks';

export function otherNetworksOf({ metadata }: WorkloadEndpoint): readonly string[] {
  return metadata.annotations?.[OTHERS]?.split(' ') ?? [];
}

/** The endpoint with the labels of these, and without those of others. A label of that name that it has from elsewhere stays. */
export function withOtherNetworks(endpoint: WorkloadEndpoint, networks: readonly string[]): WorkloadEndpoint {
  const { metadata, spec } = endpoint;
  const before = otherNetworksOf(endpoint);
  const labels = Object.fromEntries(Object.entries(metadata.labels ?? {}).filter(([key]) => !before.includes(key)));
  const others = [...new Set(networks)].filter((one) => !(one in labels) && spec.profiles?.includes(one) !== true);
  if (others.join(' ') === before.join(' ')) return endpoint;
  const { [OTHERS]: _, ...rest } = metadata.annotations ?? {};
  const annotations = others.length === 0 ? rest : { ...rest, [OTHERS]: others.join(' ') };
  const added = Object.fromEntries(others.map((network) => [network, '']));
  return { ...endpoint, metadata: { ...metadata, annotations, labels: { ...labels, ...added } } };
}
