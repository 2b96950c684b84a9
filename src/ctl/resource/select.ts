// Which resources get and others mean: a kind, names of a kind, or what files name.
import { isOcicatError, OcicatError } from '../../base/errors.ts';
import type { Datastore } from '../../datastore/port.ts';
import type { Kind } from '../../model/meta/kind.ts';
import type { Resource } from '../../model/meta/resource.ts';
import { flagOn, flagValues, type Invocation } from '../cli/command.ts';
import { checkNamespaceFlags, namespaceFlag, namespaceFor, parseKindArgument } from '../store/context.ts';
import { fetchList, fetchOne, type Shown } from '../store/stored.ts';
import { readItems, withNamespace } from './write.ts';

/** `list` is a whole kind; `one` and `several` are named. `several` may be of different kinds (from files). */
export type Selection =
  | { readonly kind: 'list'; readonly of: Kind; readonly resources: readonly Resource[]; readonly revision: number }
  | { readonly kind: 'one'; readonly of: Kind; readonly resource: Resource }
  | { readonly kind: 'several'; readonly resources: readonly (readonly [Kind, Resource])[] };

export interface Selected {
  /** Undefined when files are empty and --skip-empty says that this is no failure. */
  readonly selection: Selection | undefined;
  readonly warnings: readonly string[];
  /** Named resources that are not there. */
  readonly errors: readonly OcicatError[];
}

interface Named {
  readonly kind: Kind;
  readonly namespace: string | undefined;
  readonly name: string;
}

type Fetched = readonly [Kind, Shown];

async function fetchNamed(datastore: Datastore, named: readonly Named[], signal: AbortSignal): Promise<Selected> {
  const results = await Promise.all(
    named.map(async ({ kind, namespace, name }): Promise<Fetched | OcicatError> => {
      try {
        return [kind, await fetchOne(datastore, kind, namespace, name, signal)];
      } catch (error) {
        if (isOcicatError(error, 'not-found', 'corrupt')) return error;
        throw error;
      }
    }),
  );
  const errors = results.filter((one): one is OcicatError => one instanceof OcicatError);
  const fetched = results.filter((one): one is Fetched => !(one instanceof OcicatError));
  const warnings = fetched.flatMap(([, shown]) => (shown.warning === undefined ? [] : [shown.warning]));
  const [first] = fetched;
  const selection: Selection =
    named.length === 1 && first !== undefined
      ? { kind: 'one', of: first[0], resource: first[1].resource }
      : { kind: 'several', resources: fetched.map(([kind, shown]) => [kind, shown.resource]) };
  return { selection, warnings, errors };
}

async function fetchWholeKind(datastore: Datastore, invocation: Invocation, kind: Kind): Promise<Selected> {
  const all = flagOn(invocation, 'all-namespaces');
  const namespace = all && kind.namespaced ? undefined : namespaceFor(invocation, kind);
  const { resources, warnings, revision } = await fetchList(datastore, kind, namespace, invocation.signal);
  return { selection: { kind: 'list', of: kind, resources, revision }, warnings, errors: [] };
}

async function readNamed(invocation: Invocation): Promise<readonly Named[]> {
  const items = await readItems(invocation, 'names');
  return items.map((item) => {
    const placed = withNamespace(item, namespaceFlag(invocation));
    if (placed instanceof OcicatError) throw placed;
    const { namespace, name } = placed.resource.metadata;
    return { kind: placed.kind, namespace, name };
  });
}

/** What the operands or -f of a command mean. Throws `invalid` for what makes no sense. */
export async function selectResources(datastore: Datastore, invocation: Invocation): Promise<Selected> {
  checkNamespaceFlags(invocation);
  const [word, ...names] = invocation.operands;
  if (word === undefined) {
    const named = await readNamed(invocation);
    if (named.length === 0) return { selection: undefined, warnings: [], errors: [] };
    return fetchNamed(datastore, named, invocation.signal);
  }
  if (flagValues(invocation, 'filename').length > 0) {
    throw new OcicatError('invalid', 'give KIND and NAME, or -f FILE, not both');
  }
  const kind = parseKindArgument(word);
  if (names.length === 0) return fetchWholeKind(datastore, invocation, kind);
  if (flagOn(invocation, 'all-namespaces')) {
    throw new OcicatError('invalid', 'cannot use --all-namespace flag for getting a single resource');
  }
  const namespace = namespaceFor(invocation, kind);
  return fetchNamed(
    datastore,
    names.map((name) => ({ kind, namespace, name })),
    invocation.signal,
  );
}
