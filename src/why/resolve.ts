// Whom a word on the command line means: an endpoint by its name, container, workload, pod or address, or an address of nobody.
import { OcicatError } from '../base/errors.ts';
import { formatIp, type Ip, tryParseIp } from '../net/ip.ts';
import type { Cluster, WorkloadFacts } from './cluster.ts';

/** One end of a flow. */
export interface End {
  /** The word that named it. */
  readonly word: string;
  /** Id of the endpoint, of a host endpoint too; undefined for an address that none has. */
  readonly endpoint: string | undefined;
  /** Those that a flow may have; one when the word was an address. */
  readonly addresses: readonly Ip[];
}

/** A pod of this host, by the words that name it. */
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

/** By which the words of this list mean an endpoint; the first list that has any is the answer. */
function candidateLists(word: string, cluster: Cluster, pods: readonly PodNames[]): readonly (readonly string[])[] {
  const where = (test: (facts: WorkloadFacts) => boolean) =>
    [...cluster.workloads].filter(([, facts]) => test(facts)).map(([id]) => id);
  const hosts = [...cluster.snapshot.endpoints.keys()].filter((id) => id === `${HOST_PREFIX}${word}`);
  const named = new Set(pods.filter(({ names }) => names.includes(word)).map(({ containerId }) => containerId));
  return [
    where(({ namespace, name }) => name === word || `${namespace}/${name}` === word),
    hosts,
    where(({ containerId }) => containerId === word),
    where(({ workload, namespace }) => workload !== '' && (workload === word || `${namespace}/${workload}` === word)),
    where(({ interfaceName }) => interfaceName === word),
    where(({ containerId }) => named.has(containerId)),
    word.length < MIN_PREFIX ? [] : where(({ containerId }) => containerId.startsWith(word.toLowerCase())),
  ];
}

function describeCandidate(id: string, cluster: Cluster): string {
  const addresses = (cluster.snapshot.endpoints.get(id)?.addresses ?? []).map(formatIp).join(', ');
  const facts = cluster.workloads.get(id);
  const node = facts === undefined ? '' : ` on ${facts.node}`;
  return `  ${id}${node}${addresses === '' ? '' : ` (${addresses})`}`;
}

function listCandidates(ids: readonly string[], cluster: Cluster): string {
  const shown = ids.toSorted().slice(0, MAX_SHOWN);
  const more = ids.length - shown.length;
  const lines = shown.map((id) => describeCandidate(id, cluster));
  return [...lines, ...(more > 0 ? [`  and ${more} more`] : [])].join('\n');
}

/** Those that share a beginning or a part with the word; all where none does. */
function nearTo(word: string, cluster: Cluster): readonly string[] {
  const all = [...cluster.snapshot.endpoints.keys()];
  const near = all.filter((id) => id.includes(word) || word.includes(cluster.workloads.get(id)?.containerId || ' '));
  return near.length > 0 ? near : all;
}

function resolveAddress(word: string, address: Ip, cluster: Cluster): End {
  const having = [...cluster.snapshot.endpoints].filter(([, { addresses }]) => addresses.includes(address));
  const ids = having.map(([id]) => id).sort();
  const endpoint = ids.find((id) => !isHostEndpoint(id)) ?? ids[0];
  return { word, endpoint, addresses: [address] };
}

/** Throws `not-found`, and `invalid` for a word that means several endpoints; both list the candidates. */
export function resolveEnd(word: string, cluster: Cluster, pods: readonly PodNames[]): End {
  const address = tryParseIp(word);
  if (address !== undefined) return resolveAddress(word, address, cluster);
  const found = candidateLists(word, cluster, pods).find((list) => list.length > 0) ?? [];
  const [endpoint] = found;
  if (endpoint === undefined) {
    const near = listCandidates(nearTo(word, cluster), cluster);
    throw new OcicatError(
      'not-found',
      `find endpoint "${word}": no endpoint, container, workload, pod or address is called that${near === '' ? '' : `; there are\n${near}`}`,
    );
  }
  if (found.length > 1) {
    throw new OcicatError(
      'invalid',
      `find endpoint "${word}": it means ${found.length}; name one by its endpoint or address\n${listCandidates(found, cluster)}`,
    );
  }
  return { word, endpoint, addresses: cluster.snapshot.endpoints.get(endpoint)?.addresses ?? [] };
}
