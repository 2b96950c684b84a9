// A registry as seen for one repository: its mirrors first, then itself.
import { type ErrorCode, isOcicatError, OcicatError } from '../../base/errors.ts';
import { computeDigest, type Digest } from '../spec/digest.ts';
import { type Descriptor, MANIFEST_TYPES, MAX_MANIFEST_BYTES } from '../spec/manifest.ts';
import { type DockerReference, printTarget, registryName } from '../spec/reference.ts';
import type { Login } from './authorize.ts';
import type { RktConfig } from './config.ts';
import { type Endpoint, openEndpoint } from './endpoint.ts';
import { type HttpPolicy, type HttpRequest, type HttpResponse, readAll } from './http.ts';

/** A manifest as sent, with the digest of its bytes. */
interface FetchedManifest {
  readonly json: string;
  readonly digest: Digest;
  readonly contentType: string | undefined;
}

/** Every call throws `denied`, `not-found`, `unavailable`, `timeout` or `aborted`, in one line that names the registry. */
export interface Registry {
  /** By tag or digest text; a digest is verified. */
  fetchManifest(target: string): Promise<FetchedManifest>;
  /** A small blob, verified. */
  fetchDocument(descriptor: Descriptor): Promise<string>;
  /** A blob from `offset` on; the answer may be 206 or 200 or 416, and is not verified. */
  openBlob(digest: Digest, offset: number): Promise<HttpResponse>;
}

/** Which repository, and what is configured for it. */
export interface RegistryRequest {
  readonly reference: DockerReference;
  readonly config: RktConfig;
  readonly insecure: { readonly http: boolean; readonly tls: boolean };
  readonly signal: AbortSignal;
}

/** Asks nothing yet, and nothing has to be closed. Whoever answers first is asked for the rest as well. */
export function openRegistry(request: RegistryRequest): Registry {
  const { registry, repository } = request.reference;
  const endpoints = openEndpoints(request);
  let preferred = 0;

  async function ask(path: string, options: Omit<HttpRequest, 'url'>): Promise<HttpResponse> {
    const failures: EndpointFailure[] = [];
    for (let index = preferred; index < endpoints.length; index++) {
      const endpoint = endpoints[index];
      if (endpoint === undefined) break;
      try {
        const response = await endpoint.send(`/v2/${repository}/${path}`, options);
        preferred = index;
        return response;
      } catch (error) {
        if (!isOcicatError(error) || error.code === 'aborted') throw error;
        failures.push({ base: endpoint.base, error });
      }
    }
    throw summarize(request.reference, failures);
  }

  return {
    async fetchManifest(target) {
      const response = await ask(`manifests/${target}`, { headers: { Accept: MANIFEST_TYPES.join(', ') } });
      const bytes = await readNamed(registry, response, MAX_MANIFEST_BYTES);
      const algorithm = target.startsWith('sha512:') ? 'sha512' : 'sha256';
      const digest = computeDigest(bytes, algorithm);
      if (target.includes(':') && digest.text !== target) throw wrongDigest(registry, target, digest.text);
      const contentType = response.headers.get('content-type') ?? undefined;
      return { json: Buffer.from(bytes).toString(), digest, contentType };
    },
    async fetchDocument(descriptor) {
      const wanted = descriptor.digest;
      const bytes = await readNamed(registry, await ask(`blobs/${wanted.text}`, {}), MAX_MANIFEST_BYTES);
      const digest = computeDigest(bytes, wanted.algorithm);
      if (digest.text !== wanted.text) throw wrongDigest(registry, wanted.text, digest.text);
      return Buffer.from(bytes).toString();
    },
    openBlob: (digest, offset) =>
      ask(`blobs/${digest.text}`, offset === 0 ? {} : { headers: { Range: `bytes=${offset}-` } }),
  };
}

function openEndpoints(request: RegistryRequest): readonly Endpoint[] {
  const { reference, config, insecure, signal } = request;
  const policy: HttpPolicy = { allowBadCertificates: insecure.tls, allowPlainHttp: insecure.http, signal };
  const mirrors = config.registryMirrors.get(reference.registry) ?? [];
  const own = [`https://${reference.registry}`, ...(insecure.http ? [`http://${reference.registry}`] : [])];
  return [...mirrors, ...own].map((base) => openEndpoint(base, findLogin(config, new URL(base).host), policy));
}

/** Of this very host: a mirror never gets the credentials of what it mirrors. */
function findLogin(config: RktConfig, host: string): Login | undefined {
  const name = registryName(host);
  const credentials = config.registryCredentials.get(name) ?? config.domainCredentials.get(name);
  if (credentials === undefined) return undefined;
  const entries = [...config.registryCredentials, ...config.domainCredentials];
  return { credentials, hosts: entries.filter((entry) => entry[1] === credentials).map(([named]) => named) };
}

async function readNamed(registry: string, response: HttpResponse, limitBytes: number): Promise<Uint8Array> {
  try {
    return await readAll(response, limitBytes);
  } catch (cause) {
    if (!isOcicatError(cause) || cause.code === 'aborted') throw cause;
    throw new OcicatError(cause.code, `registry "${registry}": ${cause.message}`, { cause: cause.cause });
  }
}

function wrongDigest(registry: string, wanted: string, actual: string): OcicatError {
  return new OcicatError('corrupt', `registry "${registry}": sent content with digest ${actual}, wanted ${wanted}`);
}

interface EndpointFailure {
  readonly base: string;
  readonly error: OcicatError;
}

/** The registry's own answer decides what happened; every address says its reason. */
function summarize(reference: DockerReference, failures: readonly EndpointFailure[]): OcicatError {
  const last = failures.at(-1);
  const code: ErrorCode = last?.error.code ?? 'unavailable';
  const reasons = failures.map(({ base, error }) => `${base}: ${error.message}`).join('; ');
  const { registry, repository } = reference;
  const image = `${repository}${reference.target.kind === 'tag' ? ':' : '@'}${printTarget(reference)}`;
  const details = last === undefined ? {} : { cause: last.error };
  switch (code) {
    case 'not-found':
      return new OcicatError(code, `registry "${registry}": has no image "${image}" (${reasons})`, details);
    case 'denied':
      return new OcicatError(
        code,
        `registry "${registry}": refuses access to "${image}" (${reasons}); credentials belong in /etc/rkt/auth.d`,
        details,
      );
    default:
      return new OcicatError(
        code,
        `registry "${registry}": cannot be reached for image "${image}" (${reasons}); check the network, or name a mirror of it in /etc/rkt/mirrors.d`,
        details,
      );
  }
}
