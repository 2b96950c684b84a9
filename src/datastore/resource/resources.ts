// Create, update, get, list, delete and watch resources, one or thousands at a time, with Calico's meaning and messages.
import { isOcicatError, OcicatError } from '../../base/errors.ts';
import type { Resource, ResourceName } from '../../model/meta/resource.ts';
import { printResourcePrefix, type ResourceKind, tryParseKey } from '../keys.ts';
import type { Datastore, KeyValue, Revision, WatchEvent } from '../port.ts';
import { type BatchItem, type BatchOutcome, commitBatch } from './resource-batch.ts';
import { parseStoredResource, printResourceKey, type StoredResource } from './resource-codec.ts';
import {
  applyItem,
  createItem,
  type Deletion,
  defaultSystemFields,
  deleteItem,
  notFound,
  type SystemFields,
  tryParseStored,
  updateItem,
} from './resource-items.ts';

export type { Deletion, SystemFields };

/** One resource of a batch: what now stands in the store (for a delete: what stood there), or why not. */
export type ResourceOutcome =
  | { readonly kind: 'done'; readonly resource: StoredResource; readonly created: boolean }
  | { readonly kind: 'failed'; readonly error: OcicatError };

export interface ResourceListing {
  readonly resources: readonly StoredResource[];
  /** Keys whose value is no resource, each as `corrupt`. */
  readonly unreadable: readonly OcicatError[];
  readonly revision: Revision;
  readonly cluster: string;
}

export type ResourceEvent =
  | { readonly kind: 'set'; readonly resource: StoredResource }
  | { readonly kind: 'removed'; readonly name: ResourceName; readonly modRevision: Revision }
  | { readonly kind: 'unreadable'; readonly error: OcicatError };

function toOutcome(outcome: BatchOutcome): ResourceOutcome {
  if (outcome.kind === 'failed') return outcome;
  const { write, revision, previous } = outcome;
  const created = write.kind === 'put' && previous === undefined;
  if (write.kind === 'put') {
    const kv = { key: write.key, value: write.value, modRevision: revision };
    return { kind: 'done', resource: parseStoredResource(kv), created };
  }
  if (previous === undefined) throw new OcicatError('internal', `delete "${write.key}": it was deleted unread`);
  return { kind: 'done', resource: tryParseStored(previous) ?? bareResource(previous), created };
}

/** A deleted value that could not be read: what its key says. */
function bareResource({ key, modRevision }: KeyValue): StoredResource {
  const named = tryParseKey(key);
  if (named?.kind !== 'resource') throw new OcicatError('internal', `delete "${key}": the key names no resource`);
  const { resourceKind: kind, namespace, name } = named;
  const metadata = { name, namespace, resourceVersion: String(modRevision) };
  return { kind, apiVersion: 'projectcalico.org/v3', metadata, spec: {} };
}

function asOcicatError(error: unknown): OcicatError {
  return isOcicatError(error) ? error : new OcicatError('internal', 'write resource: failed', { cause: error });
}

/** Makes an item of each input and commits all that can be made; the others have failed already. */
async function runBatch<T>(
  datastore: Datastore,
  inputs: readonly T[],
  toItem: (input: T) => BatchItem,
  signal: AbortSignal | undefined,
): Promise<readonly ResourceOutcome[]> {
  const outcomes: ResourceOutcome[] = [];
  const items: BatchItem[] = [];
  const places: number[] = [];
  for (const [place, input] of inputs.entries()) {
    try {
      items.push(toItem(input));
      places.push(place);
    } catch (error) {
      outcomes[place] = { kind: 'failed', error: asOcicatError(error) };
    }
  }
  const results = await commitBatch(datastore, items, signal);
  for (const [at, result] of results.entries()) outcomes[places[at] ?? at] = readOutcome(result);
  return outcomes;
}

function readOutcome(outcome: BatchOutcome): ResourceOutcome {
  try {
    return toOutcome(outcome);
  } catch (error) {
    return { kind: 'failed', error: asOcicatError(error) };
  }
}

function single(outcomes: readonly ResourceOutcome[]): StoredResource {
  const [outcome] = outcomes;
  if (outcome?.kind === 'done') return outcome.resource;
  throw outcome?.error ?? new OcicatError('internal', 'write resource: no outcome');
}

/** Creates each with a fresh uid and creation time. An outcome for each, at its index: `already-exists` among others. */
export function createMany(
  datastore: Datastore,
  resources: readonly Resource[],
  signal?: AbortSignal,
  systemFields: SystemFields = defaultSystemFields,
): Promise<readonly ResourceOutcome[]> {
  return runBatch(datastore, resources, (resource) => createItem(resource, systemFields), signal);
}

/** Replaces each, keeping uid and creation time. With a resourceVersion only if it stands: `conflict`, `not-found`. */
export function updateMany(
  datastore: Datastore,
  resources: readonly Resource[],
  signal?: AbortSignal,
  systemFields: SystemFields = defaultSystemFields,
): Promise<readonly ResourceOutcome[]> {
  return runBatch(datastore, resources, (resource) => updateItem(resource, systemFields), signal);
}

/** Creates or replaces each; `created` says which. */
export function applyMany(
  datastore: Datastore,
  resources: readonly Resource[],
  signal?: AbortSignal,
  systemFields: SystemFields = defaultSystemFields,
): Promise<readonly ResourceOutcome[]> {
  return runBatch(datastore, resources, (resource) => applyItem(resource, systemFields), signal);
}

/** Deletes each; the outcome holds what stood there. */
export function deleteMany(
  datastore: Datastore,
  deletions: readonly Deletion[],
  signal?: AbortSignal,
): Promise<readonly ResourceOutcome[]> {
  return runBatch(datastore, deletions, deleteItem, signal);
}

/** Throws `already-exists` (`resource already exists: Kind(name)`) and what the store throws. */
export async function createResource(
  datastore: Datastore,
  resource: Resource,
  signal?: AbortSignal,
  systemFields: SystemFields = defaultSystemFields,
): Promise<StoredResource> {
  return single(await createMany(datastore, [resource], signal, systemFields));
}

/** Throws `not-found` (`resource does not exist: Kind(name)`), `conflict` (`update conflict: Kind(name)`). */
export async function updateResource(
  datastore: Datastore,
  resource: Resource,
  signal?: AbortSignal,
): Promise<StoredResource> {
  return single(await updateMany(datastore, [resource], signal));
}

/** Returns what was deleted. Throws `not-found`, and `conflict` when another resourceVersion stands. */
export async function deleteResource(
  datastore: Datastore,
  deletion: Deletion,
  signal?: AbortSignal,
): Promise<StoredResource> {
  return single(await deleteMany(datastore, [deletion], signal));
}

/** Throws `not-found` and, for a value that is no resource, `corrupt`. */
export async function getResource(
  datastore: Datastore,
  name: ResourceName,
  signal?: AbortSignal,
): Promise<StoredResource> {
  const { kv } = await datastore.get(printResourceKey(name), signal);
  if (kv === undefined) throw notFound(name);
  return parseStoredResource(kv);
}

/** All resources of a kind, or of one namespace, sorted by namespace and name. */
export async function listResources(
  datastore: Datastore,
  kind: ResourceKind,
  namespace?: string,
  signal?: AbortSignal,
): Promise<ResourceListing> {
  const { kvs, revision, cluster } = await datastore.list(printResourcePrefix(kind, namespace), {}, signal);
  const resources: StoredResource[] = [];
  const unreadable: OcicatError[] = [];
  for (const kv of kvs) {
    try {
      resources.push(parseStoredResource(kv));
    } catch (error) {
      unreadable.push(asOcicatError(error));
    }
  }
  return { resources, unreadable, revision, cluster };
}

function toResourceEvent(event: WatchEvent): ResourceEvent {
  try {
    if (event.kind === 'put') return { kind: 'set', resource: parseStoredResource(event.kv) };
  } catch (error) {
    return { kind: 'unreadable', error: asOcicatError(error) };
  }
  const key = tryParseKey(event.key);
  if (key?.kind !== 'resource')
    return { kind: 'unreadable', error: new OcicatError('corrupt', `watch "${event.key}": the key names no resource`) };
  const { resourceKind, namespace, name } = key;
  return { kind: 'removed', name: { kind: resourceKind, namespace, name }, modRevision: event.modRevision };
}

/** Changes of a kind from a revision on, usually the listing's + 1. Throws and ends as Datastore.watch does. */
export async function* watchResources(
  datastore: Datastore,
  kind: ResourceKind,
  namespace: string | undefined,
  from: { readonly revision: Revision; readonly cluster?: string },
  signal: AbortSignal,
): AsyncGenerator<readonly ResourceEvent[]> {
  const prefix = printResourcePrefix(kind, namespace);
  for await (const { events } of datastore.watch(prefix, from.revision, signal, from.cluster))
    yield events.map(toResourceEvent);
}
