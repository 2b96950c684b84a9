// preview: which pairs of endpoints would change their verdict if files were applied or deleted, or staged policies enforced.
import { OcicatError } from '../../base/errors.ts';
import { escapeLine } from '../../base/escape.ts';
import { printJson } from '../../base/json.ts';
import type { Paint } from '../../cli/paint.ts';
import { printResource } from '../../datastore/resource/resource-codec.ts';
import { formatId, readCluster, type StoredDocument, withStagedEnforced } from '../../why/cluster.ts';
import { paintLine } from '../../why/colours.ts';
import { computePreview } from '../../why/preview/preview.ts';
import { describePreview, formatPreview } from '../../why/preview/text.ts';
import { flagOn, flagValues, type Handler, type Invocation } from '../cli/command.ts';
import type { Item, ManifestPart } from '../manifest/manifest.ts';
import { readItems, reportNothing, toStorable, withNamespace } from '../resource/write.ts';
import { namespaceFlag, withStore } from '../store/context.ts';
import { readOutput, TEXT_OR_JSON } from './output.ts';
import { fetchDocuments } from './read-cluster.ts';

/** Without a text where only the names are read. */
function toDocument(item: Item, namespace: string | undefined, part: ManifestPart): StoredDocument {
  const placed = withNamespace(item, namespace);
  if (placed instanceof OcicatError) throw placed;
  const { kind, metadata } = placed.resource;
  const text = part === 'names' ? '' : printResource(toStorable(placed));
  return { kind, namespace: metadata.namespace, name: metadata.name, text };
}

const keyOf = ({ kind, namespace, name }: StoredDocument) => `${kind}/${namespace ?? ''}/${name}`;

/** As the store would hold them after apply. */
function afterApply(stored: readonly StoredDocument[], applied: readonly StoredDocument[]): readonly StoredDocument[] {
  return [...new Map([...stored, ...applied].map((one) => [keyOf(one), one])).values()];
}

/** As the store would hold them after delete. */
function afterDelete(stored: readonly StoredDocument[], deleted: readonly StoredDocument[]): readonly StoredDocument[] {
  const keys = new Set(deleted.map(keyOf));
  return stored.filter((one) => !keys.has(keyOf(one)));
}

/** None where no file is named because staged policies alone are asked about. */
async function readDocuments(invocation: Invocation): Promise<readonly StoredDocument[]> {
  const isStaged = flagOn(invocation, 'staged');
  if (isStaged && flagValues(invocation, 'filename').length === 0) return [];
  const part = flagOn(invocation, 'delete') ? 'names' : 'whole';
  return (await readItems(invocation, part)).map((item) => toDocument(item, namespaceFlag(invocation), part));
}

/** What is to be deleted and is not there, or has no part in policy. */
function listMissing(stored: readonly StoredDocument[], deleted: readonly StoredDocument[]): readonly string[] {
  const keys = new Set(stored.map(keyOf));
  return deleted
    .filter((one) => !keys.has(keyOf(one)))
    .map((one) => `${formatId(keyOf(one))} is not stored, or has no part in policy`);
}

/** Status 0 when nothing would change, 1 when something would, as diff; 2 for a failure. */
export const runPreview: Handler = async (invocation) => {
  const output = readOutput(invocation, TEXT_OR_JSON);
  const [isStaged, isDelete] = [flagOn(invocation, 'staged'), flagOn(invocation, 'delete')];
  const given = await readDocuments(invocation);
  if (given.length === 0 && !isStaged) return reportNothing(invocation) === 0 ? 0 : 2;
  const stored = await withStore(invocation, (datastore) => fetchDocuments(datastore, invocation.signal));
  const [before, later] = [readCluster(stored), readCluster((isDelete ? afterDelete : afterApply)(stored, given))];
  const after = isStaged ? withStagedEnforced(later) : later.snapshot;
  const preview = computePreview(before.snapshot, after);
  const warnings = [...(isDelete ? listMissing(stored, given) : []), ...later.problems];
  for (const problem of warnings) invocation.stdio.writeError(`warning: ${escapeLine(problem)}\n`);
  const { stdio } = invocation;
  const text = (paint: Paint) =>
    formatPreview(preview, after)
      .map((line) => `${paintLine(escapeLine(line), paint)}\n`)
      .join('');
  if (output === 'text') stdio.writePainted(text);
  else stdio.write(`${printJson(describePreview(preview), 2)}\n`);
  return preview.changes.length === 0 ? 0 : 1;
};
