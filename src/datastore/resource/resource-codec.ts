// Resources as they stand in the store: JSON with the fields in Calico's order, revisions beside it and not in it.
import { OcicatError } from '../../base/errors.ts';
import { escapeLine } from '../../base/escape.ts';
import { printJson } from '../../base/json.ts';
import type { Kind } from '../../model/meta/kind.ts';
import type { Metadata, Resource, ResourceName } from '../../model/meta/resource.ts';
import { parseStoredDocument, parseStoredText, type StoredDocument } from '../../model/meta/stored.ts';
import { parseStoredKind, printKey, type ResourceKind, tryParseKey } from '../keys.ts';
import type { KeyValue } from '../port.ts';

/** A resource that was read: everything the store knows about it is there. */
export interface StoredResource extends StoredDocument {
  readonly kind: ResourceKind;
  /** With the decimal mod revision, which is never stored. */
  readonly metadata: Metadata & { readonly resourceVersion: string };
}

/** A kind's name as the type of all of them; throws `invalid` for any other. */
export function parseResourceKind(text: string): ResourceKind {
  return parseStoredKind(text).name;
}

/** The key of a resource. Throws `invalid` for an unknown kind, a missing or a surplus namespace. */
export function printResourceKey({ kind: kindName, namespace, name }: ResourceName): string {
  const { name: kind, namespaced } = parseStoredKind(kindName);
  if (namespaced && namespace === undefined)
    throw new OcicatError('invalid', `name ${kind} "${name}": it has no namespace, wanted one`);
  if (!namespaced && namespace !== undefined)
    throw new OcicatError('invalid', `name ${kind} "${name}": it has namespace "${namespace}", wanted none`);
  return printKey({ kind: 'resource', resourceKind: kind, namespace, name });
}

/** Go's ObjectMeta order, which Calico's own programs write; what it leaves out is never stored. */
const METADATA_ORDER = [
  ...['name', 'generateName', 'namespace', 'uid', 'creationTimestamp', 'deletionTimestamp'],
  ...['deletionGracePeriodSeconds', 'labels', 'annotations', 'ownerReferences', 'finalizers'],
];
const NEVER_STORED = new Set(['resourceVersion', 'selfLink', 'generation', 'managedFields']);

/** Go prints maps with their keys in byte order. */
function sortKeys(map: object): object {
  return Object.fromEntries(Object.entries(map).sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
}

function isEmptyMap(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

function orderMetadata(metadata: Metadata): object {
  const fields = new Map<string, unknown>(Object.entries(metadata));
  const rest = [...fields.keys()].filter((name) => !METADATA_ORDER.includes(name) && !NEVER_STORED.has(name));
  const ordered: Record<string, unknown> = {};
  for (const name of [...METADATA_ORDER, ...rest]) {
    const value = fields.get(name);
    if (value === undefined) continue;
    if (name !== 'labels' && name !== 'annotations') ordered[name] = value;
    else if (!isEmptyMap(value)) ordered[name] = sortKeys(value as object);
  }
  return ordered;
}

/** The value to store. Fields of spec and status keep the order that they have. */
export function printResource({ kind, apiVersion, metadata, spec, status }: Resource): string {
  return printJson({ kind, apiVersion, metadata: orderMetadata(metadata), spec, status });
}

/**
 * Parses a stored resource and gives it its `resourceVersion`. Throws `corrupt` when the value is no resource or not
 * the one that its key names. The spec is only known to be an object.
 */
export function parseStoredResource({ key, value, modRevision }: KeyValue): StoredResource {
  const what = `read resource "${escapeLine(key)}"`;
  const named = tryParseKey(key);
  if (named?.kind !== 'resource') throw new OcicatError('corrupt', `${what}: the key names no resource`);
  const { resourceKind: kind, namespace, name } = named;
  const document = parseStoredDocument(what, { kind, namespace, name }, value);
  return { ...document, kind, metadata: { ...document.metadata, resourceVersion: String(modRevision) } };
}

/** The resource of a kind that stands under a key. Throws `corrupt`. */
export function parseResourceAt<R extends Resource>(kind: Kind<R>, key: string, value: string): R {
  const named = tryParseKey(key);
  if (named?.kind === 'resource') return parseStoredText(kind, named, value);
  throw new OcicatError('corrupt', `read stored ${kind.name}: the key names no resource`);
}
