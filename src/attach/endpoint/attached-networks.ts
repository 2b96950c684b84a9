// The networks that an endpoint is attached to. Mostly it is one, the endpoint's first profile; when several share its interface,
// annotations say which, under which interface's name each was asked for, and whose its addresses are.
import type { WorkloadEndpoint } from '../../model/endpoint/workload-endpoint.ts';
import type { Attachment } from '../../model/endpoint/workload-endpoint-name.ts';

/** `network1/eth0 network2/eth1`, in the order in which they came. */
const NETWORKS = 'ocicat/networks';
/** The network whose handle the addresses are held under; it may have been left. */
const ADDRESSES_OF = 'ocicat/addresses-of';

export interface AttachedNetwork {
  readonly network: string;
  /** As it was asked for; the endpoint's own interface may be another. */
  readonly interfaceName: string;
}

interface AskedNetwork {
  readonly network: string;
  readonly attachment: Attachment;
}

/** The network of a request, as it is asked for. */
export function attachedNetworkOf({ network, attachment }: AskedNetwork): AttachedNetwork {
  return { network, interfaceName: attachment.interfaceName };
}

function isSame(a: AttachedNetwork, b: AttachedNetwork): boolean {
  return a.network === b.network && a.interfaceName === b.interfaceName;
}

export function isShared({ metadata }: WorkloadEndpoint): boolean {
  return metadata.annotations?.[NETWORKS] !== undefined;
}

/** Profiles beyond these are somebody's own. */
export function networksOf({ metadata, spec }: WorkloadEndpoint): readonly AttachedNetwork[] {
  const noted = metadata.annotations?.[NETWORKS];
  if (noted === undefined)
    return spec.profiles?.slice(0, 1).map((network) => ({ network, interfaceName: spec.endpoint })) ?? [];
  return noted.split(' ').map((pair) => {
    const [network = '', ...rest] = pair.split('/');
    return { network, interfaceName: rest.join('/') };
  });
}

export function isAttached(endpoint: WorkloadEndpoint, attached: AttachedNetwork): boolean {
  return networksOf(endpoint).some((one) => isSame(one, attached));
}

/** Whether the endpoint is already what is asked for. */
export function isAsAsked(endpoint: WorkloadEndpoint, asked: AttachedNetwork): boolean {
  if (isShared(endpoint)) return isAttached(endpoint, asked);
  const { endpoint: interfaceName, profiles = [] } = endpoint.spec;
  return interfaceName === asked.interfaceName && profiles.includes(asked.network);
}

/** The network whose handle its addresses are held under, where they are of our own IPAM. */
export function holderNetworkOf({ metadata, spec }: WorkloadEndpoint): string | undefined {
  return metadata.annotations?.[ADDRESSES_OF] ?? spec.profiles?.[0];
}

function withNetworks(endpoint: WorkloadEndpoint, networks: readonly AttachedNetwork[], profiles: readonly string[]) {
  const { metadata, spec } = endpoint;
  const annotations = {
    ...metadata.annotations,
    [ADDRESSES_OF]: holderNetworkOf(endpoint) ?? '',
    [NETWORKS]: networks.map(({ network, interfaceName }) => `${network}/${interfaceName}`).join(' '),
  };
  return { ...endpoint, metadata: { ...metadata, annotations }, spec: { ...spec, profiles: [...profiles] } };
}

/** Being in one more network means having its profile as well. */
export function withNetwork(endpoint: WorkloadEndpoint, attached: AttachedNetwork): WorkloadEndpoint {
  const profiles = endpoint.spec.profiles ?? [];
  const joined = profiles.includes(attached.network) ? profiles : [...profiles, attached.network];
  return withNetworks(endpoint, [...networksOf(endpoint), attached], joined);
}

/** The endpoint in its other networks; undefined when it has no other. */
export function withoutNetwork(endpoint: WorkloadEndpoint, attached: AttachedNetwork): WorkloadEndpoint | undefined {
  const rest = networksOf(endpoint).filter((one) => !isSame(one, attached));
  if (rest.length === 0) return undefined;
  const stays = rest.some(({ network }) => network === attached.network);
  const profiles = (endpoint.spec.profiles ?? []).filter((profile) => stays || profile !== attached.network);
  return withNetworks(endpoint, rest, profiles);
}
