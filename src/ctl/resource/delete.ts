// delete: resources by kind and name, or those that files name.
import { isOcicatError, OcicatError } from '../../base/errors.ts';
import type { Datastore } from '../../datastore/port.ts';
import { deleteMany } from '../../datastore/resource/resources.ts';
import { policyKinds } from '../../model/kinds.ts';
import type { Kind } from '../../model/meta/kind.ts';
import type { Resource } from '../../model/meta/resource.ts';
import { defaultAllowProfile } from '../../model/policy/profile.ts';
import { BUILT_IN_TIERS } from '../../model/policy/tier.ts';
import { dryRunNote, flagOn, flagValues, type Handler, type Invocation } from '../cli/command.ts';
import type { Item } from '../manifest/manifest.ts';
import { namespaceFlag, namespaceFor, parseKindArgument, withStore } from '../store/context.ts';
import { fetchList } from '../store/stored.ts';
import { describeDangling } from './delete-dangling.ts';
import { type Tidying, tidyBefore } from './delete-tidy.ts';
import { type Outcome, reportOutcomes } from './report.ts';
import { readItems, reportNothing, sortForDeleting, withNamespace } from './write.ts';

/** A resource that is named and nothing more. */
function bareItem(kind: Kind, namespace: string | undefined, name: string): Item {
  const resource: Resource = {
    kind: kind.name,
    apiVersion: 'projectcalico.org/v3',
    metadata: { name, namespace },
    spec: {},
  };
  return { kind, resource };
}

function unsupported(name: string, reason: string): OcicatError {
  return new OcicatError('unsupported', `operation Delete is not supported on ${name}: ${reason}`);
}

async function countPolicies(datastore: Datastore, tier: string, signal: AbortSignal): Promise<number> {
  let count = 0;
  for (const kind of policyKinds) {
    const { resources } = await fetchList(datastore, kind, undefined, signal);
    count += resources.filter((one) => (one.spec as { readonly tier?: unknown }).tier === tier).length;
  }
  return count;
}

/** Why an item may not be deleted; undefined if it may. */
async function refuseDeletion(
  datastore: Datastore,
  { kind, resource }: Item,
  signal: AbortSignal,
): Promise<OcicatError | undefined> {
  const { name } = resource.metadata;
  if (kind.readOnly) {
    return new OcicatError('unsupported', `operation delete is not supported on ${kind.name}`);
  }
  if (kind.name === 'Profile' && name === defaultAllowProfile.metadata.name) {
    return unsupported(name, `The profile "${name}" is a default provided by Calico and cannot be deleted`);
  }
  if (kind.name !== 'Tier') return undefined;
  if (Object.hasOwn(BUILT_IN_TIERS, name)) return unsupported(name, `Cannot delete ${name} tier`);
  const policies = await countPolicies(datastore, name, signal);
  return policies === 0 ? undefined : unsupported(name, 'Cannot delete a non-empty tier');
}

/** What must be tidied before the resource goes; then the resource. */
async function deleteOne(tidying: Tidying, item: Item): Promise<Outcome> {
  const { datastore, signal } = tidying;
  const error = await refuseDeletion(datastore, item, signal);
  if (error !== undefined) return { kind: 'failed', item, error };
  try {
    await tidyBefore(tidying, item);
  } catch (cause) {
    if (!isOcicatError(cause)) throw cause;
    return { kind: 'failed', item, error: cause };
  }
  const { namespace, name, resourceVersion } = item.resource.metadata;
  const [result] = await deleteMany(datastore, [{ kind: item.kind.name, namespace, name, resourceVersion }], signal);
  if (result?.kind === 'failed') return { kind: 'failed', item, error: result.error };
  return { kind: 'done', item };
}

/** Kinds whose deletion asks nothing of the store go together. */
function isSimple(item: Item): boolean {
  return !item.kind.readOnly && !['Profile', 'Tier', 'IPPool', 'Node'].includes(item.kind.name);
}

async function deleteSimple(
  datastore: Datastore,
  items: readonly Item[],
  signal: AbortSignal,
): Promise<readonly Outcome[]> {
  const names = items.map(({ kind, resource: { metadata } }) => ({
    kind: kind.name,
    namespace: metadata.namespace,
    name: metadata.name,
    resourceVersion: metadata.resourceVersion,
  }));
  const results = await deleteMany(datastore, names, signal);
  return items.map((item, index): Outcome => {
    const result = results[index];
    return result?.kind === 'failed' ? { kind: 'failed', item, error: result.error } : { kind: 'done', item };
  });
}

/** What refers to others first. */
async function deleteItems(tidying: Tidying, items: readonly Item[]): Promise<readonly Outcome[]> {
  const { datastore, signal } = tidying;
  const sorted = sortForDeleting(items);
  const outcomes = [...(await deleteSimple(datastore, sorted.filter(isSimple), signal))];
  for (const item of sorted) if (!isSimple(item)) outcomes.push(await deleteOne(tidying, item));
  for (const line of await describeDangling(datastore, outcomes, signal)) tidying.notify(line);
  return outcomes;
}

async function itemsToDelete(invocation: Invocation): Promise<readonly (Item | Outcome)[]> {
  const [word, ...names] = invocation.operands;
  const files = flagValues(invocation, 'filename');
  if (word === undefined || files.length > 0) {
    if (word !== undefined) throw new OcicatError('invalid', 'delete: give -f FILE or KIND NAME, not both');
    return (await readItems(invocation, 'names')).map((item): Item | Outcome => {
      const placed = withNamespace(item, namespaceFlag(invocation));
      return placed instanceof OcicatError ? { kind: 'failed', item, error: placed } : placed;
    });
  }
  if (names.length === 0) throw new OcicatError('invalid', 'delete: needs the NAME of what to delete, or -f FILE');
  const kind = parseKindArgument(word);
  const namespace = namespaceFor(invocation, kind);
  return names.map((name) => bareItem(kind, namespace, name));
}

function ignoreMissing(outcome: Outcome, skip: boolean): Outcome {
  if (outcome.kind !== 'failed' || !skip || outcome.error.code !== 'not-found') return outcome;
  return { kind: 'skipped', item: outcome.item };
}

export const runDelete: Handler = async (invocation) => {
  const selected = await itemsToDelete(invocation);
  if (selected.length === 0) return reportNothing(invocation);
  const outcomes = selected.filter((one): one is Outcome => 'item' in one);
  const items = selected.filter((one): one is Item => !('item' in one));
  const skip = flagOn(invocation, 'skip-not-exists');
  await withStore(invocation, async (datastore) => {
    const notify = (line: string) => invocation.stdio.writeError(`${line}${dryRunNote(invocation)}\n`);
    const deleted = await deleteItems({ datastore, notify, signal: invocation.signal }, items);
    outcomes.push(...deleted.map((outcome) => ignoreMissing(outcome, skip)));
  });
  return reportOutcomes(invocation, 'delete', outcomes);
};
