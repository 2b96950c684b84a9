// Resources as they stand in the store: JSON with the fields in Calico's order, revisions beside it and not in it.
import { OcicatError } from '../../base/errors.ts';
import { escapeLine } from '../../base/escape.ts';
import { type Json, parseJson, printJson } from '../../base/json.ts';
import { printKey, RESOURCE_KINDS, type ResourceKind, tryParseKey, tryParseResourceKind } from '../keys.ts';
import type { KeyValue } from '../port.ts';

/** The fields that the store itself cares about; what else stands in metadata is kept as it is. */
interface ResourceMetadata {
  readonly name: string;
  readonly namespace?: string | undefined;
  /** Random, given at creation. */
  readonly uid?: string | undefined;
  /** RFC 3339, UTC, whole seconds; given at creation. */
  readonly creationTimestamp?: string | undefined;
  /** Decimal mod revision; never stored. */
  readonly resourceVersion?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

/** A resource of any of RESOURCE_KINDS, in its stored shape, whose content somebody else has checked. */
export interface Resource {
  readonly kind: string;
  readonly apiVersion: string;
  readonly metadata: ResourceMetadata;
  readonly spec: unknown;
  readonly status?: unknown;
}

/** A resource that was read: everything the store knows about it is there. */
export interface StoredResource extends Resource {
  readonly kind: ResourceKind;
  readonly metadata: ResourceMetadata & { readonly resourceVersion: string };
  readonly spec: { readonly [key: string]: Json };
  readonly status?: { readonly [key: string]: Json };
}

/** Which resource: `namespace` is wanted for the namespaced kinds and for no other. */
export interface ResourceName {
  readonly kind: string;
  readonly namespace?: string | undefined;
  readonly name: string;
}

/** A kind's name that must be one of RESOURCE_KINDS; throws `invalid`. */
export function parseResourceKind(text: string): ResourceKind {
  const kind = tryParseResourceKind(text);
  if (kind === undefined) throw new OcicatError('invalid', `name kind "${text}": unknown`);
  return kind;
}

/** The key of a resource. Throws `invalid` for an unknown kind, a missing or a surplus namespace. */
export function printResourceKey({ kind: kindName, namespace, name }: ResourceName): string {
  const kind = parseResourceKind(kindName);
  const { namespaced } = RESOURCE_KINDS[kind];
  if (namespaced && namespace === undefined)
    throw new OcicatError('invalid', `name ${kind} "${name}": it has no namespace, wanted one`);
  if (!namespaced && namespace !== undefined)
    throw new OcicatError('invalid', `name ${kind} "${name}": it has namespace "${namespace}", wanted none`);
  return printKey({ kind: 'resource', resourceKind: kind, namespace, name });
}

/** `Kind(name)` or `Kind(namespace/name)`, as Calico's messages say it. */
export function formatResourceName({ kind, namespace, name }: ResourceName): string {
  return escapeLine(namespace === undefined ? `${kind}(${name})` : `${kind}(${namespace}/${name})`);
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

function orderMetadata(metadata: ResourceMetadata): object {
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

type JsonObject = { readonly [key: string]: Json };

function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function corrupt(key: string, what: string, cause?: unknown): OcicatError {
  return new OcicatError('corrupt', `read resource "${escapeLine(key)}": ${what}`, { cause });
}

function parseObject(kv: KeyValue): JsonObject {
  let parsed: Json;
  try {
    parsed = parseJson(kv.value);
  } catch (cause) {
    throw corrupt(kv.key, 'its value is not JSON', cause);
  }
  if (!isJsonObject(parsed)) throw corrupt(kv.key, 'its value is no JSON object');
  return parsed;
}

function isStringMap(value: Json | undefined): value is { readonly [key: string]: string } {
  return isJsonObject(value) && Object.values(value).every((item) => typeof item === 'string');
}

function checkMetadata(key: string, metadata: JsonObject): void {
  for (const name of ['namespace', 'uid', 'creationTimestamp'])
    if (metadata[name] !== undefined && metadata[name] !== null && typeof metadata[name] !== 'string')
      throw corrupt(key, `metadata.${name} is no string`);
  for (const name of ['labels', 'annotations'])
    if (metadata[name] !== undefined && metadata[name] !== null && !isStringMap(metadata[name]))
      throw corrupt(key, `metadata.${name} is no map of strings`);
}

/** Go leaves a missing time as null; absent is absent here. */
function withoutNulls(object: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== null));
}

function words(value: Json | undefined): string {
  return value === undefined ? 'missing' : printJson(value);
}

/**
 * Parses a stored resource and gives it its `resourceVersion`. Throws `corrupt` when the value is no resource or not
 * the one that its key names. Spec and status are only known to be objects.
 */
export function parseStoredResource(kv: KeyValue): StoredResource {
  const named = tryParseKey(kv.key);
  if (named?.kind !== 'resource') throw corrupt(kv.key, 'the key names no resource');
  const { kind, apiVersion, metadata, spec, status } = parseObject(kv);
  if (kind !== named.resourceKind) throw corrupt(kv.key, `kind is ${words(kind)}, wanted "${named.resourceKind}"`);
  if (typeof apiVersion !== 'string') throw corrupt(kv.key, 'apiVersion is no string');
  if (!isJsonObject(metadata)) throw corrupt(kv.key, 'metadata is no object');
  if (metadata.name !== named.name) throw corrupt(kv.key, `metadata.name is ${words(metadata.name)}`);
  if ((metadata.namespace ?? undefined) !== named.namespace)
    throw corrupt(kv.key, `metadata.namespace is ${words(metadata.namespace)}`);
  checkMetadata(kv.key, metadata);
  return {
    kind: named.resourceKind,
    apiVersion,
    metadata: { ...withoutNulls(metadata), name: named.name, resourceVersion: String(kv.modRevision) },
    spec: isJsonObject(spec) ? spec : {},
    ...(isJsonObject(status) ? { status } : {}),
  };
}
