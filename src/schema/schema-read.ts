// Reads an unknown value by a schema: the value in its stored form with fields in the schema's order, or every issue.
import type { Issue } from '../base/errors.ts';
import { describeValue, formatPath, membersOf, parsePath, valueAt } from './document.ts';
import type {
  Field,
  FieldPath,
  ListShape,
  MapShape,
  ObjectShape,
  Report,
  ScalarShape,
  Schema,
  Shape,
} from './schema.ts';

/** An issue with its path in parts, so that a place in a text can be found for it. */
interface PlacedIssue extends Issue {
  readonly at: readonly (string | number)[];
}

/**
 * `document`: resources written by people: fields that are not known are refused, a number is taken for the text that it is,
 * defaults of new resources are filled in.
 * `stored`: resources read from the store: fields that are not known are kept, after the known ones.
 * `closed`: files of this program's own formats: fields that are not known are refused.
 * `open`: what other programs write: fields that are not known are left out.
 */
export type ReadMode = 'document' | 'stored' | 'closed' | 'open';

export type ReadResult<T> =
  | { readonly kind: 'valid'; readonly value: T }
  | { readonly kind: 'invalid'; readonly issues: readonly PlacedIssue[] };

/** `found` of an issue about a field that the schema does not know; the field is the last part of `at`. */
export const UNKNOWN_FIELD = 'a field that is not known';

/** So many issues of one value are named; the others are counted. No person reads more, and files may be hostile. */
export const MAX_ISSUES = 100;

interface Reading {
  readonly mode: ReadMode;
  readonly issues: PlacedIssue[];
  /** How many issues there were after the first MAX_ISSUES. */
  dropped: number;
  /** Where the reader stands. */
  readonly at: (string | number)[];
}

/** Never throws; every issue is named, up to MAX_ISSUES and one that says how many more there are. */
export function readSchema<T>(schema: Schema<T>, value: unknown, mode: ReadMode): ReadResult<T> {
  const reading: Reading = { mode, issues: [], dropped: 0, at: [] };
  const read = readShape(schema, value, reading);
  const { issues, dropped } = reading;
  if (dropped > 0) issues.push({ path: '', found: `${dropped} more issues`, wanted: 'none', at: [] });
  return issues.length > 0 ? { kind: 'invalid', issues } : { kind: 'valid', value: read as T };
}

function report(reading: Reading, found: string, wanted: string): undefined {
  return reportAt(reading, [...reading.at], found, wanted);
}

function reportAt(reading: Reading, at: readonly (string | number)[], found: string, wanted: string): undefined {
  if (reading.issues.length < MAX_ISSUES) reading.issues.push({ path: formatPath(at), found, wanted, at });
  else reading.dropped += 1;
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
  const readValue = reading.mode === 'stored' ? (shape.readStored ?? shape.read) : shape.read;
  const read = readValue(lenient ? (textOf(value) ?? value) : value);
  if (read !== undefined) return read;
  const found = shape.secret === true ? 'another value' : describeValue(value);
  return report(reading, found, shape.explain?.(value) ?? shape.wanted);
}

function reportTooFew({ minItems, wanted }: ListShape, count: number, reading: Reading): void {
  if (count === 0 && wanted !== undefined) report(reading, 'nothing', wanted);
  else report(reading, `${count} items`, `at least ${minItems}`);
}

function readList(shape: ListShape, value: unknown, reading: Reading): unknown {
  if (!Array.isArray(value)) return report(reading, describeValue(value), wantedOf(shape));
  if (value.length > shape.maxItems) report(reading, `${value.length} items`, `at most ${shape.maxItems}`);
  if (value.length < shape.minItems) reportTooFew(shape, value.length, reading);
  const items: unknown[] = [];
  const seen = new Set<unknown>();
  for (const [index, item] of value.entries()) {
    reading.at.push(index);
    const read = readShape(shape.item, item, reading);
    if (shape.unique && read !== undefined) {
      if (seen.has(read)) report(reading, `${describeValue(item)} a second time`, 'every item once');
      seen.add(read);
    }
    items.push(read);
    reading.at.pop();
  }
  return items;
}

function readMap(shape: MapShape, value: unknown, reading: Reading): unknown {
  const members = membersOf(value);
  if (members === undefined) return report(reading, describeValue(value), 'an object');
  const entries: [string, unknown][] = [];
  const isTextMap = reading.mode === 'document' && shape.value.shape === 'scalar' && shape.value.json.type === 'string';
  const isSorted = reading.mode === 'document' || reading.mode === 'stored'; // as Go prints maps
  for (const key of isSorted ? Object.keys(members).sort() : Object.keys(members)) {
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
  const { dropped } = reading;
  const issuesBefore = reading.issues.length;
  const result: Record<string, unknown> = {};
  for (const name in shape.fields) {
    const field = shape.fields[name];
    if (field === undefined) continue;
    const input = Object.hasOwn(members, name) ? members[name] : undefined;
    const missing = input === undefined || input === null;
    if (missing && (field.presence === 'sparse' || field.presence === 'optional')) continue; // most fields of most objects
    reading.at.push(name);
    const read = readField(field, input, result, reading);
    if (read !== undefined) result[name] = read;
    reading.at.pop();
  }
  if (reading.mode !== 'open') readUnknown(shape, members, result, reading);
  if (shape.rules.length > 0 && reading.dropped === dropped) {
    const own = reading.issues.length === issuesBefore ? NO_ISSUES : reading.issues.slice(issuesBefore);
    checkRules({ shape, members, result, own }, reading);
  }
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

/** Whether a field with a default has an empty text that is no value of its own: it asks for the default. */
function asksForDefault({ schema, defaultText }: Field): boolean {
  if (defaultText === undefined || schema.shape !== 'scalar') return false;
  const { type } = schema.json;
  return (type === undefined || type === 'string') && schema.read('') === undefined;
}

/** Whether a field is left out, or has the empty value that means the same. */
function isAbsent(field: Field, input: unknown, mode: ReadMode): boolean {
  if (input === undefined || input === null) return true;
  if (input === '' && asksForDefault(field)) return true;
  if (field.presence === 'sparse') return isEmpty(field.schema, input);
  return isFilled(field, mode) && meansDefault(field.schema, input);
}

function readField(field: Field, input: unknown, before: Readonly<Record<string, unknown>>, reading: Reading): unknown {
  if (!isAbsent(field, input, reading.mode)) {
    const read = readShape(field.schema, input, reading);
    return field.presence === 'sparse' && read !== input && isEmpty(field.schema, read) ? undefined : read;
  }
  if (field.presence === 'required') return report(reading, 'nothing', wantedOf(field.schema));
  const value = isFilled(field, reading.mode) ? field.fill(before) : undefined;
  return value === undefined ? undefined : readShape(field.schema, value, reading);
}

function wantedOf(shape: Shape): string {
  if (shape.shape === 'scalar') return shape.wanted;
  return shape.shape === 'list' ? (shape.wanted ?? 'a list') : 'an object';
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
    if (reading.mode !== 'stored') report(reading, UNKNOWN_FIELD, wantedInstead(shape, name));
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

const NO_ISSUES: readonly PlacedIssue[] = [];

/** An object whose fields have been read. */
interface ReadObject {
  readonly shape: ObjectShape;
  readonly members: Readonly<Record<string, unknown>>;
  readonly result: Readonly<Record<string, unknown>>;
  /** The issues of its fields. */
  readonly own: readonly PlacedIssue[];
}

/** Runs the rules whose fields are right. */
function checkRules(object: ReadObject, reading: Reading): void {
  const { shape, members, result, own } = object;
  const depth = reading.at.length;
  const reportRule: Report = (path, wanted, found) => {
    const parts = parsePath(path);
    reportAt(reading, [...reading.at, ...parts], found ?? describeValue(valueAt(members, parts)), wanted);
  };
  const isPresent = (path: string): boolean => isPresentIn(object, path, reading);
  for (const { reads, check, onlyWritten } of shape.rules) {
    if (onlyWritten === true && reading.mode === 'stored') continue;
    if (own.length > 0 && own.some((issue) => reads.some((path) => touches(issue.at, depth, path)))) continue;
    check(result, reportRule, isPresent);
  }
}

/** Whether an issue is in a field, or in what the field is a part of; `at` counts from `depth`, items of lists do not. */
function touches(at: readonly (string | number)[], depth: number, path: FieldPath): boolean {
  let index = 0;
  for (let part = depth; part < at.length && index < path.length; part++) {
    if (typeof at[part] === 'number') continue;
    if (at[part] !== path[index]) return false;
    index += 1;
  }
  return true;
}

/** Whether a document says something in a field, right or wrong; an empty value that means nothing says nothing. */
function isPresentIn({ shape, members, result, own }: ReadObject, path: string, reading: Reading): boolean {
  const parts = path.includes('.') ? path.split('.') : [path];
  let inside: Shape = shape;
  let input: unknown = members;
  let read: unknown = result;
  for (const name of parts) {
    const field: Field | undefined = inside.shape === 'object' ? inside.fields[name] : undefined;
    const outer: Readonly<Record<string, unknown>> | undefined = membersOf(input);
    input = outer !== undefined && Object.hasOwn(outer, name) ? outer[name] : undefined;
    if (field === undefined || isAbsent(field, input, reading.mode)) return false;
    read = membersOf(read)?.[name];
    inside = field.schema;
  }
  return read !== undefined || own.some((issue) => touches(issue.at, reading.at.length, parts));
}
