// The whole move of one store's content into another: planned, the first locked, planned again, written.
import { OcicatError } from '../../base/errors.ts';
import { HOLDERS_PREFIX, IPAM_PREFIX, RESOURCES_PREFIX } from '../../datastore/keys.ts';
import type { Datastore } from '../../datastore/port.ts';
import { isLocked, setReady } from '../store/datastore-lock.ts';
import { retryConflict } from '../store/retry.ts';
import { computeMovePlan, type MovePlan } from './plan.ts';
import type { StoreContent } from './step.ts';
import { writePlan } from './write.ts';

export interface MovedStores {
  /** This machine's own. */
  readonly own: Datastore;
  readonly cluster: Datastore;
}

async function readContent(datastore: Datastore, signal: AbortSignal): Promise<StoreContent> {
  const listings = [RESOURCES_PREFIX, IPAM_PREFIX, HOLDERS_PREFIX].map((prefix) => datastore.list(prefix, {}, signal));
  const kvs = (await Promise.all(listings)).flatMap((listing) => listing.kvs);
  return new Map(kvs.map((kv) => [kv.key, kv]));
}

/** Throws `conflict` with every conflict. */
async function planMove({ own, cluster }: MovedStores, signal: AbortSignal): Promise<MovePlan> {
  const plan = computeMovePlan(await readContent(own, signal), await readContent(cluster, signal));
  const { conflicts } = plan;
  if (conflicts.length === 0) return plan;
  const lines = conflicts.map((line) => `\n  ${line}`).join('');
  throw new OcicatError(
    'already-exists',
    `datastore move: nothing is moved, since this cannot be in the cluster:${lines}`,
  );
}

/** Throws `already-exists` with every conflict, `not-ready` for a cluster that is locked. Writes nothing. */
export async function checkMove(stores: MovedStores, signal: AbortSignal): Promise<MovePlan> {
  if (await isLocked(stores.cluster, signal))
    throw new OcicatError('not-ready', 'datastore move: the cluster is locked; unlock it first');
  return planMove(stores, signal);
}

/**
 * Leaves the first store locked and all that was in it in the second, where nothing that stood is changed but blocks that
 * both have. A stop at any step leaves what another run brings to its end. Throws as checkMove does; the lock is then as it was.
 */
export async function moveContent(stores: MovedStores, signal: AbortSignal): Promise<void> {
  await checkMove(stores, signal);
  const wasLocked = await isLocked(stores.own, signal);
  await setReady(stores.own, false, signal);
  try {
    await retryConflict(async () => writePlan(stores.cluster, (await planMove(stores, signal)).writes, signal));
  } catch (error) {
    if (!wasLocked) await setReady(stores.own, true, signal);
    throw error;
  }
}
