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

/**
 * The endpoint by which a host is reached at the addresses: one that expects them, or the only one, or that of all interfaces;
 * undefined where it has none. Throws `invalid` where the store does not say which.
 */
function endpointOfHost(reference: string, host: string, addresses: readonly Ip[], cluster: Cluster) {
  const inputOf = (id: string) => cluster.snapshot.endpoints.get(id);
  const all = cluster.hosts.get(host)?.endpoints ?? [];
  const named = all.filter((id) => inputOf(id)?.host?.interfaceName !== '*');
  const expecting = named.find((id) => inputOf(id)?.addresses.some((one) => addresses.includes(one)));
  if (expecting !== undefined || named.length < 2) return expecting ?? named[0] ?? all[0];
  throw new OcicatError(
    'invalid',
    `find the host endpoint of "${reference}": the store does not say which of them packets pass; name one\n${listCandidates(named, cluster)}`,
  );
}

function resolveAddress(reference: string, address: Ip, cluster: Cluster): End {
  const having = [...cluster.snapshot.endpoints].filter(([, { addresses }]) => addresses.includes(address));
  const ids = having.map(([id]) => id).sort();
  const found = ids.find((id) => !isHostEndpoint(id)) ?? ids[0];
  const host = findHost([address], cluster.hosts);
  const endpoint =
    found === undefined && host !== undefined ? endpointOfHost(reference, host, [address], cluster) : found;
  return { reference, endpoint, host, addresses: [address] };
}

/** The host by the name of its node. */
function resolveHost(reference: string, cluster: Cluster): End | undefined {
  const host = cluster.hosts.get(reference);
  if (host === undefined) return undefined;
  const { addresses } = host;
  return { reference, endpoint: endpointOfHost(reference, reference, addresses, cluster), host: reference, addresses };
}

/** A host endpoint by its name; its host's addresses where it expects none. */
function resolveHostEndpoint(reference: string, endpoint: string, { snapshot, hosts }: Cluster): End {
  const owner = [...hosts].find(([, { endpoints }]) => endpoints.includes(endpoint));
  const expected = snapshot.endpoints.get(endpoint)?.addresses ?? [];
  const addresses = expected.length > 0 ? expected : (owner?.[1].addresses ?? []);
  return { reference, endpoint, host: owner?.[0], addresses };
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
  if (isHostEndpoint(endpoint)) return resolveHostEndpoint(reference, endpoint, cluster);
  return { reference, endpoint, host: undefined, addresses: cluster.snapshot.endpoints.get(endpoint)?.addresses ?? [] };
}
