// What every store holds before anybody can work with it: ClusterInformation and the three fixed tiers (Calico v3.33,
// libcalico-go/lib/clientv3/client.go).
import { randomUUID } from 'node:crypto';
import { isOcicatError } from '../../base/errors.ts';
import { API_VERSION, type Resource } from '../../model/meta/resource.ts';
import { BUILT_IN_TIERS, type TierSpec } from '../../model/policy/tier.ts';
import type { Datastore } from '../port.ts';
import type { StoredResource } from './resource-codec.ts';
import { createMany, getResource, updateResource } from './resources.ts';

function tierResource([name, spec]: readonly [name: string, spec: TierSpec]): Resource {
  return { kind: 'Tier', apiVersion: API_VERSION, metadata: { name }, spec, status: {} };
}

/** No version: Calico's calicoctl refuses a cluster that names another version than its own, and takes one without. */
function clusterInformation(): Resource {
  const clusterGUID = randomUUID().replaceAll('-', '');
  const spec = { clusterGUID, clusterType: 'rkt', calicoVersion: '', datastoreReady: true };
  return { kind: 'ClusterInformation', apiVersion: API_VERSION, metadata: { name: 'default' }, spec };
}

/** Fills in what another program left out; what stands is kept, a lock and a version above all. */
function completed(stored: StoredResource): Resource | undefined {
  const { clusterGUID, clusterType, datastoreReady } = stored.spec;
  if (clusterGUID && typeof datastoreReady === 'boolean') return undefined;
  const fresh = clusterInformation().spec as Record<string, unknown>;
  const spec = {
    ...stored.spec,
    clusterGUID: clusterGUID || fresh.clusterGUID,
    clusterType: clusterType || fresh.clusterType,
    datastoreReady: datastoreReady ?? true,
  };
  return { ...stored, spec };
}

async function completeClusterInformation(datastore: Datastore, signal: AbortSignal | undefined): Promise<void> {
  const stored = await getResource(datastore, { kind: 'ClusterInformation', name: 'default' }, signal);
  const wanted = completed(stored);
  if (wanted === undefined) return;
  try {
    await updateResource(datastore, wanted, signal);
  } catch (error) {
    if (!isOcicatError(error, 'conflict')) throw error; // Somebody else has just completed it.
  }
}

/** Creates what is missing and changes nothing that is there. Safe to call from many programs at once. */
export async function initialiseDatastore(datastore: Datastore, signal?: AbortSignal): Promise<void> {
  const outcomes = await createMany(
    datastore,
    [clusterInformation(), ...Object.entries(BUILT_IN_TIERS).map(tierResource)],
    signal,
  );
  for (const outcome of outcomes) {
    if (outcome.kind === 'failed' && outcome.error.code !== 'already-exists') throw outcome.error;
  }
  await completeClusterInformation(datastore, signal);
}
