// Everything that policy looks at, out of the store as of one revision.
import { printResourcePrefix, type ResourceKind, tryParseKey } from '../../datastore/keys.ts';
import type { Datastore, Revision } from '../../datastore/port.ts';
import { type Cluster, readCluster, type StoredDocument } from '../../why/cluster.ts';

const KINDS = [
  ...['WorkloadEndpoint', 'HostEndpoint', 'NetworkSet', 'GlobalNetworkSet', 'Profile', 'Tier'],
  ...['NetworkPolicy', 'GlobalNetworkPolicy', 'StagedNetworkPolicy', 'StagedGlobalNetworkPolicy'],
  ...['Node', 'FelixConfiguration'],
] as readonly ResourceKind[];

/** All resources of the kinds that policy looks at, staged policies among them; hosts, and what they do with packets for them. */
export async function fetchDocuments(datastore: Datastore, signal: AbortSignal): Promise<readonly StoredDocument[]> {
  const documents: StoredDocument[] = [];
  let revision: Revision | undefined;
  for (const kind of KINDS) {
    const options = revision === undefined ? {} : { revision };
    const listing = await datastore.list(printResourcePrefix(kind), options, signal);
    revision ??= listing.revision;
    for (const { key, value } of listing.kvs) {
      const named = tryParseKey(key);
      if (named?.kind !== 'resource') continue;
      documents.push({ kind, namespace: named.namespace, name: named.name, text: value });
    }
  }
  return documents;
}

export async function fetchCluster(datastore: Datastore, signal: AbortSignal): Promise<Cluster> {
  return readCluster(await fetchDocuments(datastore, signal));
}
