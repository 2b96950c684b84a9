// A handle: who holds how many addresses in which blocks, so that all of them can be found and released by one name.

import { OcicatError } from '../base/errors.ts';
import { isJsonObject, type Json, type JsonObject, parseJson, printJson } from '../base/json.ts';

/** Block range in text → number of addresses, at least 1. */
export type Handle = ReadonlyMap<string, number>;

/** Absent text is a handle without blocks. Throws `corrupt`. */
export function parseHandle(text: string | undefined): Handle {
  if (text === undefined) return new Map();
  const value = parseFields('handle', text);
  const blocks = value.block ?? {};
  if (!isJsonObject(blocks)) throw new OcicatError('corrupt', 'parse handle: block is not an object');
  const counts = Object.entries(blocks).map(([cidr, count]): [string, number] => {
    if (typeof count === 'number' && Number.isInteger(count)) return [cidr, count];
    throw new OcicatError('corrupt', `parse handle: the count of block "${cidr}" is not an integer`);
  });
  return new Map(counts.filter(([, count]) => count > 0));
}

/** The members of a small object of the store; throws `corrupt` naming `what`. */
export function parseFields(what: string, text: string): JsonObject {
  let value: Json;
  try {
    value = parseJson(text);
  } catch (cause) {
    throw new OcicatError('corrupt', `parse ${what}: not JSON`, { cause });
  }
  if (isJsonObject(value)) return value;
  throw new OcicatError('corrupt', `parse ${what}: not an object`);
}

/** As Calico stores it, blocks sorted as Go sorts map keys. */
export function printHandle(handle: Handle): string {
  const sorted = [...handle].sort(([a], [b]) => (a < b ? -1 : 1));
  return printJson({ block: Object.fromEntries(sorted), deleted: false });
}

/** The handle with `change` more addresses in a block; a block without addresses is left out. */
export function countInHandle(handle: Handle, cidr: string, change: number): Handle {
  const counts = new Map(handle);
  const count = (counts.get(cidr) ?? 0) + change;
  if (count > 0) counts.set(cidr, count);
  else counts.delete(cidr);
  return counts;
}
