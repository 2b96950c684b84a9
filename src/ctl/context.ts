// What several commands ask of the command line: kinds, namespaces, the store for the time of a piece of work.
import { OcicatError } from '../base/errors.ts';
import type { Datastore } from '../datastore/port.ts';
import type { Kind } from '../model/kind.ts';
import { findKindByAlias } from '../model/kinds.ts';
import { flagOn, flagValue, type Invocation } from './command.ts';

export const DEFAULT_NAMESPACE = 'default';

/** Opens the store, does the work, closes the store. */
export async function withStore<T>(invocation: Invocation, work: (datastore: Datastore) => Promise<T>): Promise<T> {
  const datastore = await invocation.openStore(invocation);
  try {
    return await work(flagOn(invocation, 'verbose') ? await traced(invocation, datastore) : datastore);
  } finally {
    await datastore.close();
  }
}

async function traced(invocation: Invocation, datastore: Datastore): Promise<Datastore> {
  const { traceStore } = await import('./traced-store.ts');
  return traceStore(datastore, (line) => invocation.stdio.writeError(`${line}\n`));
}

/** The kind that a word on the command line means; throws `invalid`. */
export function parseKindWord(word: string): Kind {
  const kind = findKindByAlias(word);
  if (kind !== undefined) return kind;
  throw new OcicatError('invalid', `resource type '${word}' is not supported`);
}

/** The namespace that `-n` names, for one resource of a kind: undefined for kinds without. Throws `invalid`. */
export function namespaceFor(invocation: Invocation, kind: Kind): string | undefined {
  const given = flagValue(invocation, 'namespace');
  if (kind.namespaced) return given ?? DEFAULT_NAMESPACE;
  if (given !== undefined) throw new OcicatError('invalid', `${kind.name} is not namespaced`);
  return undefined;
}

/** Throws `invalid` when both -n and -A are given. */
export function checkNamespaceFlags(invocation: Invocation): void {
  if (flagOn(invocation, 'all-namespaces') && flagValue(invocation, 'namespace') !== undefined) {
    throw new OcicatError('invalid', 'cannot use both --namespace and --all-namespaces flags at the same time');
  }
}
