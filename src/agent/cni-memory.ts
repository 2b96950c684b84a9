// What the CNI server remembers of the store, so that an ADD asks it only once: everything for addresses, this node's
// endpoints, which profiles there are, and whether the datastore is open for changes.
import { isOcicatError, OcicatError } from '../base/errors.ts';
import { parseJson } from '../base/json.ts';
import { printKey, printResourcePrefix, tryParseKey } from '../datastore/keys.ts';
import type { Datastore, Revision } from '../datastore/port.ts';
import type { Memory, StoreUpdate } from '../ipam/commit.ts';
import { ABSENT, type Cell } from '../ipam/draft.ts';
import { type IpamView, openIpamView } from '../ipam/view.ts';
import { clusterInformation } from '../model/cluster-information.ts';
import { type Kind, parseStored } from '../model/kind.ts';
import type { Resource } from '../model/resource.ts';
import { type WorkloadEndpoint, workloadEndpoint } from '../model/workload-endpoint.ts';

export interface LocalEndpoint {
  readonly key: string;
  readonly endpoint: WorkloadEndpoint;
  readonly modRevision: Revision;
}

/**
 * Give `apply` every update below the prefixes of resources and of IPAM, and `setInSync` true when the first listing is
 * through. Losing the store later changes nothing: what is remembered is checked with every commit.
 */
export interface CniMemory extends Memory {
  readonly ipam: IpamView;
  /** Endpoints of this node whose orchestrator is `cni`. */
  endpoints(): readonly LocalEndpoint[];
  /** ClusterInformation's word. */
  isDatastoreReady(): boolean;
  setInSync(inSync: boolean): void;
  isInSync(): boolean;
  /** Resolves as soon as the memory is in sync; throws `not-ready` when it is not within timeoutMs. */
  untilInSync(timeoutMs: number): Promise<void>;
}

interface Entry extends Cell {
  readonly toldAt: Revision;
  endpoint?: WorkloadEndpoint | undefined;
}

const ENDPOINTS = printResourcePrefix('WorkloadEndpoint');
const PROFILES = printResourcePrefix('Profile');
const CLUSTER = printKey({
  kind: 'resource',
  resourceKind: 'ClusterInformation',
  namespace: undefined,
  name: 'default',
});
/** Stands in for the value of a profile, of which only the being there matters. */
const PRESENT = '{}';

/** The stored resource, or undefined when it cannot be understood. */
function tryRead<R extends Resource>(kind: Kind<R>, text: string | undefined): R | undefined {
  if (text === undefined) return undefined;
  try {
    return parseStored(kind, parseJson(text));
  } catch (error) {
    if (isOcicatError(error) || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** The names of a node's endpoints begin with this. */
function endpointPrefix(nodeName: string): string {
  return `${nodeName.replaceAll('-', '--')}-cni-`;
}

export function openCniMemory(datastore: Datastore, nodeName: string): CniMemory {
  const ipam = openIpamView(datastore, nodeName);
  const entries = new Map<string, Entry>();
  const ownPrefix = endpointPrefix(nodeName);
  const waiting: (() => void)[] = [];
  let inSync = false;
  let isReady = false;

  function isOwnEndpoint(key: string): boolean {
    if (!key.startsWith(ENDPOINTS)) return false;
    const named = tryParseKey(key);
    return named?.kind === 'resource' && named.name.startsWith(ownPrefix);
  }

  function concerns(key: string): boolean {
    return key === CLUSTER || key.startsWith(PROFILES) || isOwnEndpoint(key);
  }

  function apply(update: StoreUpdate): void {
    ipam.apply(update);
    const { key, modRevision } = update;
    if (!concerns(key) || (entries.get(key)?.toldAt ?? -1) >= modRevision) return;
    const value = update.value !== undefined && key.startsWith(PROFILES) ? PRESENT : update.value;
    const endpoint = key.startsWith(ENDPOINTS) ? tryRead(workloadEndpoint, value) : undefined;
    entries.set(key, { value, modRevision: value === undefined ? 0 : modRevision, toldAt: modRevision, endpoint });
    if (key === CLUSTER) isReady = tryRead(clusterInformation, value)?.spec.datastoreReady === true;
  }

  /** Takes a whole listing: what is remembered under the prefix and is not in it has gone. */
  async function reread(prefix: string, signal: AbortSignal): Promise<void> {
    const { kvs, revision } = await datastore.list(prefix, {}, signal);
    const standing = new Set(kvs.map((kv) => kv.key));
    for (const key of entries.keys())
      if (key.startsWith(prefix) && !standing.has(key)) apply({ key, value: undefined, modRevision: revision });
    for (const kv of kvs) apply(kv);
  }

  return {
    ipam,
    apply,
    known(key) {
      return entries.get(key) ?? (inSync && concerns(key) ? ABSENT : undefined) ?? ipam.known(key);
    },
    async refresh(signal) {
      await ipam.refresh(signal);
      await Promise.all([reread(ENDPOINTS, signal), reread(PROFILES, signal), reread(CLUSTER, signal)]);
    },
    endpoints() {
      return [...entries].flatMap(([key, { endpoint, modRevision }]) =>
        endpoint === undefined ? [] : [{ key, endpoint, modRevision }],
      );
    },
    isDatastoreReady: () => isReady,
    setInSync(now) {
      inSync = now;
      ipam.setInSync(now);
      if (now) for (const wake of waiting.splice(0)) wake();
    },
    isInSync: () => inSync,
    async untilInSync(timeoutMs) {
      if (!inSync) await Promise.race([new Promise<void>((resolve) => waiting.push(resolve)), Bun.sleep(timeoutMs)]);
      if (!inSync) throw new OcicatError('not-ready', 'the agent has not read the datastore yet: try again');
    },
  };
}
