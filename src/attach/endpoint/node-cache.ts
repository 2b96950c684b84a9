// What attaching keeps of the store, so that an ADD asks it only once: everything for addresses, this node's
// endpoints, which profiles there are, and whether the datastore is open for changes.
import { isOcicatError, OcicatError } from '../../base/errors.ts';
import { printKey, printResourcePrefix, tryParseKey } from '../../datastore/keys.ts';
import type { Datastore, Listing } from '../../datastore/port.ts';
import { parseResourceAt } from '../../datastore/resource/resource-codec.ts';
import type { StoreCache, StoreUpdate } from '../../ipam/commit.ts';
import { createKeyCache } from '../../ipam/key-cache.ts';
import { ABSENT } from '../../ipam/transaction-builder.ts';
import { type IpamView, openIpamView } from '../../ipam/view.ts';
import { workloadEndpoint } from '../../model/endpoint/workload-endpoint.ts';
import { endpointNamePrefix } from '../../model/endpoint/workload-endpoint-name.ts';
import type { Kind } from '../../model/meta/kind.ts';
import type { Resource } from '../../model/meta/resource.ts';
import { clusterInformation } from '../../model/node/cluster-information.ts';
import { createEndpointIndex, type EndpointReader, type LocalEndpoint } from './endpoint-index.ts';

/**
 * Give `apply` every update below the prefixes of resources and of IPAM, and `setInSync` true when the first listing is
 * through. Losing the store later changes nothing: what is remembered is checked with every commit. The endpoints are those of
 * this node that its agent attached.
 */
export interface NodeCache extends StoreCache, EndpointReader {
  readonly ipam: IpamView;
  /** What ClusterInformation has. */
  isDatastoreReady(): boolean;
  /** False says that everything that stands will come through `apply` again: what does not has gone. */
  setInSync(inSync: boolean): void;
  isInSync(): boolean;
  /** Resolves as soon as the cache is in sync; throws `not-ready` when it is not within timeoutMs. */
  untilInSync(timeoutMs: number): Promise<void>;
}

const ENDPOINTS = printResourcePrefix('WorkloadEndpoint');
const PROFILES = printResourcePrefix('Profile');
const CLUSTER = printKey({
  kind: 'resource',
  resourceKind: 'ClusterInformation',
  namespace: undefined,
  name: 'default',
});
/** A profile's own word that its network is internal. */
export const INTERNAL_NETWORK = 'ocicat/internal';
/** Stands in for the value of a profile that says nothing of that: only the being there matters. */
const PRESENT = '{}';

/** What is kept of a profile. */
function summarise(profile: string): string {
  return profile.includes(INTERNAL_NETWORK) ? profile : PRESENT;
}

/** The stored resource, or undefined when it cannot be understood. */
function tryRead<R extends Resource>(kind: Kind<R>, key: string, text: string): R | undefined {
  try {
    return parseResourceAt(kind, key, text);
  } catch (error) {
    if (isOcicatError(error, 'corrupt')) return undefined;
    throw error;
  }
}

function isEndpointNamed(key: string, prefix: string): boolean {
  if (!key.startsWith(ENDPOINTS)) return false;
  const named = tryParseKey(key);
  return named?.kind === 'resource' && named.name.startsWith(prefix);
}

/** What was known and stands no more has gone. Of what stands, `apply` leaves out what is not its own. */
function takeListing({ kvs, revision }: Listing, known: readonly string[], apply: (update: StoreUpdate) => void): void {
  const standing = new Set(kvs.map((kv) => kv.key));
  for (const key of known) if (!standing.has(key)) apply({ key, value: undefined, modRevision: revision });
  for (const kv of kvs) apply(kv);
}

export function openNodeCache(datastore: Datastore, nodeName: string): NodeCache {
  const ipam = openIpamView(datastore, nodeName);
  const { set: indexEndpoint, ...endpoints } = createEndpointIndex();
  const cache = createKeyCache((key) => {
    if (key.startsWith(ENDPOINTS)) indexEndpoint(key, readEndpoint(key));
  });
  const ownPrefix = endpointNamePrefix(nodeName);
  const waiting: (() => void)[] = [];
  let inSync = false;

  function readEndpoint(key: string): LocalEndpoint | undefined {
    const { value, modRevision = 0 } = cache.get(key) ?? {};
    const endpoint = value === undefined ? undefined : tryRead(workloadEndpoint, key, value);
    return endpoint === undefined ? undefined : { key, endpoint, modRevision };
  }

  const isCached = (key: string) => key === CLUSTER || key.startsWith(PROFILES) || isEndpointNamed(key, ownPrefix);

  function apply(update: StoreUpdate): void {
    ipam.apply(update);
    const { key, value } = update;
    if (isCached(key))
      cache.apply(value !== undefined && key.startsWith(PROFILES) ? { ...update, value: summarise(value) } : update);
  }

  return {
    ...endpoints,
    ipam,
    apply,
    known: (key) => cache.get(key) ?? (inSync && isCached(key) ? ABSENT : undefined) ?? ipam.known(key),
    async refresh(signal) {
      await Promise.all([
        ipam.refresh(signal),
        ...[ENDPOINTS, PROFILES, CLUSTER].map(async (prefix) =>
          takeListing(await datastore.list(prefix, {}, signal), cache.keysUnder(prefix), apply),
        ),
      ]);
    },
    isDatastoreReady() {
      const information = cache.meaningOf(CLUSTER, (text) => tryRead(clusterInformation, CLUSTER, text));
      return information?.spec.datastoreReady === true;
    },
    setInSync(now) {
      inSync = now;
      ipam.setInSync(now);
      if (!now) return cache.beginListing();
      cache.endListing();
      for (const wake of waiting.splice(0)) wake();
    },
    isInSync: () => inSync,
    async untilInSync(timeoutMs) {
      if (!inSync) await Promise.race([new Promise<void>((resolve) => waiting.push(resolve)), Bun.sleep(timeoutMs)]);
      if (!inSync) throw new OcicatError('not-ready', 'the agent has not read the datastore yet: try again');
    },
  };
}
