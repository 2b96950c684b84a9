// Resolves a reference on the command line: an endpoint by its name, container, workload, pod or address, or a plain address.
import { OcicatError } from '../base/errors.ts';
import { formatIp, type Ip, tryParseIp } from '../net/ip.ts';
import type { Cluster, WorkloadSummary } from './cluster.ts';
import { findHost } from './hosts.ts';

/** One end of a flow. */
export interface End {
  /** The text that refers to it. */
  readonly reference: string;
  /** Id of the endpoint, of a host endpoint too; undefined for an address that none has. */
  readonly endpoint: string | undefined;
  /** Node of the host that it is; undefined for what is no host. */
  readonly host: string | undefined;
  /** Those that a flow may have; one when the reference was an address. */
  readonly addresses: readonly Ip[];
}

/** A pod of this host, by the names that refer to it. */
export interface PodNames {
  /** Its UUID, which is the id of its container. */
  readonly containerId: string;
  /** Of its apps. */
  readonly names: readonly string[];
}

const HOST_PREFIX = 'HostEndpoint//';
/** So many candidates are named. */
const MAX_SHOWN = 20;
/** Fewer characters are no beginning of an id. */
const MIN_PREFIX = 4;

export function isHostEndpoint(id: string): boolean {
  return id.startsWith(HOST_PREFIX);
}

/** The endpoints that match, a list for each way to refer to one; the first list that has any is the answer. */
function candidateLists(
  reference: string,
  cluster: Cluster,
  pods: readonly PodNames[],
): readonly (readonly string[])[] {
  const where = (test: (workload: WorkloadSummary) => boolean) =>
    [...cluster.workloads].filter(([, workload]) => test(workload)).map(([id]) => id);
  const hosts = [...cluster.snapshot.endpoints.keys()].filter((id) => id === `${HOST_PREFIX}${reference}`);
  const named = new Set(pods.filter(({ names }) => names.includes(reference)).map(({ containerId }) => containerId));
  return [
    where(({ namespace, name }) => name === reference || `${namespace}/${name}` === reference),
    hosts,
    where(({ containerId }) => containerId === reference),
    where(
      ({ workload, namespace }) =>
        workload !== '' && (workload === reference || `${namespace}/${workload}` === reference),
    ),
    where(({ interfaceName }) => interfaceName === reference),
    where(({ containerId }) => named.has(containerId)),
    reference.length < MIN_PREFIX ? [] : where(({ containerId }) => containerId.startsWith(reference.toLowerCase())),
  ];
}

function describeCandidate(id: string, cluster: Cluster): string {
  const addresses = (cluster.snapshot.endpoints.get(id)?.addresses ?? []).map(formatIp).join(', ');
  const workload = cluster.workloads.get(id);
  const node = workload === undefined ? '' : ` on ${workload.node}`;
  return `  ${id}${node}${addresses === '' ? '' : ` (${addresses})`}`;
}

function listCandidates(ids: readonly string[], cluster: Cluster): string {
  const shown = ids.toSorted().slice(0, MAX_SHOWN);
  const more = ids.length - shown.length;
  const lines = shown.map((id) => describeCandidate(id, cluster));
  return [...lines, ...(more > 0 ? [`  and ${more} more`] : [])].join('\n');
}

/** Those that share a beginning or a part with the reference; all where none does. */
function nearTo(reference: string, cluster: Cluster): readonly string[] {
  const all = [...cluster.snapshot.endpoints.keys()];
  const near = all.filter(
    (id) => id.includes(reference) || reference.includes(cluster.workloads.get(id)?.containerId || ' '),
  );
  return near.length > 0 ? near : all;
}

function resolveAddress(reference: string, address: Ip, cluster: Cluster): End {
  const having = [...cluster.snapshot.endpoints].filter(([, { addresses }]) => addresses.includes(address));
  const ids = having.map(([id]) => id).sort();
  const endpoint = ids.find((id) => !isHostEndpoint(id)) ?? ids[0];
  return { reference, endpoint, host: findHost([address], cluster.hosts), addresses: [address] };
}

/** The host by the name of its node. */
function resolveHost(reference: string, { hosts }: Cluster): End | undefined {
  const host = hosts.get(reference);
  return host && { reference, endpoint: undefined, host: reference, addresses: host.addresses };
}

/** Throws `not-found`, and `invalid` for a reference that means several endpoints; both list the candidates. */
export function resolveEnd(reference: string, cluster: Cluster, pods: readonly PodNames[]): End {
  const address = tryParseIp(reference);
  if (address !== undefined) return resolveAddress(reference, address, cluster);
  const matches = candidateLists(reference, cluster, pods).find((list) => list.length > 0) ?? [];
  const [endpoint] = matches;
  const host = endpoint === undefined ? resolveHost(reference, cluster) : undefined;
  if (host !== undefined) return host;
  if (endpoint === undefined) {
    const near = listCandidates(nearTo(reference, cluster), cluster);
    throw new OcicatError(
      'not-found',
      `find endpoint "${reference}": no endpoint, container, workload, pod, host or address is called that${near === '' ? '' : `; there are\n${near}`}`,
    );
  }
  if (matches.length > 1) {
    throw new OcicatError(
      'invalid',
      `find endpoint "${reference}": it means ${matches.length}; name one by its endpoint or address\n${listCandidates(matches, cluster)}`,
    );
  }
  const addresses = cluster.snapshot.endpoints.get(endpoint)?.addresses ?? [];
  return {
    reference,
    endpoint,
    host: isHostEndpoint(endpoint) ? findHost(addresses, cluster.hosts) : undefined,
    addresses,
  };
}
