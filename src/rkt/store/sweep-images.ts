// Deleting the image layers that neither an image nor a pod needs any more.
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { type ImageStore, openImageStore } from '../../images/store/store.ts';
import { observePods } from './pod-store.ts';
import { appNames, readLayers } from './rootfs.ts';

/** Layer paths of every pod. Throws when a pod's cannot be read: then nothing may be swept. */
function usedLayers(dataDir: string): readonly string[] {
  return observePods(dataDir).flatMap((pod) => appNames(pod.path).flatMap((app) => readLayers(pod.path, app)));
}

/** Sweeps an open store. Does nothing while others have it open, or while a pod cannot be read. */
export function sweepStore(dataDir: string, store: ImageStore): void {
  let used: readonly string[];
  try {
    used = usedLayers(dataDir);
  } catch {
    return; // a pod that is being made or damaged; the next sweep will see
  }
  store.sweep(used);
}

/** Sweeps the store of a data directory, if there is one. */
export function sweepImages(dataDir: string): void {
  if (statSync(join(dataDir, 'cas'), { throwIfNoEntry: false }) === undefined) return;
  const store = openImageStore(dataDir);
  try {
    sweepStore(dataDir, store);
  } finally {
    store.close();
  }
}
