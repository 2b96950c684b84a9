// What no real registry would send: documents that are too deep, too large, of other kinds, or not what their digest says.
import { type ImageParts, makeBlob, makeImage } from './hostile-images.ts';

/** What a registry answers for one tag, and for the blobs of it. */
export interface Forgery {
  readonly manifest: string;
  readonly mediaType: string;
  readonly blobs: ReadonlyMap<string, Uint8Array>;
}

export interface DocumentAttack {
  readonly name: string;
  readonly forgery: () => Forgery;
  readonly refused: RegExp;
}

const image = 'application/vnd.docker.distribution.manifest.v2+json';
const index = 'application/vnd.oci.image.index.v1+json';

function blobsOf({ blobs }: ImageParts): ReadonlyMap<string, Uint8Array> {
  return new Map(blobs.map(({ digest, bytes }) => [digest, bytes]));
}

function document(name: string, refused: RegExp, manifest: string, mediaType = image): DocumentAttack {
  return { name, refused, forgery: () => ({ manifest, mediaType, blobs: new Map() }) };
}

/** A good manifest whose configuration is this text. */
function configuration(name: string, refused: RegExp, text: string, forged = text): DocumentAttack {
  const blob = makeBlob(text);
  const config = { mediaType: 'x', digest: blob.digest, size: blob.bytes.length };
  const manifest = JSON.stringify({ schemaVersion: 2, mediaType: image, config, layers: [] });
  const blobs = new Map([[blob.digest, Buffer.from(forged)]]);
  return { name, refused, forgery: () => ({ manifest, mediaType: image, blobs }) };
}

const digest = `sha256:${'0'.repeat(64)}`;
const entry = (os: string, architecture: string) => ({
  mediaType: image,
  digest,
  size: 1,
  platform: { os, architecture },
});
const indexOf = (manifests: readonly unknown[]): string =>
  JSON.stringify({ schemaVersion: 2, mediaType: index, manifests });
const deep = '['.repeat(200_000);
const layered = (layer: unknown): string =>
  JSON.stringify({ schemaVersion: 2, mediaType: image, config: { digest, size: 1 }, layers: [layer] });

function forgedLayer(): Forgery {
  const parts = makeImage({ layers: [[{ name: 'f', content: 'of this image alone' }]] });
  const blobs = new Map(blobsOf(parts));
  const last = parts.blobs.at(-1);
  if (last !== undefined) blobs.set(last.digest, Buffer.alloc(last.bytes.length, 'x'));
  return { manifest: JSON.stringify(parts.manifest), mediaType: image, blobs };
}

export const documentAttacks: readonly DocumentAttack[] = [
  document('a manifest of 200,000 brackets', /is nested deeper than 500 levels/, deep),
  document('a manifest of 200,000 objects', /is nested deeper than 500 levels/, '{"a":'.repeat(200_000)),
  document('an index of 200,000 brackets', /is nested deeper than 500 levels/, `{"manifests":${deep}`, index),
  document(
    'a manifest with a number of a million digits',
    /has a number of 1000000 digits/,
    `{"schemaVersion":${'9'.repeat(1_000_000)}}`,
  ),
  document('a manifest of 5 MB', /answers with more than 4194304 bytes/, JSON.stringify({ x: 'x'.repeat(5_000_000) })),
  document('a manifest that is no JSON', /is not JSON/, 'x'),
  document('a manifest that is a list', /found a list of 0, wanted an object/, '[]'),
  document('a manifest of schema 1', /is a docker schema 1 manifest/, '{"schemaVersion":1}'),
  document(
    'a manifest with the prototype of another',
    /config: found nothing, wanted an object/,
    `{"schemaVersion":2,"__proto__":{"config":{"digest":"${digest}","size":1},"layers":[]}}`,
  ),
  document(
    'an index of other platforms',
    /has images for windows\/amd64, plan9\/mips, wanted linux/,
    indexOf([entry('windows', 'amd64'), entry('plan9', 'mips')]),
    index,
  ),
  document(
    'an index of 15,000 images',
    /wanted at most 1000/,
    indexOf(Array.from({ length: 15_000 }, () => entry('linux', 'amd64'))),
    index,
  ),
  document('an index of control characters', /has images for /, indexOf([entry('\u001b[2J', '\u009b')]), index),
  document(
    'an image whose manifest nobody has',
    /bad HTTP status code: 404/,
    indexOf([entry('linux', 'amd64')]),
    index,
  ),
  document(
    'a layer whose digest is a path',
    /wanted a sha256 or sha512 digest/,
    layered({ digest: 'sha256:../../../../etc/shadow', size: 1 }),
  ),
  document('a layer of less than nothing', /size: found -1, wanted a whole number/, layered({ digest, size: -1 })),
  document('a layer of half a byte', /size: found 0.5, wanted a whole number/, layered({ digest, size: 0.5 })),
  configuration('a configuration of 200,000 brackets', /is nested deeper than 500 levels/, deep),
  configuration(
    'a configuration that is another',
    /sent content with digest sha256:\w+, wanted sha256:/,
    '{"a":1}',
    '{"a":2}',
  ),
  configuration(
    'a configuration of 5 MB',
    /answers with more than 4194304 bytes/,
    JSON.stringify({ x: 'x'.repeat(5_000_000) }),
  ),
  configuration(
    'an image for another system',
    /bad os "plan9"/,
    JSON.stringify({ os: 'plan9', architecture: 'amd64', rootfs: { diff_ids: [] } }),
  ),
  configuration(
    'an image for another machine',
    /bad arch "pdp11"/,
    JSON.stringify({ os: 'linux', architecture: 'pdp11', rootfs: { diff_ids: [] } }),
  ),
  configuration(
    'fewer layers than it says',
    /1 diff IDs for 0 layers/,
    JSON.stringify({ os: 'linux', architecture: 'amd64', rootfs: { diff_ids: [digest] } }),
  ),
  { name: 'a layer that is another', refused: /the content has another digest/, forgery: forgedLayer },
];

/** Words on the command line that are no reference. */
export const badReferences: readonly string[] = [
  'docker://registry.invalid/attack/image:../../x',
  'docker://registry.invalid/attack/../../x',
  'docker://registry.invalid/attack/image:a/b',
  'docker://registry.invalid/attack/image:a?b#c',
  'docker://registry.invalid/attack/image:',
  `docker://registry.invalid/attack/image:${'x'.repeat(129)}`,
  'docker://registry.invalid/attack/image@sha256:zz',
  'docker://user:password@registry.invalid/attack/image',
  'docker://registry.invalid:99999/attack/image',
  'docker://registry.invalid/attack/image:\u001b[2J',
  'docker://registry.invalid/attack/image:a\nb',
  'docker://',
];
