// Builds an image of our own from files, as an OCI image layout directory.
import { createHash } from 'node:crypto';
import { createWriteStream, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { temporaryPath } from '../../sys/replace-file.ts';
import { type LayerEntry, printLayer } from '../archive/layer-entries.ts';
import { computeDigest, type Digest, finishDigest } from '../spec/digest.ts';
import type { Platform } from '../spec/manifest.ts';

/** What the image runs with; everything may be left out. Names and meaning: OCI image-spec, config.md. */
export interface BuildConfig {
  readonly User?: string;
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly Env?: readonly string[];
  readonly WorkingDir?: string;
  readonly ExposedPorts?: readonly string[];
  readonly Volumes?: readonly string[];
  readonly Labels?: Readonly<Record<string, string>>;
}

/** What to build, and where. */
export interface BuildRequest {
  /** Is made, and may exist: blobs and the index are replaced. */
  readonly directory: string;
  /** Bottom-most first. */
  readonly layers: readonly (readonly LayerEntry[])[];
  readonly config?: BuildConfig;
  /** linux on this machine by default. */
  readonly platform?: Platform;
}

/** An OCI descriptor as it stands in JSON. */
interface JsonDescriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/** Returns the manifest's digest. Equal input gives equal bytes. Source: OCI image-spec, image-layout.md. */
export async function buildImage(request: BuildRequest): Promise<Digest> {
  const { directory } = request;
  rmSync(join(directory, 'index.json'), { force: true });
  mkdirSync(join(directory, 'blobs/sha256'), { recursive: true });
  const layers: { readonly descriptor: JsonDescriptor; readonly diffId: Digest }[] = [];
  for (const entries of request.layers) layers.push(await writeLayer(directory, entries));
  const platform = request.platform ?? hostPlatform();
  const config = writeBlob(directory, 'application/vnd.oci.image.config.v1+json', {
    ...platform,
    config: printConfig(request.config ?? {}),
    rootfs: { type: 'layers', diff_ids: layers.map((layer) => layer.diffId.text) },
  });
  const manifest = writeBlob(directory, 'application/vnd.oci.image.manifest.v1+json', {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: config.descriptor,
    layers: layers.map((layer) => layer.descriptor),
  });
  writeFileSync(join(directory, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  const index = { schemaVersion: 2, manifests: [{ ...manifest.descriptor, platform }] };
  writeFileSync(join(directory, 'index.json'), JSON.stringify(index));
  return manifest.digest;
}

function hostPlatform(): Platform {
  const names: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386', ppc64: 'ppc64le' };
  return { os: 'linux', architecture: names[process.arch] ?? process.arch, variant: undefined };
}

/** Sets are objects with empty values in the format. */
function printConfig(config: BuildConfig): object {
  const asSet = (keys: readonly string[] | undefined): object | undefined =>
    keys === undefined ? undefined : Object.fromEntries(keys.map((key) => [key, {}]));
  return { ...config, ExposedPorts: asSet(config.ExposedPorts), Volumes: asSet(config.Volumes) };
}

async function writeLayer(
  directory: string,
  entries: readonly LayerEntry[],
): Promise<{ readonly descriptor: JsonDescriptor; readonly diffId: Digest }> {
  const plain = createHash('sha256');
  const packed = createHash('sha256');
  const tmp = temporaryPath(directory);
  try {
    await pipeline(
      Readable.from(tap(printLayer(entries), plain)),
      createGzip(),
      (chunks) => tap(chunks, packed),
      createWriteStream(tmp),
    );
    const digest = finishDigest(packed, 'sha256');
    const size = statSync(tmp).size;
    renameSync(tmp, join(directory, 'blobs/sha256', digest.hex));
    const mediaType = 'application/vnd.oci.image.layer.v1.tar+gzip';
    return { descriptor: { mediaType, digest: digest.text, size }, diffId: finishDigest(plain, 'sha256') };
  } finally {
    rmSync(tmp, { force: true });
  }
}

async function* tap(
  chunks: AsyncIterable<Uint8Array>,
  hash: ReturnType<typeof createHash>,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    hash.update(chunk);
    yield chunk;
  }
}

function writeBlob(
  directory: string,
  mediaType: string,
  document: object,
): { readonly descriptor: JsonDescriptor; readonly digest: Digest } {
  const bytes = Buffer.from(JSON.stringify(document));
  const digest = computeDigest(bytes);
  writeFileSync(join(directory, 'blobs/sha256', digest.hex), bytes);
  return { descriptor: { mediaType, digest: digest.text, size: bytes.length }, digest };
}
