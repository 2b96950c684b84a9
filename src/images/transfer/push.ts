// Copies an image from an OCI image layout directory into a registry.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isOcicatError, OcicatError } from '../../base/errors.ts';
import { parseDocument } from '../../schema/parse.ts';
import { text } from '../../schema/scalars.ts';
import { list, object } from '../../schema/schema.ts';
import type { Credentials } from '../registry/authorize.ts';
import { type Endpoint, openEndpoint } from '../registry/endpoint.ts';
import type { HttpResponse } from '../registry/http.ts';
import { type Digest, parseDigest } from '../spec/digest.ts';
import { type Descriptor, parseManifest } from '../spec/manifest.ts';

/** A large blob over a slow line. */
const UPLOAD_TIMEOUT_MS = 15 * 60_000;

/** What to push, and where to. */
export interface PushRequest {
  /** `http://HOST[:PORT]` or https; plain http because the URL says so. */
  readonly registryUrl: string;
  readonly name: string;
  readonly tag: string;
  /** The image layout; its first manifest is pushed. */
  readonly directory: string;
  readonly credentials?: Credentials;
  readonly allowBadCertificates?: boolean;
  readonly signal?: AbortSignal;
}

const layoutIndex = object({ manifests: list(object({ digest: text(), mediaType: text() })) });

/** Returns the manifest's digest. Blobs that the registry has are not sent again. Throws `denied`, `unavailable` or `invalid`. */
export async function pushImage(request: PushRequest): Promise<Digest> {
  const { directory, name, tag } = request;
  const endpoint = openEndpoint(
    request.registryUrl.replace(/\/+$/, ''),
    request.credentials === undefined ? undefined : { credentials: request.credentials, hosts: [] },
    {
      allowBadCertificates: request.allowBadCertificates ?? false,
      allowPlainHttp: request.registryUrl.startsWith('http:'),
      signal: request.signal ?? new AbortController().signal,
    },
  );
  const indexPath = join(directory, 'index.json');
  const first = parseDocument(indexPath, readFileSync(indexPath, 'utf8'), layoutIndex, 'open').manifests[0];
  if (first === undefined) throw new OcicatError('invalid', `image layout "${directory}": has no manifest`);
  const digest = parseDigest(first.digest);
  const json = readFileSync(blobFile(directory, digest), 'utf8');
  const manifest = parseManifest(`manifest of "${directory}"`, json, first.mediaType);
  if (manifest.kind !== 'image') throw new OcicatError('unsupported', `image layout "${directory}": is a nested index`);
  try {
    for (const blob of [...manifest.layers, manifest.config]) await pushBlob(endpoint, name, directory, blob);
    const headers = { 'Content-Type': first.mediaType };
    const body = new TextEncoder().encode(json);
    const answer = await endpoint.send(`/v2/${name}/manifests/${tag}`, { method: 'PUT', headers, body });
    answer.cancel();
    return digest;
  } catch (cause) {
    if (!isOcicatError(cause)) throw cause;
    throw new OcicatError(cause.code, `push "${name}:${tag}" to ${endpoint.base}: ${cause.message}`, { cause });
  }
}

function blobFile(directory: string, digest: Digest): string {
  return join(directory, 'blobs', digest.algorithm, digest.hex);
}

async function pushBlob(endpoint: Endpoint, name: string, directory: string, blob: Descriptor): Promise<void> {
  if (await hasBlob(endpoint, name, blob.digest)) return;
  const started = await endpoint.send(`/v2/${name}/blobs/uploads/`, { method: 'POST' });
  started.cancel();
  const url = uploadUrl(endpoint, started, blob.digest);
  const body = Bun.file(blobFile(directory, blob.digest));
  const headers = { 'Content-Type': 'application/octet-stream' };
  const answer = await endpoint.send(url, { method: 'PUT', headers, body, answerTimeoutMs: UPLOAD_TIMEOUT_MS });
  answer.cancel();
}

async function hasBlob(endpoint: Endpoint, name: string, digest: Digest): Promise<boolean> {
  try {
    (await endpoint.send(`/v2/${name}/blobs/${digest.text}`, { method: 'HEAD' })).cancel();
    return true;
  } catch (error) {
    if (isOcicatError(error, 'not-found')) return false;
    throw error;
  }
}

function uploadUrl(endpoint: Endpoint, started: HttpResponse, digest: Digest): URL {
  const location = started.headers.get('location');
  if (location === null || !URL.canParse(location, endpoint.base)) {
    throw new OcicatError('unavailable', 'takes an upload without saying where');
  }
  const url = new URL(location, endpoint.base);
  url.searchParams.set('digest', digest.text);
  return url;
}
