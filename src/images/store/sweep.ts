// Clearing the store: what a killed fetch left, and layer trees that nobody needs any more.
import { existsSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { removeTree } from '../../sys/remove-tree.ts';
import { temporaryPath } from '../../sys/replace-file.ts';
import type { Digest } from '../spec/digest.ts';
import { type StoreLayout, treePath } from './layout.ts';
import type { ImageRecord } from './record.ts';

/** A download that nobody continued for a day is not wanted any more. */
const MAX_BLOB_AGE_MS = 24 * 3600 * 1000;

/** Call only while holding the store alone. */
export function sweepTemporaryFiles(layout: StoreLayout, nowMs: number): void {
  for (const dir of [layout.tmp, layout.locks]) {
    for (const name of readdirSync(dir)) removeTree(join(dir, name));
  }
  for (const name of readdirSync(layout.blobs)) {
    const path = join(layout.blobs, name);
    if (nowMs - statSync(path).mtimeMs > MAX_BLOB_AGE_MS) rmSync(path, { force: true });
  }
}

/** Deletes trees that are neither an image's nor below a used path; returns how many. Call only while holding the store alone. */
export function sweepTrees(
  layout: StoreLayout,
  images: readonly ImageRecord[],
  usedLayerPaths: readonly string[],
): number {
  const usedByImages = images.flatMap((image) => image.layers.map((layer) => treePath(layout, layer.chainId)));
  const usedByPods = usedLayerPaths.map((path) => join(layout.trees, relative(layout.trees, path).split('/')[0] ?? ''));
  const used = new Set([...usedByImages, ...usedByPods]);
  const unused = readdirSync(layout.trees).filter((name) => !used.has(join(layout.trees, name)));
  for (const name of unused) discardTree(layout, join(layout.trees, name));
  return unused.length;
}

/** Deletes those of the trees that no image has. Call only while holding the store alone. */
export function discardUnused(layout: StoreLayout, images: readonly ImageRecord[], chainIds: readonly Digest[]): void {
  const used = new Set(images.flatMap((image) => image.layers.map((layer) => treePath(layout, layer.chainId))));
  for (const path of new Set(chainIds.map((chainId) => treePath(layout, chainId)))) {
    if (!used.has(path) && existsSync(path)) discardTree(layout, path);
  }
}

/** Renamed away first, so that a kill cannot leave half a tree in a whole one's place. */
function discardTree(layout: StoreLayout, path: string): void {
  const tmp = temporaryPath(layout.tmp);
  renameSync(path, tmp);
  removeTree(tmp);
}
