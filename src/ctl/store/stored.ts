// Resources as they stand in the store, as users see them.
import { formatIssue, type Issue, type OcicatError } from '../../base/errors.ts';
import type { Datastore } from '../../datastore/port.ts';
import { parseResourceKind, type StoredResource } from '../../datastore/resource/resource-codec.ts';
import { getResource, listResources } from '../../datastore/resource/resources.ts';
import { type Kind, readResource } from '../../model/meta/kind.ts';
import { formatResourceId, type Resource } from '../../model/meta/resource.ts';
import { defaultAllowProfile } from '../../model/policy/profile.ts';

/** A resource that another program wrote against the rules of its kind is shown as it is, with a warning. */
export interface Shown {
  readonly resource: Resource;
  readonly warning: string | undefined;
}

export interface ShownList {
  readonly resources: readonly Resource[];
  readonly warnings: readonly string[];
  /** Of the warnings those about what is not shown: nothing of it can be read. */
  readonly unreadable: readonly string[];
  readonly revision: number;
}

/** From the store's form to what users see. */
export function showStored(kind: Kind, stored: StoredResource): Shown {
  const result = readResource(kind, stored, 'stored');
  if (result.kind === 'valid') return { resource: kind.fromStored(result.value), warning: undefined };
  return { resource: withoutMarks(kind, stored), warning: `warning: ${describeBroken(stored, result.issues)}` };
}

function describeBroken(stored: StoredResource, issues: readonly Issue[]): string {
  return `stored ${formatResourceId(stored)} breaks the rules: ${issues.map(formatIssue).join('; ')}`;
}

/** As far as it can be brought into the users' form. */
function withoutMarks(kind: Kind, stored: StoredResource): Resource {
  try {
    return kind.fromStored(stored);
  } catch {
    return stored; // what the form is made from is what is wrong
  }
}

/** Throws `not-found`. */
export async function fetchOne(
  datastore: Datastore,
  kind: Kind,
  namespace: string | undefined,
  name: string,
  signal: AbortSignal,
): Promise<Shown> {
  if (kind.name === 'Profile' && name === defaultAllowProfile.metadata.name) {
    return { resource: defaultAllowProfile, warning: undefined };
  }
  const stored = await getResource(datastore, { kind: kind.name, namespace, name }, signal);
  return showStored(kind, stored);
}

/** All of a kind, or of a namespace, in the kind's order. */
export async function fetchList(
  datastore: Datastore,
  kind: Kind,
  namespace: string | undefined,
  signal: AbortSignal,
): Promise<ShownList> {
  const listing = await listResources(datastore, parseResourceKind(kind.name), namespace, signal);
  const unreadable = listing.unreadable.map((error: OcicatError) => error.message);
  const warnings = unreadable.map((message) => `warning: ${message}`);
  const resources = listing.resources.map((stored) => {
    const { resource, warning } = showStored(kind, stored);
    if (warning !== undefined) warnings.push(warning);
    return resource;
  });
  if (kind.compare !== undefined) resources.sort((a, b) => kind.compare?.(a, b) ?? 0);
  return { resources, warnings, unreadable, revision: listing.revision };
}

/** What programs act on: resources that keep the rules of their kind, and a description of what is wrong with the others. */
export interface Readable<R> {
  readonly resources: readonly R[];
  readonly problems: readonly string[];
}

/** All of a kind as the agents read it: what breaks a rule is not used. */
export async function fetchReadable<R extends Resource>(
  datastore: Datastore,
  kind: Kind<R>,
  signal: AbortSignal,
): Promise<Readable<R>> {
  const listing = await listResources(datastore, parseResourceKind(kind.name), undefined, signal);
  const problems = listing.unreadable.map((error: OcicatError) => error.message);
  const resources = listing.resources.flatMap((stored) => {
    const result = readResource(kind, stored, 'stored');
    if (result.kind === 'valid') return [kind.fromStored(result.value)];
    problems.push(describeBroken(stored, result.issues));
    return [];
  });
  return { resources, problems };
}
