// The three kinds of patch. Strategic merge is JSON merge here: no list of a Calico resource has a merge key.
import { OcicatError } from '../../base/errors.ts';
import { printJson } from '../../base/json.ts';
import { membersOf } from '../../schema/document.ts';

export type PatchType = 'strategic' | 'json' | 'merge';

export function parsePatchType(text: string): PatchType {
  if (text === 'strategic' || text === 'json' || text === 'merge') return text;
  throw new OcicatError('invalid', `patch type "${text}": wanted strategic, json or merge`);
}

/** RFC 7386: members replace members, null removes, objects merge. */
function mergePatch(target: unknown, patch: unknown): unknown {
  const changes = membersOf(patch);
  if (changes === undefined) return patch;
  const result = new Map(Object.entries(membersOf(target) ?? {}));
  for (const [name, change] of Object.entries(changes)) {
    if (change === null) result.delete(name);
    else result.set(name, mergePatch(result.get(name), change));
  }
  return Object.fromEntries(result);
}

/** Characters of a document on the way; `copy` doubles it with every operation. Calico's limit for one document. */
const MAX_LENGTH = 10 * 1024 * 1024;
const MAX_OPERATIONS = 1_000;

/** RFC 6902. Throws `invalid` for a patch that is not one or does not apply. */
async function operationsPatch(target: unknown, patch: unknown): Promise<unknown> {
  const { applyPatch: apply } = await import('fast-json-patch');
  if (!Array.isArray(patch)) throw new OcicatError('invalid', 'JSON patch: found no list, wanted a list of operations');
  if (patch.length > MAX_OPERATIONS)
    throw new OcicatError('invalid', `JSON patch: ${patch.length} operations, wanted at most ${MAX_OPERATIONS}`);
  let document: unknown = structuredClone(target);
  for (const operation of patch) {
    try {
      document = apply(document, [operation], true, true, true).newDocument;
    } catch (cause) {
      const reason = cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : String(cause);
      throw new OcicatError('invalid', `JSON patch: ${reason}`);
    }
    if (membersOf(operation)?.op === 'copy' && printJson(document).length > MAX_LENGTH)
      throw new OcicatError('invalid', 'JSON patch: the document grows beyond 10 MB');
  }
  return document;
}

/** The patched document; the target stays as it is. */
export async function applyPatch(type: PatchType, target: unknown, patch: unknown): Promise<unknown> {
  if (type === 'json') return operationsPatch(target, patch);
  if (membersOf(patch) === undefined) throw new OcicatError('invalid', 'patch: wanted a JSON object');
  return mergePatch(target, patch);
}
