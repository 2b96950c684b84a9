// Reads an unknown value by a schema: the value in its stored form with fields in the schema's order, or every issue.
import type { Issue } from '../base/errors.ts';
import type { Field, ListShape, MapShape, ObjectShape, ScalarShape, Schema, Shape } from './schema.ts';

/** An issue with its path in parts, so that a place in a text can be found for it. */
export interface PlacedIssue extends Issue {
  readonly at: readonly (string | number)[];
}

/**
 * `document`: written by people: fields that are not known are refused, defaults of new resources are filled in.
 * `stored`: read from the store: fields that are not known are kept, after the known ones.
 */
export type ReadMode = 'document' | 'stored';

export type ReadResult<T> =
  | { readonly kind: 'valid'; readonly value: T }
  | { readonly kind: 'invalid'; readonly issues: readonly PlacedIssue[] };

/** `found` of an issue about a field that the schema does not know; the field is the last part of `at`. */
export const UNKNOWN_FIELD = 'a field that is not known';

interface Reading {
  readonly mode: ReadMode;
  readonly issues: PlacedIssue[];
  /** Where the reader stands. */
  readonly at: (string | number)[];
}

/** Never throws; every issue is named. */
export function readSchema<T>(schema: Schema<T>, value: unknown, mode: ReadMode): ReadResult<T> {
  const reading: Reading = { mode, issues: [], at: [] };
  const read = readShape(schema, value, reading);
  return reading.issues.length > 0 ? { kind: 'invalid', issues: reading.issues } : { kind: 'valid', value: read as T };
}

/** `spec.ingress[0].source`, `metadata.labels["a.b/c"]`. */
export function formatPath(at: readonly (string | number)[]): string {
  let text = '';
  for (const part of at) {
    if (typeof part === 'number') text += `[${part}]`;
    else if (/^[\w-]+$/.test(part)) text += text === '' ? part : `.${part}`;
    else text += `[${JSON.stringify(part)}]`;
  }
  return text;
}

/** A value in a few words, for messages. */
export function describeValue(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (typeof value === 'string') return JSON.stringify(value.length > 64 ? `${value.slice(0, 61)}...` : value);
  if (Array.isArray(value)) return `a list of ${value.length}`;
  return typeof value === 'object' ? 'an object' : String(value);
}

function report(reading: Reading, found: string, wanted: string): undefined {
  const at = [...reading.at];
  reading.issues.push({ path: formatPath(at), found, wanted, at });
  return undefined;
}

/** The value in its stored form; undefined, with an issue, if it is not valid. */
function readShape(shape: Shape, value: unknown, reading: Reading): unknown {
  switch (shape.shape) {
    case 'scalar':
      return readScalar(shape, value, reading);
    case 'list':
      return readList(shape, value, reading);
    case 'map':
      return readMap(shape, value, reading);
    case 'object':
      return readObject(shape, value, reading);
  }
}

/** YAML takes `1` and `true` for other things than text; where text is wanted, they are. Not `1.10`: it reads as 1.1. */
function textOf(value: unknown): string | undefined {
  return typeof value === 'boolean' || Number.isSafeInteger(value) ? String(value) : undefined;
}

function readScalar(shape: ScalarShape, value: unknown, reading: Reading): unknown {
  const lenient = reading.mode === 'document' && shape.json.type === 'string';
  const read = shape.read(lenient ? (textOf(value) ?? value) : value);
  if (read !== undefined) return read;
  return report(reading, describeValue(value), shape.explain?.(value) ?? shape.wanted);
}

function readList(shape: ListShape, value: unknown, reading: Reading): unknown {
  if (!Array.isArray(value)) return report(reading, describeValue(value), 'a list');
  if (value.length > shape.maxItems) return report(reading, `${value.length} items`, `at most ${shape.maxItems}`);
  if (value.length < shape.minItems) return report(reading, `${value.length} items`, `at least ${shape.minItems}`);
  const items: unknown[] = [];
  for (const [index, item] of value.entries()) {
    reading.at.push(index);
    const read = readShape(shape.item, item, reading);
    if (shape.unique && read !== undefined && items.includes(read)) {
      report(reading, `${describeValue(item)} a second time`, 'every item once');
    }
    items.push(read);
    reading.at.pop();
  }
  return items;
}

/** The members of a JSON object; undefined for anything else. */
export function membersOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return value as Readonly<Record<string, unknown>>;
}

function readMap(shape: MapShape, value: unknown, reading: Reading): unknown {
  const members = membersOf(value);
  if (members === undefined) return report(reading, describeValue(value), 'an object');
  const entries: [string, unknown][] = [];
  const isTextMap = reading.mode === 'document' && shape.value.shape === 'scalar' && shape.value.json.type === 'string';
  for (const key of Object.keys(members).sort()) {
    const member = isTextMap && members[key] === null ? '' : members[key];
    reading.at.push(key);
    const name = readScalar(shape.key, key, reading);
    const read = readShape(shape.value, member, reading);
    if (typeof name === 'string') entries.push([name, read]);
    reading.at.pop();
  }
  return Object.fromEntries(entries);
}

function readObject(shape: ObjectShape, value: unknown, reading: Reading): unknown {
  const members = membersOf(value);
  if (members === undefined) return report(reading, describeValue(value), 'an object');
  const issuesBefore = reading.issues.length;
  const result: Record<string, unknown> = {};
  for (const name in shape.fields) {
    const field = shape.fields[name];
    if (field === undefined) continue;
    const given = Object.hasOwn(members, name) ? members[name] : undefined;
    const missing = given === undefined || given === null;
    if (missing && (field.presence === 'sparse' || field.presence === 'optional')) continue; // most fields of most objects
    reading.at.push(name);
    const read = readField(field, given, result, reading);
    if (read !== undefined) result[name] = read;
    reading.at.pop();
  }
  readUnknown(shape, members, result, reading);
  if (shape.check !== undefined && reading.issues.length === issuesBefore) checkObject(shape, result, reading);
  return result;
}

/** Whether a value is the empty value of its shape: what a `sparse` field leaves out. */
function isEmpty(shape: Shape, value: unknown): boolean {
  if (shape.shape === 'list') return Array.isArray(value) && value.length === 0;
  if (shape.shape !== 'scalar') {
    const members = membersOf(value);
    return members !== undefined && Object.keys(members).length === 0;
  }
  const { type } = shape.json;
  if (value === '') return type === undefined || type === 'string';
  if (value === 0) return type === undefined || type === 'integer' || type === 'number';
  return value === false && type === 'boolean';
}

/** Where a default is filled in, an empty text or an empty list asks for it. */
function meansDefault(shape: Shape, value: unknown): boolean {
  if (shape.shape === 'scalar') return value === '' && shape.json.type === 'string';
  return shape.shape === 'list' && Array.isArray(value) && value.length === 0;
}

function isFilled(field: Field, mode: ReadMode): boolean {
  return field.presence === 'filled' || (field.presence === 'created' && mode === 'document');
}

function readField(field: Field, given: unknown, before: Readonly<Record<string, unknown>>, reading: Reading): unknown {
  const absent =
    given === undefined || given === null || (isFilled(field, reading.mode) && meansDefault(field.schema, given));
  if (!absent) {
    if (field.presence === 'sparse' && isEmpty(field.schema, given)) return undefined;
    const read = readShape(field.schema, given, reading);
    return field.presence === 'sparse' && read !== given && isEmpty(field.schema, read) ? undefined : read;
  }
  if (field.presence === 'required') return report(reading, 'nothing', wantedOf(field.schema));
  const value = isFilled(field, reading.mode) ? field.fill(before) : undefined;
  return value === undefined ? undefined : readShape(field.schema, value, reading);
}

function wantedOf(shape: Shape): string {
  if (shape.shape === 'scalar') return shape.wanted;
  return shape.shape === 'list' ? 'a list' : 'an object';
}

function readUnknown(
  shape: ObjectShape,
  members: Readonly<Record<string, unknown>>,
  result: Record<string, unknown>,
  reading: Reading,
): void {
  for (const name in members) {
    if (Object.hasOwn(shape.fields, name)) continue;
    reading.at.push(name);
    if (reading.mode === 'document') report(reading, UNKNOWN_FIELD, wantedInstead(shape, name));
    else if (name !== '__proto__') result[name] = members[name];
    reading.at.pop();
  }
}

/** The field that was probably meant, else all of them when they are few. */
function wantedInstead(shape: ObjectShape, name: string): string {
  const plain = (text: string) =>
    text
      .toLowerCase()
      .replace(/[^a-z0-9]/g, '')
      .replace(/s$/, '');
  const names = Object.keys(shape.fields);
  const near = names.find((known) => plain(known) === plain(name));
  if (near !== undefined) return `"${near}"`;
  return names.length > 16 ? 'a field that the reference names' : `one of ${names.join(', ')}`;
}

function checkObject(shape: ObjectShape, value: unknown, reading: Reading): void {
  shape.check?.(value, (path, found, wanted) => {
    const at = [...reading.at, ...parsePath(path)];
    reading.issues.push({ path: formatPath(at), found, wanted, at });
  });
}

/** `source.ports[1]` as its parts. Only for paths that checks write: names without dots and numbers in brackets. */
function parsePath(path: string): readonly (string | number)[] {
  return [...path.matchAll(/\[(\d+)\]|([^.[\]]+)/g)].map((match) =>
    match[1] === undefined ? (match[2] ?? '') : Number(match[1]),
  );
}
