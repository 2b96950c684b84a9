// Turns JSON from outside into typed values, or into every issue it has with its path.
import { type Issue, OcicatError } from '../base/errors.ts';
import { parseJson, printJson } from '../base/json.ts';

/** Reads one value; on a broken rule it adds an issue and returns a placeholder that the caller throws away. */
export type Reader<T> = (value: unknown, path: string, issues: Issue[]) => T;

/** What a text must be. */
export interface TextRule {
  readonly wanted?: string;
  readonly accepts?: (text: string) => boolean;
  /** The value must not show in messages. */
  readonly secret?: boolean;
}

/** Text, within a rule if one is given. */
export function text(rule: TextRule = {}): Reader<string> {
  return (value, path, issues) => {
    const accepts = rule.accepts ?? (() => true);
    if (typeof value === 'string' && accepts(value)) return value;
    const found = rule.secret && value !== undefined ? 'another value' : describe(value);
    issues.push({ path, found, wanted: rule.wanted ?? 'text' });
    return '';
  };
}

/** A whole number from `min` to `max`. */
export function integer(min: number, max: number): Reader<number> {
  return (value, path, issues) => {
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
    issues.push({ path, found: describe(value), wanted: `a whole number from ${min} to ${max}` });
    return min;
  };
}

/** Absent and null are undefined. */
export function optional<T>(read: Reader<T>): Reader<T | undefined> {
  return (value, path, issues) => (value === undefined || value === null ? undefined : read(value, path, issues));
}

/** A list of at most `maxItems`. */
export function list<T>(read: Reader<T>, maxItems = 100_000): Reader<readonly T[]> {
  return (value, path, issues) => {
    if (Array.isArray(value) && value.length <= maxItems) {
      return value.map((item: unknown, index) => read(item, `${path}[${index}]`, issues));
    }
    issues.push({ path, found: describe(value), wanted: `a list of at most ${maxItems}` });
    return [];
  };
}

/** An object used as a dictionary. */
export function dictionary<T>(read: Reader<T>): Reader<Readonly<Record<string, T>>> {
  return (value, path, issues) => {
    if (!isObject(value)) {
      issues.push({ path, found: describe(value), wanted: 'an object' });
      return {};
    }
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, read(item, `${path}[${JSON.stringify(key)}]`, issues)]),
    );
  };
}

type Shape<T> = { readonly [K in keyof T]: Reader<T[K]> };

/** An object with the fields of a shape. `closed` refuses other fields; open ones are left out of the result. */
export function object<T extends object>(shape: Shape<T>, rule: 'closed' | 'open'): Reader<T> {
  const names = Object.keys(shape) as (keyof T & string)[];
  return (value, path, issues) => {
    const fields = isObject(value) ? value : {};
    const kept = isObject(value) ? issues : [];
    if (!isObject(value)) issues.push({ path, found: describe(value), wanted: 'an object' });
    const unknown = rule === 'closed' ? Object.keys(fields).filter((name) => !Object.hasOwn(shape, name)) : [];
    for (const name of unknown) {
      kept.push({ path: join(path, name), found: 'an unknown field', wanted: names.map((n) => `"${n}"`).join(', ') });
    }
    const read = names.map((name) => [name, shape[name](own(fields, name), join(path, name), kept)]);
    return Object.fromEntries(read) as T;
  };
}

/** Anything; for fields whose content does not matter. */
export const anything: Reader<unknown> = (value) => value;

/** Parses JSON text and reads it. Throws `invalid` naming `what`, with every issue. */
export function parseDocument<T>(what: string, json: string, read: Reader<T>): T {
  let value: unknown;
  try {
    value = parseJson(json);
  } catch (cause) {
    const words = cause instanceof RangeError ? cause.message : 'is not JSON'; // the parser's own words may quote a secret
    throw new OcicatError('invalid', `${what}: ${words}`);
  }
  const issues: Issue[] = [];
  const result = read(value, '', issues);
  if (issues.length > 0) throw refuse(what, issues);
  return result;
}

/** What a line holds; the error has them all. */
const MAX_SHOWN_ISSUES = 20;

/** One line with the issues. */
export function refuse(what: string, issues: readonly Issue[]): OcicatError {
  const words = issues
    .slice(0, MAX_SHOWN_ISSUES)
    .map((issue) => `${issue.path || 'document'}: found ${issue.found}, wanted ${issue.wanted}`);
  if (issues.length > words.length) words.push(`and ${issues.length - words.length} more`);
  return new OcicatError('invalid', `${what}: ${words.join('; ')}`, { issues });
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function own(fields: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(fields, name) ? fields[name] : undefined;
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

/** What was found, in few words. */
export function describe(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (isObject(value)) return 'an object';
  const words = printJson(value);
  return words.length > 80 ? `${words.slice(0, 77)}...` : words;
}
