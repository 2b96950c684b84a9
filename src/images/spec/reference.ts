// What a user may write where an image is wanted: a docker reference, an image ID, or a name in the store.
import { OcicatError } from '../../base/errors.ts';
import { type Digest, tryParseDigest } from './digest.ts';

/** Where images without a registry come from. Source: rkt v1.30.0, pkg/distribution/docker.go. */
export const DEFAULT_REGISTRY = 'registry-1.docker.io';

/** `docker://[REGISTRY[:PORT]/]NAME[:TAG][@DIGEST]`, taken apart. */
export interface DockerReference {
  /** As typed, without `docker://` or `docker:`; the store remembers this text. */
  readonly literal: string;
  /** Host with port if there is one; docker.io in all its spellings is `registry-1.docker.io`. */
  readonly registry: string;
  /** With `library/` added to one-element names of the default registry. */
  readonly repository: string;
  readonly target:
    | { readonly kind: 'tag'; readonly tag: string }
    | { readonly kind: 'digest'; readonly digest: Digest };
}

/** An IMAGE argument: what to do depends on its kind. */
export type ImageArgument =
  | { readonly kind: 'docker'; readonly reference: DockerReference }
  | { readonly kind: 'id'; readonly id: string } // `sha512-` and hex digits, possibly a prefix: in the store only
  | { readonly kind: 'name'; readonly name: string }; // `name[:version]` as `image list` shows it: in the store only

const dockerHubNames = new Set(['docker.io', 'index.docker.io', 'registry-1.docker.io']);
const hostPattern = /^(?:\[[0-9a-fA-F:]+\]|[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?)(?::[0-9]{1,5})?$/;
const namePattern = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const storeNamePattern = /^[a-z0-9]+(?:[-._~/]+[a-z0-9]+)*(?::[A-Za-z0-9_][A-Za-z0-9_.-]*)?$/;

/** Throws `invalid`, or `unsupported` for ACI files and URLs, which this runner does not read. */
export function parseImageArgument(text: string): ImageArgument {
  if (text.startsWith('docker:')) return { kind: 'docker', reference: parseDockerReference(text) };
  if (/^sha512-[^-]*$/.test(text)) return { kind: 'id', id: text };
  if (/^(?:file|https?|cimd):/.test(text) || /^\.{0,2}\//.test(text) || text.endsWith('.aci')) {
    throw new OcicatError('unsupported', `image "${text}": is an ACI file, wanted docker://NAME[:TAG]`);
  }
  if (!storeNamePattern.test(text)) {
    throw new OcicatError('invalid', `invalid image string "${text}": wanted docker://NAME[:TAG] or an image ID`);
  }
  return { kind: 'name', name: text };
}

/**
 * Parses a reference with or without its `docker://`. Throws `invalid` with rkt's message. Source: rkt v1.30.0,
 * pkg/distribution/docker.go.
 */
export function parseDockerReference(text: string): DockerReference {
  const literal = text.replace(/^docker:(?:\/\/)?/, '');
  const { host, rest } = splitHost(literal);
  const { name, tag, digestText } = splitTarget(rest);
  const digest = digestText === undefined ? undefined : tryParseDigest(digestText);
  const port = Number(/:([0-9]+)$/.exec(host ?? '')?.[1] ?? 1);
  const wellFormed =
    (host === undefined || hostPattern.test(host)) &&
    port >= 1 &&
    port <= 65535 &&
    namePattern.test(name) &&
    name.length <= 255 &&
    tagPattern.test(tag) &&
    (digestText === undefined || digest !== undefined);
  if (!wellFormed) throw badReference(text);
  const registry = host === undefined ? DEFAULT_REGISTRY : registryName(host);
  const repository = registry === DEFAULT_REGISTRY && !name.includes('/') ? `library/${name}` : name;
  return {
    literal,
    registry,
    repository,
    target: digest === undefined ? { kind: 'tag', tag } : { kind: 'digest', digest },
  };
}

/** The one name of a registry that has several: docker.io is `registry-1.docker.io`. */
export function registryName(host: string): string {
  return dockerHubNames.has(host) ? DEFAULT_REGISTRY : host;
}

/** The first element is a registry when it has a dot or a colon or is `localhost`. */
function splitHost(literal: string): { readonly host: string | undefined; readonly rest: string } {
  const slash = literal.indexOf('/');
  const first = literal.slice(0, Math.max(slash, 0));
  const isHost = /[.:]/.test(first) || first === 'localhost';
  return isHost ? { host: first, rest: literal.slice(slash + 1) } : { host: undefined, rest: literal };
}

/** With a digest the tag is only for people, as with docker and podman: it must be one, and nobody is asked for it. */
function splitTarget(rest: string): {
  readonly name: string;
  readonly tag: string;
  readonly digestText: string | undefined;
} {
  const at = rest.indexOf('@');
  const digestText = at < 0 ? undefined : rest.slice(at + 1);
  const tagged = at < 0 ? rest : rest.slice(0, at);
  const colon = tagged.indexOf(':');
  if (colon < 0) return { name: tagged, tag: 'latest', digestText };
  return { name: tagged.slice(0, colon), tag: tagged.slice(colon + 1), digestText };
}

function badReference(text: string): OcicatError {
  const url = text.startsWith('docker:') ? text : `docker://${text}`;
  return new OcicatError(
    'invalid',
    `invalid docker URL "${url}"; expected syntax is "docker://[REGISTRY_HOST[:REGISTRY_PORT]/]IMAGE_NAME[:TAG]"`,
  );
}

/** The image's name in the store: registry and repository, other characters than `a-z0-9-._~/` turned to `-`. */
export function computeImageName(reference: DockerReference): string {
  return `${reference.registry}/${reference.repository}`
    .toLowerCase()
    .replace(/[^a-z0-9\-._~/]/g, '-')
    .replace(/^[-._~/]+|[-._~/]+$/g, '');
}

/** The name of an app made from an image when none is given: the last path element, edge dashes trimmed. */
export function computeAppName(imageName: string): string {
  const last = imageName.slice(imageName.lastIndexOf('/') + 1).toLowerCase();
  return last.replace(/[^a-z0-9]+/g, '-').replace(/^-+|-+$/g, '');
}

/** The reference as a registry is asked for it: the tag or the digest. */
export function printTarget(reference: DockerReference): string {
  return reference.target.kind === 'tag' ? reference.target.tag : reference.target.digest.text;
}
