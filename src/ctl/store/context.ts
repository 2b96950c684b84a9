// What several commands ask of the command line: kinds, namespaces, the store for the time of a piece of work.
import { OcicatError } from '../../base/errors.ts';
import { escapeLine } from '../../base/escape.ts';
import type { Datastore } from '../../datastore/port.ts';
import { findKindByAlias } from '../../model/kinds.ts';
import type { Kind } from '../../model/meta/kind.ts';
import { flagOn, flagValue, type Invocation } from '../cli/command.ts';
import { parseVerbosity } from '../cli/verbosity.ts';
import { checkClusterVersion } from './cluster-version.ts';

export const DEFAULT_NAMESPACE = 'default';

/** Opens the store, does the work if the cluster's version allows it, closes the store. */
export async function withStore<T>(invocation: Invocation, work: (datastore: Datastore) => Promise<T>): Promise<T> {
  const opened = await invocation.openStore(invocation);
  try {
    const datastore = await layered(invocation, opened);
    await checkClusterVersion(invocation, datastore);
    return await work(datastore);
  } finally {
    await opened.close();
  }
}

/** The store, telling what it is asked where the flags want that. */
export async function traced(invocation: Invocation, opened: Datastore): Promise<Datastore> {
  const verbosity = parseVerbosity(invocation);
  if (verbosity === 0) return opened;
  const { traceStore } = await import('./traced-store.ts');
  return traceStore(opened, verbosity === 2, (line) => invocation.stdio.writeError(`${escapeLine(line)}\n`));
}

/** The store as the flags want it: telling what it is asked, writing nothing. */
async function layered(invocation: Invocation, opened: Datastore): Promise<Datastore> {
  const datastore = await traced(invocation, opened);
  if (!flagOn(invocation, 'dry-run')) return datastore;
  return (await import('./dry-store.ts')).openDryStore(datastore);
}

/** The kind that a word on the command line means; throws `invalid`. */
export function parseKindArgument(word: string): Kind {
  const kind = findKindByAlias(word);
  if (kind !== undefined) return kind;
  throw new OcicatError('invalid', `resource type '${word}' is not supported`);
}

/** What `-n` names; `-n ""`, as of an unset variable, names nothing. */
export function namespaceFlag(invocation: Invocation): string | undefined {
  return flagValue(invocation, 'namespace') || undefined;
}

/** The namespace that `-n` names, for one resource of a kind: undefined for kinds without. Throws `invalid`. */
export function namespaceFor(invocation: Invocation, kind: Kind): string | undefined {
  const namespace = namespaceFlag(invocation);
  if (kind.namespaced) return namespace ?? DEFAULT_NAMESPACE;
  if (namespace !== undefined) throw new OcicatError('invalid', `${kind.name} is not namespaced`);
  return undefined;
}

/** Throws `invalid` when both -n and -A are given. */
export function checkNamespaceFlags(invocation: Invocation): void {
  if (flagOn(invocation, 'all-namespaces') && namespaceFlag(invocation) !== undefined) {
    throw new OcicatError('invalid', 'cannot use both --namespace and --all-namespaces flags at the same time');
  }
}
