// Reads members of a JSON object by type, and notes every member that is not what was wanted.
import type { Issue } from '../../base/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../../base/json.ts';

function describe(value: Json): string {
  if (typeof value === 'string') return `"${value}"`;
  if (typeof value !== 'object') return String(value);
  return value === null ? 'null' : Array.isArray(value) ? 'a list' : 'an object';
}

export interface Reader {
  readonly issues: Issue[];
  refuse(path: string, found: string, wanted: string): void;
  text(name: string): string | undefined;
  integer(name: string): number | undefined;
  flag(name: string): boolean;
  texts(name: string): readonly string[];
  /** Members of an object member; an absent one is empty. */
  within(name: string): Reader;
  list(name: string): readonly Json[];
  /** Whether the member is there and not null. */
  has(name: string): boolean;
}

/** Absent and null members read as undefined, false or empty. */
export function createReader(fields: JsonObject, path = '', issues: Issue[] = []): Reader {
  const at = (name: string) => (path === '' ? name : `${path}.${name}`);

  function read<T>(name: string, wanted: string, accept: (value: Json) => value is Json & T): T | undefined {
    const value = fields[name] ?? undefined;
    if (value === undefined || accept(value)) return value;
    issues.push({ path: at(name), found: describe(value), wanted });
    return undefined;
  }

  const isText = (value: Json): value is string => typeof value === 'string';
  const isInteger = (value: Json): value is number => typeof value === 'number' && Number.isInteger(value);
  const isFlag = (value: Json): value is boolean => typeof value === 'boolean';
  const isList = (value: Json): value is readonly Json[] => Array.isArray(value);

  return {
    issues,
    refuse: (name, found, wanted) => void issues.push({ path: at(name), found, wanted }),
    text: (name) => read(name, 'a string', isText),
    integer: (name) => read(name, 'an integer', isInteger),
    flag: (name) => read(name, 'true or false', isFlag) ?? false,
    list: (name) => read(name, 'a list', isList) ?? [],
    texts(name) {
      const values = read(name, 'a list of strings', isList) ?? [];
      for (const [index, value] of values.entries())
        if (!isText(value)) issues.push({ path: `${at(name)}[${index}]`, found: describe(value), wanted: 'a string' });
      return values.filter(isText);
    },
    within: (name) => createReader(read(name, 'an object', isJsonObject) ?? {}, at(name), issues),
    has: (name) => (fields[name] ?? null) !== null,
  };
}
