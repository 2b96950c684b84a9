// preview: which pairs of endpoints would change their verdict if files were applied.
import { OcicatError } from '../../base/errors.ts';
import { escapeLine } from '../../base/escape.ts';
import { printJson } from '../../base/json.ts';
import { printResource } from '../../datastore/resource/resource-codec.ts';
import { readCluster, type StoredDocument } from '../../why/cluster.ts';
import { computePreview } from '../../why/preview/preview.ts';
import { describePreview, formatPreview } from '../../why/preview/text.ts';
import type { Handler } from '../cli/command.ts';
import type { Item } from '../manifest/manifest.ts';
import { readItems, reportNothing, toStorable, withNamespace } from '../resource/write.ts';
import { namespaceFlag, withStore } from '../store/context.ts';
import { readOutput, TEXT_OR_JSON } from './output.ts';
import { fetchDocuments } from './read-cluster.ts';

function toDocument(item: Item, namespace: string | undefined): StoredDocument {
  const placed = withNamespace(item, namespace);
  if (placed instanceof OcicatError) throw placed;
  const { kind, metadata } = placed.resource;
  return { kind, namespace: metadata.namespace, name: metadata.name, text: printResource(toStorable(placed)) };
}

const keyOf = ({ kind, namespace, name }: StoredDocument) => `${kind}/${namespace ?? ''}/${name}`;

/** As the store would hold them after apply. */
function afterApply(stored: readonly StoredDocument[], applied: readonly StoredDocument[]): readonly StoredDocument[] {
  return [...new Map([...stored, ...applied].map((one) => [keyOf(one), one])).values()];
}

/** Status 0 when nothing would change, 1 when something would, as diff; 2 for a failure. */
export const runPreview: Handler = async (invocation) => {
  const output = readOutput(invocation, TEXT_OR_JSON);
  const items = await readItems(invocation);
  if (items.length === 0) return reportNothing(invocation) === 0 ? 0 : 2;
  const applied = items.map((item) => toDocument(item, namespaceFlag(invocation)));
  const stored = await withStore(invocation, (datastore) => fetchDocuments(datastore, invocation.signal));
  const [before, after] = [readCluster(stored), readCluster(afterApply(stored, applied))];
  const preview = computePreview(before.snapshot, after.snapshot);
  for (const problem of after.problems) invocation.stdio.writeError(`warning: ${escapeLine(problem)}\n`);
  const text = () =>
    formatPreview(preview, after.snapshot)
      .map((line) => `${escapeLine(line)}\n`)
      .join('');
  invocation.stdio.write(output === 'text' ? text() : `${printJson(describePreview(preview), 2)}\n`);
  return preview.changes.length === 0 ? 0 : 1;
};
