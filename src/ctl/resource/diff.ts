// diff: what apply would change.
import { isOcicatError, OcicatError } from '../../base/errors.ts';
import type { Datastore } from '../../datastore/port.ts';
import { formatResourceId, type Resource } from '../../model/meta/resource.ts';
import { keepAnswer } from '../../model/node/calico-node-status.ts';
import { flagValue, type Handler } from '../cli/command.ts';
import type { Item } from '../manifest/manifest.ts';
import { printYaml } from '../manifest/yaml.ts';
import { formatDiff } from '../output/line-diff.ts';
import { withStore } from '../store/context.ts';
import { fetchOne } from '../store/stored.ts';
import { readItems, reportNothing, withNamespace } from './write.ts';

/** What a user decides about: what the store gives a resource is left out. */
function plain(resource: Resource): Resource {
  const { uid, resourceVersion, creationTimestamp, ...metadata } = resource.metadata;
  return { ...resource, metadata };
}

/** As it would be shown after apply. */
function afterApply(item: Item, before: Resource | undefined): Resource {
  const applied = plain(item.kind.fromStored(item.kind.toStored(item.resource)));
  return before === undefined ? applied : keepAnswer(applied, before);
}

async function tryFetch(datastore: Datastore, item: Item, signal: AbortSignal): Promise<Resource | undefined> {
  const { namespace, name } = item.resource.metadata;
  try {
    return plain((await fetchOne(datastore, item.kind, namespace, name, signal)).resource);
  } catch (error) {
    if (isOcicatError(error, 'not-found')) return undefined;
    throw error;
  }
}

async function diffItem(datastore: Datastore, item: Item, signal: AbortSignal): Promise<string> {
  const before = await tryFetch(datastore, item, signal);
  const id = formatResourceId(item.resource);
  const text = before === undefined ? '' : printYaml(before);
  return formatDiff(
    text,
    printYaml(afterApply(item, before)),
    before === undefined ? '/dev/null' : `store ${id}`,
    `file ${id}`,
  );
}

/** Status 0 without differences, 1 with some, as diff. */
export const runDiff: Handler = async (invocation) => {
  const items = await readItems(invocation);
  if (items.length === 0) return reportNothing(invocation) === 0 ? 0 : (invocation.command.failureStatus ?? 1);
  return withStore(invocation, async (datastore) => {
    let different = false;
    for (const item of items) {
      const placed = withNamespace(item, flagValue(invocation, 'namespace'));
      if (placed instanceof OcicatError) throw placed;
      const text = await diffItem(datastore, placed, invocation.signal);
      if (text !== '') different = true;
      invocation.stdio.write(text);
    }
    return different ? 1 : 0;
  });
};
