// What each kind of write to a resource wants at its key: the rules of create, update, apply and delete.
import { randomUUID } from 'node:crypto';
import { OcicatError } from '../../base/errors.ts';
import { formatResourceName, nameOf, type Resource, type ResourceName } from '../../model/meta/resource.ts';
import { keepAnswer } from '../../model/node/calico-node-status.ts';
import type { KeyValue, Revision } from '../port.ts';
import type { BatchItem, Step } from './resource-batch.ts';
import { parseStoredResource, printResource, printResourceKey, type StoredResource } from './resource-codec.ts';

/** A resource to delete; with `resourceVersion` only if it is still that one. */
export interface Deletion extends ResourceName {
  readonly resourceVersion?: string | undefined;
}

/** Where new resources get their uid and their time of creation. Tests replace it. */
export interface SystemFields {
  uid(): string;
  now(): Date;
}

/** Random uids and the machine's clock. */
export const defaultSystemFields: SystemFields = { uid: randomUUID, now: () => new Date() };

/** `resource does not exist: Kind(name)`. */
export function notFound(name: ResourceName): OcicatError {
  return new OcicatError('not-found', `resource does not exist: ${formatResourceName(name)}`);
}

function alreadyExists(name: ResourceName): OcicatError {
  return new OcicatError('already-exists', `resource already exists: ${formatResourceName(name)}`);
}

function updateConflict(name: ResourceName): OcicatError {
  return new OcicatError('conflict', `update conflict: ${formatResourceName(name)}`);
}

/** A resourceVersion as users hand it back; throws `invalid`. */
function parseResourceVersion(name: ResourceName, text: string): Revision {
  const revision = /^[1-9]\d*$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(revision)) return revision;
  throw new OcicatError(
    'invalid',
    `read resourceVersion "${text}" of ${formatResourceName(name)}: wanted a positive integer`,
  );
}

function put(resource: Resource): Step {
  return {
    kind: 'write',
    write: { kind: 'put', key: printResourceKey(nameOf(resource)), value: printResource(resource) },
  };
}

function fail(error: OcicatError): Step {
  return { kind: 'settled', error };
}

/** RFC 3339 in UTC, to the second. */
function printTimestamp(time: Date): string {
  return time.toISOString().replace(/\.\d+Z$/, 'Z');
}

function fillSystemFields(resource: Resource, systemFields: SystemFields): Resource {
  const fields = { uid: systemFields.uid(), creationTimestamp: printTimestamp(systemFields.now()) };
  return { ...resource, metadata: { ...resource.metadata, ...fields } };
}

/** The resource, or undefined for a value that is none. */
export function tryParseStored(kv: KeyValue): StoredResource | undefined {
  try {
    return parseStoredResource(kv);
  } catch {
    return undefined;
  }
}

/** What was set at creation stays, whatever an update says. A value that cannot be read is replaced by a new resource. */
function keepIdentity(resource: Resource, current: KeyValue, systemFields: SystemFields): Resource {
  const standing = tryParseStored(current);
  if (standing === undefined) return fillSystemFields(resource, systemFields);
  const { uid, creationTimestamp } = standing.metadata;
  const { metadata, ...rest } = keepAnswer(resource, standing);
  return { ...rest, metadata: { ...metadata, uid, creationTimestamp } };
}

/** Writes where nothing stands. Throws `invalid` for a resource that has a resourceVersion. */
export function createItem(resource: Resource, systemFields: SystemFields): BatchItem {
  const name = nameOf(resource);
  if (resource.metadata.resourceVersion !== undefined)
    throw new OcicatError('invalid', `create ${formatResourceName(name)}: it has a resourceVersion, wanted none`);
  const fresh = fillSystemFields(resource, systemFields);
  const decide = (assumed: Revision) => (assumed === 0 ? put(fresh) : fail(alreadyExists(name)));
  return { key: printResourceKey(name), assumed: 0, decide };
}

/** Without a resourceVersion the first try assumes nothing is there, which reads the key if something is. */
export function updateItem(resource: Resource, systemFields: SystemFields): BatchItem {
  const name = nameOf(resource);
  const { resourceVersion } = resource.metadata;
  const wanted = resourceVersion === undefined ? undefined : parseResourceVersion(name, resourceVersion);
  return {
    key: printResourceKey(name),
    assumed: 0,
    decide(assumed, current) {
      if (assumed === 0 || current === undefined) return fail(notFound(name));
      if (wanted !== undefined && wanted !== assumed) return fail(updateConflict(name));
      return put(keepIdentity(resource, current, systemFields));
    },
  };
}

/**
 * Creates or replaces. A resourceVersion must be that of what stands; where nothing stands, it says nothing: what was
 * saved and deleted can be applied again.
 */
export function applyItem(resource: Resource, systemFields: SystemFields): BatchItem {
  const name = nameOf(resource);
  const { resourceVersion } = resource.metadata;
  const wanted = resourceVersion === undefined ? undefined : parseResourceVersion(name, resourceVersion);
  const fresh = fillSystemFields(resource, systemFields);
  return {
    key: printResourceKey(name),
    assumed: 0,
    decide(assumed, current) {
      if (current === undefined) return put(fresh);
      if (wanted !== undefined && wanted !== assumed) return fail(updateConflict(name));
      return put(keepIdentity(resource, current, systemFields));
    },
  };
}

/** Deletes what stands; the first try only reads, because the caller gets what stood there. */
export function deleteItem(deletion: Deletion): BatchItem {
  const key = printResourceKey(deletion);
  const { resourceVersion } = deletion;
  const wanted = resourceVersion === undefined ? undefined : parseResourceVersion(deletion, resourceVersion);
  return {
    key,
    assumed: 0,
    decide(assumed) {
      if (assumed === 0) return fail(notFound(deletion));
      if (wanted !== undefined && wanted !== assumed) return fail(updateConflict(deletion));
      return { kind: 'write', write: { kind: 'delete', key } };
    },
  };
}
