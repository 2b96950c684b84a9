// Pulling an image from a registry into the store: manifest, configuration, layers, record.
import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isOcicatError, OcicatError } from '../../base/errors.ts';
import { openExclusiveLock } from '../../sys/lock.ts';
import { openAllowance } from '../archive/allowance.ts';
import { blobPath, discardBlob } from '../registry/download.ts';
import { openRegistry, type Registry } from '../registry/registry.ts';
import { computeChainIds, type Digest, printDigestName } from '../spec/digest.ts';
import { type Descriptor, parseImageDocument, parseManifest } from '../spec/manifest.ts';
import { choosePlatform, computePlatformLabels, formatPlatforms } from '../spec/platform.ts';
import { computeImageName, printTarget } from '../spec/reference.ts';
import { computeImageId, type ImageLayer, type ImageRecord } from '../store/record.ts';
import { tryReadTree } from '../store/tree.ts';
import type { FetchRequest } from './fetch.ts';
import { pullLayers } from './pull-layers.ts';

/** Returns the record once every layer is unpacked and the store remembers the reference. */
export async function pullImage(request: FetchRequest): Promise<ImageRecord> {
  const { store, reference, progress, signal } = request;
  progress({ kind: 'debug', text: `fetching image from docker://${reference.literal}` });
  const registry = openRegistry(request);
  const image = await resolveImage(request, registry);
  const present = adoptPresent(request, image.manifestDigest);
  if (present !== undefined) return present;
  const lockPath = join(store.layout.locks, printDigestName(image.manifestDigest));
  const onWait = (): void =>
    progress({ kind: 'note', text: 'another rkt instance is downloading this file, waiting...' });
  const lock = await openExclusiveLock(lockPath, onWait, signal);
  try {
    return adoptPresent(request, image.manifestDigest) ?? (await pullContent(request, registry, image));
  } finally {
    rmSync(lockPath, { force: true });
    lock.close();
  }
}

interface ResolvedImage {
  readonly manifestDigest: Digest;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

/** Asks for the reference's manifest and, if that is an index, for this machine's entry in it. */
async function resolveImage(request: FetchRequest, registry: Registry): Promise<ResolvedImage> {
  const what = `manifest of "docker://${request.reference.literal}"`;
  const first = await registry.fetchManifest(printTarget(request.reference));
  const manifest = parseManifest(what, first.json, first.contentType);
  if (manifest.kind === 'image') return { ...manifest, manifestDigest: first.digest };
  const entry = choosePlatform(manifest.entries, process.arch);
  if (entry === undefined) {
    throw new OcicatError(
      'unsupported',
      `${what}: has images for ${formatPlatforms(manifest.entries)}, wanted linux on ${process.arch}`,
    );
  }
  const second = await registry.fetchManifest(entry.digest.text);
  const chosen = parseManifest(what, second.json, second.contentType);
  if (chosen.kind === 'image') return { ...chosen, manifestDigest: second.digest };
  throw new OcicatError('unsupported', `${what}: is an index of indexes`);
}

/** The image under this reference's name if the store has it whole, touched, and remembered by this reference from now on. */
function adoptPresent(request: FetchRequest, manifestDigest: Digest): ImageRecord | undefined {
  const { store, reference } = request;
  const { name, version } = describeReference(request);
  const stored = store.tryGet(computeImageId(name, version, manifestDigest));
  if (stored === undefined || !store.isWhole(stored)) return undefined;
  store.remember(reference.literal, stored.id);
  store.touch(stored.id);
  return stored;
}

function describeReference(request: FetchRequest): { readonly name: string; readonly version: string | undefined } {
  const { reference } = request;
  const version = reference.target.kind === 'tag' ? reference.target.tag : undefined;
  return { name: computeImageName(reference), version };
}

/** An image that is refused leaves nothing behind; one whose download broke is continued the next time. */
async function pullLayersOrNone(
  request: FetchRequest,
  registry: Registry,
  blobs: readonly Descriptor[],
  diffIds: readonly Digest[],
): Promise<readonly ImageLayer[]> {
  const { store, reference, maxImageBytes, progress, signal } = request;
  const { layout } = store;
  const image = `docker://${reference.literal}`;
  const allowance = openAllowance({ image, maxBytes: maxImageBytes, directory: dirname(layout.tmp) });
  const missing = computeChainIds(diffIds).filter((chainId) => tryReadTree(layout, chainId) === undefined);
  try {
    return await pullLayers({ layout, registry, blobs, diffIds, allowance, progress, signal });
  } catch (error) {
    if (!isOcicatError(error, 'unavailable', 'timeout', 'aborted')) {
      store.discardTrees(missing);
      for (const blob of blobs) discardBlob(layout, blob);
    }
    throw error;
  }
}

async function pullContent(request: FetchRequest, registry: Registry, image: ResolvedImage): Promise<ImageRecord> {
  const what = `configuration of "docker://${request.reference.literal}"`;
  const document = parseImageDocument(what, await registry.fetchDocument(image.config));
  const platform = computePlatformLabels(document.platform);
  if (document.diffIds.length !== image.layers.length) {
    const counts = `${document.diffIds.length} diff IDs for ${image.layers.length} layers`;
    throw new OcicatError('invalid', `${what}: has ${counts}, wanted as many`);
  }
  const layers = await pullLayersOrNone(request, registry, image.layers, document.diffIds);
  const { name, version } = describeReference(request);
  const nowMs = Date.now();
  const record: ImageRecord = {
    id: computeImageId(name, version, image.manifestDigest),
    name,
    version,
    labels: version === undefined ? platform : { version, ...platform },
    manifestDigest: image.manifestDigest,
    config: document.config,
    layers,
    sizeBytes: layers.reduce((sum, layer) => sum + layer.sizeBytes, 0),
    importedAtMs: nowMs,
    lastUsedMs: nowMs,
  };
  request.store.put(record);
  request.store.remember(request.reference.literal, record.id);
  for (const blob of image.layers) rmSync(blobPath(request.store.layout, blob), { force: true });
  return record;
}
