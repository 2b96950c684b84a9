// Makes images that no tool would make, and plants them in a real registry, byte by byte.
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { computeDigest } from '../../src/images/spec/digest.ts';
import { type RawEntry, rawTar } from '../support/images/raw-tar.ts';

/** Entries become a compressed tar; `blob` is sent as it is. */
export type HostileLayer =
  | readonly RawEntry[]
  | {
      readonly blob: Uint8Array;
      /** Stated in the configuration; the digest of `blob` by default. */
      readonly diffId?: string;
      /** Stated in the manifest. */
      readonly size?: number;
    };

/** A layer of busybox, and these above it. */
export interface HostileImage {
  readonly layers?: readonly HostileLayer[];
  /** The `config` of the image's configuration. */
  readonly config?: unknown;
}

/** Bytes under the digest that they have. */
export interface Blob {
  readonly bytes: Uint8Array;
  readonly digest: string;
}

/** What an image is made of; the blobs include its configuration. */
export interface ImageParts {
  readonly blobs: readonly Blob[];
  readonly manifest: unknown;
}

export function makeBlob(bytes: Uint8Array | string): Blob {
  const content = Buffer.from(bytes);
  return { bytes: content, digest: computeDigest(content).text };
}

const applets =
  'sh cat chmod chown chroot dd echo env grep head id ls mkdir mknod mount ps pwd readlink rm sleep stat tail test touch wc';

const baseTar = rawTar([
  { name: 'bin/busybox', mode: 0o755, content: readFileSync('/bin/busybox') },
  ...applets.split(' ').map((name) => ({ name: `bin/${name}`, type: '2', link: 'busybox' })),
  { name: 'etc/passwd', content: 'root:x:0:0:root:/root:/bin/sh\nuser1:x:1000:1000::/:/bin/sh\n' },
  { name: 'etc/group', content: 'root:x:0:\n' },
]);
const base = { blob: makeBlob(gzipSync(baseTar)), diffId: computeDigest(baseTar).text, size: undefined };

function makeLayer(layer: HostileLayer): { blob: Blob; diffId: string; size: number | undefined } {
  if ('blob' in layer) {
    const blob = makeBlob(layer.blob);
    return { blob, diffId: layer.diffId ?? blob.digest, size: layer.size };
  }
  const tar = rawTar(layer);
  return { blob: makeBlob(gzipSync(tar)), diffId: computeDigest(tar).text, size: undefined };
}

export function makeImage(image: HostileImage): ImageParts {
  const layers = [base, ...(image.layers ?? []).map(makeLayer)];
  const platform = { os: 'linux', architecture: process.arch === 'x64' ? 'amd64' : process.arch };
  const rootfs = { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) };
  const config = makeBlob(JSON.stringify({ ...platform, rootfs, config: image.config ?? {} }));
  const describe = ({ digest, bytes }: Blob, mediaType: string, size = bytes.length) => ({ mediaType, digest, size });
  const type = 'application/vnd.docker';
  const manifest = {
    schemaVersion: 2,
    mediaType: `${type}.distribution.manifest.v2+json`,
    config: describe(config, `${type}.container.image.v1+json`),
    layers: layers.map(({ blob, size }) => describe(blob, `${type}.image.rootfs.diff.tar.gzip`, size)),
  };
  return { blobs: [config, ...layers.map(({ blob }) => blob)], manifest };
}

async function ask(url: string, method: string, body?: Uint8Array | string, type?: string): Promise<Response> {
  const headers: Record<string, string> = type === undefined ? {} : { 'Content-Type': type };
  const init = body === undefined ? {} : { body: Buffer.from(body) };
  const answer = await fetch(url, { method, headers, ...init });
  if (!answer.ok && answer.status !== 404) throw new Error(`${method} ${url}: ${answer.status} ${await answer.text()}`);
  return answer;
}

/** Pushes to `url`, which is `http://HOST/v2/REPOSITORY`. */
export async function plantImage(url: string, tag: string, image: HostileImage): Promise<void> {
  const { blobs, manifest } = makeImage(image);
  for (const { bytes, digest } of blobs) {
    if ((await ask(`${url}/blobs/${digest}`, 'HEAD')).ok) continue;
    const upload = new URL((await ask(`${url}/blobs/uploads/`, 'POST')).headers.get('location') ?? '', url);
    upload.searchParams.set('digest', digest);
    await ask(upload.href, 'PUT', bytes, 'application/octet-stream');
  }
  const type = 'application/vnd.docker.distribution.manifest.v2+json';
  await ask(`${url}/manifests/${tag}`, 'PUT', JSON.stringify(manifest), type);
}
