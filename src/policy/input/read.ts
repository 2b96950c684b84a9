// Reading stored fields one by one: what cannot be understood is reported, and the caller closes what depends on it.
import type { Issue } from '../../base/errors.ts';
import { describeValue, membersOf } from '../../schema/document.ts';
import { parseSelector, tryParseSelector } from '../../selector/parse.ts';
import { mentionsGlobal } from '../../selector/rewrite.ts';
import type { Selector } from '../../selector/selector.ts';

/** The fields of one object and the path to it. */
export interface Fields {
  readonly members: Readonly<Record<string, unknown>>;
  readonly path: string;
  /** It is no object, or something around it is none: what its fields say is not known. */
  readonly lost: boolean;
  /** Everything that could not be understood so far. */
  readonly issues: Issue[];
  /** Selectors of this resource by their text: rules like to repeat them, and then share one value. */
  readonly selectors: Map<string, Selector>;
}

/** Says that something could not be understood. */
export function report(fields: Fields, path: string, found: string, wanted: string): void {
  fields.issues.push({ path, found, wanted });
}

/** Path of a field. */
export function pathOf(fields: Fields, name: string): string {
  return fields.path === '' ? name : `${fields.path}.${name}`;
}

/** A field's value; undefined for null and for what only the prototype has. */
export function get(fields: Fields, name: string): unknown {
  return Object.hasOwn(fields.members, name) ? (fields.members[name] ?? undefined) : undefined;
}

/** Reports a field that is not what it should be; undefined, for the caller to return. */
export function refuse(fields: Fields, name: string, wanted: string): undefined {
  report(fields, pathOf(fields, name), describeValue(get(fields, name)), wanted);
  return undefined;
}

/** The fields of an object below; none of them when it is absent, and when it is no object, which is reported. */
export function getFields(fields: Fields, name: string): Fields {
  const value = get(fields, name);
  const members = value === undefined ? {} : membersOf(value);
  if (members === undefined) refuse(fields, name, 'an object');
  const lost = fields.lost || members === undefined;
  return { ...fields, members: members ?? {}, path: pathOf(fields, name), lost };
}

/** As getFields for an object that must be there; undefined, with a report, when it is not. */
export function getRequired(fields: Fields, name: string): Fields | undefined {
  return membersOf(get(fields, name)) === undefined ? refuse(fields, name, 'an object') : getFields(fields, name);
}

/** A list; empty when absent, and when it is no list, which is reported. */
export function getList(fields: Fields, name: string): readonly unknown[] {
  const value = get(fields, name);
  if (value === undefined || Array.isArray(value)) return value ?? [];
  return refuse(fields, name, 'a list') ?? [];
}

/** The items of a list that `parse` understands; the others are reported. */
export function getItems<T>(
  fields: Fields,
  name: string,
  wanted: string,
  parse: (item: unknown) => T | undefined,
): readonly T[] {
  const items: T[] = [];
  for (const [index, value] of getList(fields, name).entries()) {
    const item = parse(value);
    if (item === undefined) report(fields, `${pathOf(fields, name)}[${index}]`, describeValue(value), wanted);
    else items.push(item);
  }
  return items;
}

/** A parser of texts as one of unknown values. */
export function ofText<T>(parse: (text: string) => T | undefined): (value: unknown) => T | undefined {
  return (value) => (typeof value === 'string' ? parse(value) : undefined);
}

/** The texts of a map; members that are no texts are reported and left out. */
export function getTexts(fields: Fields, name: string): Readonly<Record<string, string>> {
  const inner = getFields(fields, name);
  const entries: [string, string][] = [];
  for (const [key, value] of Object.entries(inner.members)) {
    if (typeof value === 'string') entries.push([key, value]);
    else refuse(inner, key, 'a text');
  }
  return Object.fromEntries(entries);
}

/** What `read` makes of the fields, and whether it could understand all of what it read. */
export function readWhole<T>(
  fields: Fields,
  read: (fields: Fields) => T,
): { readonly value: T; readonly whole: boolean } {
  const before = fields.issues.length;
  const value = read(fields);
  return { value, whole: !fields.lost && fields.issues.length === before };
}

/** `unreadable` was reported. */
export type Read<T> = { readonly kind: 'read'; readonly value: T } | { readonly kind: 'unreadable' };

export const UNREADABLE: Read<never> = { kind: 'unreadable' };

/** The selector of a text; throws `invalid`. */
export function parseShared(fields: Fields, text: string): Selector {
  const known = fields.selectors.get(text);
  if (known !== undefined) return known;
  const selector = parseSelector(text);
  fields.selectors.set(text, selector);
  return selector;
}

/** A selector; undefined when absent or empty. `global()` has no meaning outside of a rule's namespace selector. */
export function getSelector(fields: Fields, name: string): Read<Selector | undefined> {
  const value = get(fields, name);
  if (value === undefined || value === '') return { kind: 'read', value: undefined };
  const selector = typeof value === 'string' && tryParseSelector(value) ? parseShared(fields, value) : undefined;
  if (selector !== undefined && !mentionsGlobal(selector)) return { kind: 'read', value: selector };
  refuse(fields, name, 'a selector without global()');
  return UNREADABLE;
}
