// Brings the layers of an image into the store: downloads several at a time, unpacks from the bottom up as they arrive.
import { closeSync } from 'node:fs';
import { OcicatError } from '../../base/errors.ts';
import type { Allowance } from '../archive/allowance.ts';
import { downloadBlob } from '../registry/download.ts';
import type { FetchProgress } from '../registry/progress.ts';
import type { Registry } from '../registry/registry.ts';
import { computeChainIds, type Digest } from '../spec/digest.ts';
import type { Descriptor } from '../spec/manifest.ts';
import { installLayer } from '../store/install-layer.ts';
import type { StoreLayout } from '../store/layout.ts';
import type { ImageLayer } from '../store/record.ts';
import { type TreeRecord, tryReadTree } from '../store/tree.ts';

/** Layers that come at the same time. */
const PARALLEL_DOWNLOADS = 3;

/** The stack of one image. */
export interface LayersRequest {
  readonly layout: StoreLayout;
  readonly registry: Registry;
  /** Bottom-most first, as many as diff IDs. */
  readonly blobs: readonly Descriptor[];
  readonly diffIds: readonly Digest[];
  readonly allowance: Allowance;
  readonly progress: FetchProgress;
  readonly signal: AbortSignal;
}

interface Step {
  readonly blob: Descriptor;
  readonly diffId: Digest;
  readonly chainId: Digest;
  readonly lowerChainIds: readonly Digest[];
}

/** Returns the layers, all unpacked, bottom-most first. The first failure stops the other downloads; what they have stays for the next try. */
export async function pullLayers(request: LayersRequest): Promise<readonly ImageLayer[]> {
  const failed = new AbortController();
  const signal = AbortSignal.any([request.signal, failed.signal]);
  const steps = planSteps(request);
  const missing = listMissing(request.layout, steps);
  request.allowance.expect(missing.reduce((sum, blob) => sum + blob.sizeBytes, 0));
  const downloads = startDownloads({ ...request, signal }, missing);
  const layers: ImageLayer[] = [];
  try {
    for (const step of steps) {
      const blobFd = await downloads.get(step.blob.digest.text);
      const present = tryReadTree(request.layout, step.chainId);
      if (present !== undefined) request.allowance.addBytes(present.sizeBytes);
      const record = present ?? (await install({ ...request, signal }, step, blobFd));
      layers.push({ diffId: step.diffId, chainId: step.chainId, sizeBytes: record.sizeBytes });
    }
    return layers;
  } finally {
    failed.abort();
    for (const result of await Promise.allSettled(downloads.values())) {
      if (result.status === 'fulfilled') closeSync(result.value);
    }
  }
}

function planSteps(request: LayersRequest): readonly Step[] {
  const chainIds = computeChainIds(request.diffIds);
  const steps: Step[] = [];
  for (const [index, diffId] of request.diffIds.entries()) {
    const blob = request.blobs[index];
    const chainId = chainIds[index];
    if (blob === undefined || chainId === undefined)
      throw new OcicatError('internal', 'layers: blobs and diff IDs differ');
    steps.push({ blob, diffId, chainId, lowerChainIds: chainIds.slice(0, index) });
  }
  return steps;
}

/** Every blob that some missing tree needs, once. */
function listMissing(layout: StoreLayout, steps: readonly Step[]): readonly Descriptor[] {
  const missing = steps.filter(({ chainId }) => tryReadTree(layout, chainId) === undefined);
  return [...new Map(missing.map(({ blob }) => [blob.digest.text, blob])).values()];
}

/** A failure is seen by whoever awaits that blob. */
function startDownloads(request: LayersRequest, blobs: readonly Descriptor[]): ReadonlyMap<string, Promise<number>> {
  const started = new Map<string, Promise<number>>();
  for (const blob of blobs) {
    const before = [...started.values()].slice(0, Math.max(0, started.size - PARALLEL_DOWNLOADS + 1));
    const download = Promise.allSettled(before).then(() => downloadBlob({ ...request, blob }));
    download.catch(() => undefined);
    started.set(blob.digest.text, download);
  }
  return started;
}

async function install(request: LayersRequest, step: Step, blobFd: number | undefined): Promise<TreeRecord> {
  const { layout, allowance, signal } = request;
  if (blobFd !== undefined) return installLayer({ layout, blobFd, ...step, allowance, signal });
  throw new OcicatError('conflict', `layer "${step.chainId.text}": was removed while in use`);
}
