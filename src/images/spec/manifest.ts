// Registry documents: image indexes, manifests and configurations, parsed whole or refused with every issue.
// Source: OCI image-spec (image-index.md, manifest.md, config.md) and distribution's manifest v2 schema 2.
import { OcicatError } from '../../base/errors.ts';
import { parseDocument } from '../../schema/parse.ts';
import { integer, parsedText, text } from '../../schema/scalars.ts';
import { list, object, optional } from '../../schema/schema.ts';
import { type Digest, tryParseDigest } from './digest.ts';
import { emptyImageConfig, type ImageConfig, imageConfig } from './image-config.ts';

/** As registries themselves limit manifests; configurations have the same limit here. */
export const MAX_MANIFEST_BYTES = 4 * 1024 * 1024;
/** As docker allows; an overlay mount takes fewer. */
const MAX_LAYERS = 127;

/** A blob as a manifest names it. */
export interface Descriptor {
  readonly digest: Digest;
  readonly sizeBytes: number;
}

/** Named as registries (and Go) do: `linux`, `amd64`, `v8`. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string | undefined;
}

/** One image of an index. */
export interface IndexEntry extends Descriptor {
  readonly platform: Platform | undefined;
}

/** An index of images for several platforms, or one image. */
export type Manifest =
  | { readonly kind: 'index'; readonly entries: readonly IndexEntry[] }
  | { readonly kind: 'image'; readonly config: Descriptor; readonly layers: readonly Descriptor[] };

/** The value of an Accept header. */
export const MANIFEST_TYPES = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
];

const indexTypes: readonly (string | undefined)[] = MANIFEST_TYPES.slice(0, 2);
const imageTypes: readonly (string | undefined)[] = MANIFEST_TYPES.slice(2);

export const digest = parsedText('a sha256 or sha512 digest', tryParseDigest);

const descriptor = { digest, size: integer(0, Number.MAX_SAFE_INTEGER) };
const platform = object({ os: text(), architecture: text(), variant: optional(text()) });
const header = object({
  schemaVersion: integer(1, 2),
  mediaType: optional(text()),
  manifests: optional(list(object({}))),
});
const imageIndex = object({
  manifests: list(object({ ...descriptor, platform: optional(platform) }), { maxItems: 1000 }),
});
const imageManifest = object({
  config: object(descriptor),
  layers: list(object(descriptor), { maxItems: MAX_LAYERS }),
});

/** `contentType` is the answer's header; it decides when the document itself does not. Throws `invalid` or `unsupported`. */
export function parseManifest(what: string, json: string, contentType: string | undefined): Manifest {
  const {
    schemaVersion,
    mediaType = contentType?.split(';')[0]?.trim(),
    manifests,
  } = parseDocument(what, json, header, 'open');
  if (schemaVersion === 1) {
    throw new OcicatError(
      'unsupported',
      `${what}: is a docker schema 1 manifest, wanted schema 2 or OCI; push the image again with a present-day tool`,
    );
  }
  if (indexTypes.includes(mediaType) || (!imageTypes.includes(mediaType) && manifests !== undefined)) {
    const entries = parseDocument(what, json, imageIndex, 'open').manifests;
    return { kind: 'index', entries: entries.map((entry) => ({ ...toDescriptor(entry), platform: entry.platform })) };
  }
  const { config, layers } = parseDocument(what, json, imageManifest, 'open');
  return { kind: 'image', config: toDescriptor(config), layers: layers.map(toDescriptor) };
}

function toDescriptor(raw: { readonly digest: Digest; readonly size: number }): Descriptor {
  return { digest: raw.digest, sizeBytes: raw.size };
}

/** What an image's configuration blob says. */
export interface ImageDocument {
  readonly platform: Platform;
  readonly config: ImageConfig;
  readonly diffIds: readonly Digest[];
}

const imageDocument = object({
  os: text(),
  architecture: text(),
  variant: optional(text()),
  config: optional(imageConfig),
  rootfs: object({ diff_ids: list(digest, { maxItems: MAX_LAYERS }) }),
});

/** Throws `invalid` with every issue. */
export function parseImageDocument(what: string, json: string): ImageDocument {
  const { os, architecture, variant, config, rootfs } = parseDocument(what, json, imageDocument, 'open');
  return { platform: { os, architecture, variant }, config: config ?? emptyImageConfig, diffIds: rootfs.diff_ids };
}
