// Pod UUIDs: random version 4, lower case with dashes; arguments may be any unambiguous prefix.
import { readFileSync } from 'node:fs';
import { OcicatError } from '../../base/errors.ts';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export function isUuid(text: string): boolean {
  return UUID.test(text);
}

/** The one UUID that starts with `prefix`. Throws `invalid` if the prefix is empty or ambiguous, `not-found` without a match. */
export function resolveUuid(prefix: string, known: readonly string[]): string {
  const wanted = prefix.toLowerCase();
  if (wanted === '') throw new OcicatError('invalid', 'UUID cannot be empty');
  const matches = known.filter((uuid) => uuid.startsWith(wanted));
  const [only, second] = matches;
  if (only === undefined) throw new OcicatError('not-found', `no matches found for "${wanted}"`);
  if (second !== undefined) throw new OcicatError('invalid', `ambiguous uuid, ${matches.length} matches`);
  return only;
}

/** The UUID, or prefix of one, that a file made by `--uuid-file-save` holds. */
export function readUuidFile(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (cause) {
    throw new OcicatError('not-found', `unable to resolve UUID from file "${path}"`, { cause });
  }
}
