// What the store knows about one image: identity, configuration, and the stack of layer trees it is made of.
import { createHash } from 'node:crypto';
import { parseDocument } from '../../schema/parse.ts';
import { integer, text } from '../../schema/scalars.ts';
import { list, map, object, optional, type Schema } from '../../schema/schema.ts';
import type { Digest } from '../spec/digest.ts';
import { type ImageConfig, imageConfig } from '../spec/image-config.ts';
import { digest } from '../spec/manifest.ts';

/** One layer of an image. */
export interface ImageLayer {
  /** Digest of the uncompressed tar. */
  readonly diffId: Digest;
  /** Name of the stack up to and including this layer. */
  readonly chainId: Digest;
  /** Size of the uncompressed tar. */
  readonly sizeBytes: number;
}

/** One image of the store. */
export interface ImageRecord {
  /** `sha512-` and 64 hex digits; see computeImageId. */
  readonly id: string;
  /** Registry and repository, e.g. `registry-1.docker.io/library/busybox`. */
  readonly name: string;
  /** The tag it was fetched by; undefined when fetched by digest. */
  readonly version?: string | undefined;
  /** Labels as rkt names them: `version` if there is one, `os`, `arch`. */
  readonly labels: Readonly<Record<string, string>>;
  readonly manifestDigest: Digest;
  readonly config: ImageConfig;
  /** Bottom-most first. */
  readonly layers: readonly ImageLayer[];
  /** All layers, uncompressed. Shared layers count in every image. */
  readonly sizeBytes: number;
  readonly importedAtMs: number;
  readonly lastUsedMs: number;
}

/** `name[:version]`, as lists show an image. */
export function formatImageName(image: Pick<ImageRecord, 'name' | 'version'>): string {
  return image.version === undefined ? image.name : `${image.name}:${image.version}`;
}

/**
 * rkt's shape of an image ID, `sha512-` and the first 64 hex digits of a SHA-512. rkt hashed the archive it built, which
 * held name, version and content; there is no such archive here, so the hash is over the shown name and the manifest's
 * digest, which fixes the content. The same content under two names is two images that share their layers.
 */
export function computeImageId(name: string, version: string | undefined, manifestDigest: Digest): string {
  const identity = `${formatImageName({ name, version })}\n${manifestDigest.text}\n`;
  return `sha512-${createHash('sha512').update(identity).digest('hex').slice(0, 64)}`;
}

const size = integer(0, Number.MAX_SAFE_INTEGER);

const imageRecord: Schema<Omit<ImageRecord, 'lastUsedMs'>> = object({
  id: text({ wanted: 'an image ID', pattern: /^sha512-[0-9a-f]{64}$/ }),
  name: text(),
  version: optional(text()),
  labels: map(text(), text()),
  manifestDigest: digest,
  config: imageConfig,
  layers: list(object({ diffId: digest, chainId: digest, sizeBytes: size })),
  sizeBytes: size,
  importedAtMs: size,
});

/** Throws `invalid`, naming the file and every issue. */
export function parseRecord(path: string, json: string, lastUsedMs: number): ImageRecord {
  return { ...parseDocument(`image record "${path}"`, json, imageRecord, 'closed'), lastUsedMs };
}

/** The text that parseRecord reads; the time of last use is not in it. */
export function printRecord(record: Omit<ImageRecord, 'lastUsedMs'>): string {
  const layers = record.layers.map((layer) => ({
    diffId: layer.diffId.text,
    chainId: layer.chainId.text,
    sizeBytes: layer.sizeBytes,
  }));
  const { id, name, version, labels, manifestDigest, config, sizeBytes, importedAtMs } = record;
  return `${JSON.stringify({ id, name, version, labels, manifestDigest: manifestDigest.text, config, layers, sizeBytes, importedAtMs })}\n`;
}
