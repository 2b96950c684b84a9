// create, apply and replace: everything that -f names is read first, then written kind by kind.
import { describeError, isOcicatError, OcicatError } from '../../base/errors.ts';
import type { Datastore } from '../../datastore/port.ts';
import { initialiseDatastore } from '../../datastore/resource/initialise.ts';
import { applyMany, createMany, type ResourceOutcome, updateMany } from '../../datastore/resource/resources.ts';
import { kinds } from '../../model/kinds.ts';
import type { Resource } from '../../model/meta/resource.ts';
import { flagOn, flagValues, type Handler, type Invocation } from '../cli/command.ts';
import { readManifests } from '../manifest/files.ts';
import { type Item, type ManifestPart, readResources } from '../manifest/manifest.ts';
import { DEFAULT_NAMESPACE, namespaceFlag, withStore } from '../store/context.ts';
import { warnOfIdle } from './idle-warning.ts';
import { type Outcome, reportOutcomes } from './report.ts';
import { checkAgainstStore, type WriteAction } from './store-rules.ts';

/**
 * The items of every -f: whole, or by their names alone. Throws `invalid` when there is none to read, or an item breaks
 * a rule.
 */
export async function readItems(invocation: Invocation, part: ManifestPart = 'whole'): Promise<readonly Item[]> {
  const paths = flagValues(invocation, 'filename');
  if (paths.length === 0) {
    const { path, operands } = invocation.command;
    const wanted = operands.length > 0 ? 'KIND or -f FILE' : '-f FILE';
    throw new OcicatError('invalid', `"calicoctl ${path.join(' ')}" needs ${wanted}`);
  }
  try {
    const recursive = flagOn(invocation, 'recursive');
    const files = await Promise.all(paths.map((path) => readManifests(path, recursive, invocation.stdio)));
    return await readResources(files.flat(), part);
  } catch (error) {
    if (!isOcicatError(error)) throw error;
    throw new OcicatError(error.code, `failed to execute command: ${describeError(error)}`, { issues: error.issues });
  }
}

/** Says that files hold nothing; with --skip-empty that is no failure. */
export function reportNothing(invocation: Invocation): number {
  if (flagOn(invocation, 'skip-empty')) {
    invocation.stdio.write('No resources specified\n');
    return 0;
  }
  const [path = ''] = flagValues(invocation, 'filename');
  invocation.stdio.writeError(`no resources specified in file ${path}\n`);
  return 1;
}

/** With its namespace: its own, which must be that of -n if both are there, else that of -n, else `default`. */
export function withNamespace(item: Item, namespace: string | undefined): Item | OcicatError {
  const { kind, resource } = item;
  if (!kind.namespaced) {
    return namespace === undefined ? item : new OcicatError('invalid', `${kind.name} is not namespaced`);
  }
  const own = resource.metadata.namespace;
  if (own !== undefined && namespace !== undefined && own !== namespace) {
    return new OcicatError('invalid', `resource namespace does not match client namespace. ${own} != ${namespace}`);
  }
  const metadata = { ...resource.metadata, namespace: own ?? namespace ?? DEFAULT_NAMESPACE };
  return { kind, resource: { ...resource, metadata } };
}

const kindOrder: ReadonlyMap<string, number> = new Map(kinds.map((kind, index) => [kind.name, index]));

function rankOf(item: Item): number {
  return kindOrder.get(item.kind.name) ?? kinds.length;
}

/** What others refer to first; the order of the file among resources of one kind. */
export function sortForWriting(items: readonly Item[]): readonly Item[] {
  return [...items].sort((a, b) => rankOf(a) - rankOf(b));
}

/** What refers to others first. */
export function sortForDeleting(items: readonly Item[]): readonly Item[] {
  return [...items].sort((a, b) => rankOf(b) - rankOf(a));
}

/** As it is stored. */
export function toStorable({ kind, resource }: Item): Resource {
  return kind.toStored(resource);
}

function toOutcome(item: Item, outcome: ResourceOutcome | undefined): Outcome {
  if (outcome?.kind === 'done') return { kind: 'done', item };
  return { kind: 'failed', item, error: outcome?.error ?? new OcicatError('internal', 'write resource: no outcome') };
}

const WRITERS = { create: createMany, apply: applyMany, replace: updateMany } as const;

async function writeGroup(
  datastore: Datastore,
  action: WriteAction,
  items: readonly Item[],
  signal: AbortSignal,
): Promise<readonly Outcome[]> {
  const results = await WRITERS[action](datastore, items.map(toStorable), signal);
  return items.map((item, index) => toOutcome(item, results[index]));
}

function groupOf(groups: Map<string, Item[]>, item: Item): Item[] {
  const group = groups.get(item.kind.name) ?? [];
  groups.set(item.kind.name, group);
  return group;
}

/** Writes what may be written, kind by kind, so that nobody sees a policy before its tier. */
export async function writeItems(
  datastore: Datastore,
  action: WriteAction,
  items: readonly Item[],
  signal: AbortSignal,
): Promise<readonly Outcome[]> {
  const sorted = sortForWriting(items);
  const refusals = await checkAgainstStore(datastore, sorted, action, signal);
  const outcomes: Outcome[] = [];
  const groups = new Map<string, Item[]>();
  for (const [index, item] of sorted.entries()) {
    const error = refusals[index];
    if (error !== undefined) outcomes.push({ kind: 'failed', item, error });
    else groupOf(groups, item).push(item);
  }
  for (const group of groups.values()) outcomes.push(...(await writeGroup(datastore, action, group, signal)));
  return outcomes;
}

/** Fills an empty store; a user who may not do that may still write resources. */
async function initialiseQuietly(datastore: Datastore, signal: AbortSignal): Promise<void> {
  try {
    await initialiseDatastore(datastore, signal);
  } catch (error) {
    if (!isOcicatError(error, 'denied', 'corrupt', 'conflict')) throw error;
  }
}

/** Existing resources are no failure with --skip-exists. */
function ignoreExisting(outcome: Outcome, skipExists: boolean): Outcome {
  if (outcome.kind !== 'failed' || !skipExists || outcome.error.code !== 'already-exists') return outcome;
  return { kind: 'skipped', item: outcome.item };
}

function makeWriter(action: WriteAction): Handler {
  return async (invocation) => {
    const read = await readItems(invocation);
    if (read.length === 0) return reportNothing(invocation);
    const namespace = namespaceFlag(invocation);
    warnOfIdle(invocation.stdio, read);
    const outcomes: Outcome[] = [];
    const items: Item[] = [];
    for (const item of read) {
      const placed = withNamespace(item, namespace);
      if (placed instanceof OcicatError) outcomes.push({ kind: 'failed', item, error: placed });
      else items.push(placed);
    }
    await withStore(invocation, async (datastore) => {
      await initialiseQuietly(datastore, invocation.signal);
      const written = await writeItems(datastore, action, items, invocation.signal);
      const skipExists = flagOn(invocation, 'skip-exists');
      outcomes.push(...written.map((outcome) => ignoreExisting(outcome, skipExists)));
    });
    return reportOutcomes(invocation, action, outcomes);
  };
}

export const runCreate = makeWriter('create');
export const runApply = makeWriter('apply');
export const runReplace = makeWriter('replace');
