// patch: changes some fields of one resource.
import { formatIssue, isOcicatError, OcicatError } from '../../base/errors.ts';
import { parseJson } from '../../base/json.ts';
import type { Datastore } from '../../datastore/port.ts';
import { updateResource } from '../../datastore/resource/resources.ts';
import { type Kind, readResource } from '../../model/meta/kind.ts';
import type { Resource } from '../../model/meta/resource.ts';
import { UNKNOWN_FIELD } from '../../schema/schema-read.ts';
import { dryRunNote, flagValue, type Handler, type Invocation } from '../cli/command.ts';
import { namespaceFor, parseKindArgument, withStore } from '../store/context.ts';
import { retryConflict } from '../store/retry.ts';
import { fetchOne } from '../store/stored.ts';
import { warnOfIdle } from './idle-warning.ts';
import { applyPatch, type PatchType, parsePatchType } from './patch-apply.ts';
import { checkAgainstStore } from './store-rules.ts';
import { toStorable } from './write.ts';

/** JSON, held to the same as documents: no name twice, no digit lost, no depth without reason. */
async function parsePatch(text: string): Promise<unknown> {
  try {
    parseJson(text);
  } catch (cause) {
    throw new OcicatError('invalid', 'read patch: invalid JSON document', { cause });
  }
  const { parseDocuments } = await import('../manifest/documents.ts');
  return parseDocuments('patch', text)[0]?.value;
}

/** Paths of the fields that the kind does not have. */
function unknownFields(kind: Kind, value: unknown): readonly string[] {
  const result = readResource(kind, value, 'document');
  if (result.kind === 'valid') return [];
  return result.issues.filter((issue) => issue.found === UNKNOWN_FIELD).map((issue) => issue.path);
}

/** Fields that another program stored stay; a patch brings none of its own. Throws `invalid`. */
function checkNewFields(kind: Kind, before: Resource, patched: unknown): void {
  const known = new Set(unknownFields(kind, before));
  const fresh = unknownFields(kind, patched).filter((path) => !known.has(path));
  if (fresh.length === 0) return;
  const message = 'field in document is not recognized or is in the wrong location';
  throw new OcicatError('invalid', `${message}: ${fresh.join(', ')}`);
}

/** The patched resource, checked; name, kind and what the store gave it cannot be patched. */
function readPatched(kind: Kind, before: Resource, patched: unknown): Resource {
  const result = readResource(kind, patched, 'stored');
  if (result.kind === 'invalid') {
    const issues = result.issues.map(formatIssue).join('; ');
    throw new OcicatError('invalid', `${kind.name} after the patch: ${issues}`, { issues: result.issues });
  }
  const { name, namespace } = before.metadata;
  if (result.value.metadata.name !== name || result.value.metadata.namespace !== namespace) {
    throw new OcicatError('invalid', `patch ${kind.name} "${name}": name and namespace cannot be changed`);
  }
  return result.value;
}

interface Patching {
  readonly kind: Kind;
  readonly name: string;
  readonly type: PatchType;
  readonly patch: unknown;
}

async function patchOnce(datastore: Datastore, invocation: Invocation, { kind, name, type, patch }: Patching) {
  const { resource: before } = await fetchOne(datastore, kind, namespaceFor(invocation, kind), name, invocation.signal);
  const changed = await applyPatch(type, before, patch);
  checkNewFields(kind, before, changed);
  const patched = readPatched(kind, before, changed);
  const item = { kind, resource: patched };
  const [refusal] = await checkAgainstStore(datastore, [item], 'patch', invocation.signal);
  if (refusal !== undefined) throw refusal;
  await updateResource(datastore, toStorable(item), invocation.signal);
  return { item, before };
}

/** Calico's message for a patch that fails. */
async function asPatchError<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isOcicatError(error)) throw error;
    throw new OcicatError(error.code, `hit error: ${error.message}`, { cause: error.cause, issues: error.issues });
  }
}

export const runPatch: Handler = async (invocation) => {
  const [word = '', name = ''] = invocation.operands;
  const kind = parseKindArgument(word);
  const text = flagValue(invocation, 'patch');
  if (text === undefined) throw new OcicatError('invalid', 'patch: needs -p PATCH');
  const type = parsePatchType(flagValue(invocation, 'type') ?? 'strategic');
  const patch = await asPatchError(() => parsePatch(text));
  const { item, before } = await withStore(invocation, (datastore) =>
    asPatchError(() => retryConflict(() => patchOnce(datastore, invocation, { kind, name, type, patch }))),
  );
  warnOfIdle(invocation.stdio, [item], before);
  invocation.stdio.write(`Successfully patched 1 '${kind.name}' resource${dryRunNote(invocation)}\n`);
  return 0;
};
