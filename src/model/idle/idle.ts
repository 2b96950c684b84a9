// What of a resource has no effect here, by the marks of its kind.
import { printJson } from '../../base/json.ts';
import { fieldsBelow, findField } from '../../schema/describe.ts';
import { membersOf } from '../../schema/document.ts';
import type { Field } from '../../schema/schema.ts';
import type { Kind } from '../meta/kind.ts';
import type { IdleMark } from './idle-mark.ts';
import { IDLE_MARKS } from './marks.ts';

const NO_MARKS: readonly IdleMark[] = [];

/** The marks of a kind. */
export function idleMarksOf(kindName: string): readonly IdleMark[] {
  return (Object.hasOwn(IDLE_MARKS, kindName) ? IDLE_MARKS[kindName] : undefined) ?? NO_MARKS;
}

/** The mark that a field itself has; `''` asks for the kind. */
export function idleMarkAt(kindName: string, path: string): IdleMark | undefined {
  return idleMarksOf(kindName).find((mark) => mark.path === path);
}

/** `No effect here: …`, for pages; nothing for what acts. */
export function formatMark(mark: IdleMark | undefined): string {
  return mark === undefined ? '' : ` No effect here: ${mark.why}.`;
}

/** All values at a path; a list on the way stands for its items. */
function valuesAt(value: unknown, names: readonly string[]): readonly unknown[] {
  const [name, ...rest] = names;
  if (Array.isArray(value)) return value.flatMap((item) => valuesAt(item, names));
  if (name === undefined) return [value];
  const members = membersOf(value);
  return members === undefined || !Object.hasOwn(members, name) ? [] : valuesAt(members[name], rest);
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === '' || value === 0) return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

/** What is not set, or set to the default, misleads nobody. */
function isUsual(field: Field | undefined, value: unknown): boolean {
  if (value === undefined || value === null || value === '') return true;
  const usual = field?.defaultText;
  if (usual === undefined) return isEmpty(value);
  return String(value) === usual || printJson(value) === usual;
}

function isUsed(kind: Kind, mark: IdleMark, resource: unknown): boolean {
  const names = mark.path.split('.');
  const { holds = [] } = mark;
  const field = findField(kind.schema, names);
  return valuesAt(resource, names).some((value) => !isUsual(field, value) && !holds.some((one) => one === value));
}

function isChanged(mark: IdleMark, resource: unknown, before: unknown): boolean {
  const names = mark.path === '' ? [] : mark.path.split('.');
  return printJson(valuesAt(resource, names)) !== printJson(valuesAt(before, names));
}

/**
 * The marks of what a resource sets without effect; a marked kind has one, whatever it holds. With `before` those of what
 * has changed since alone.
 */
export function findIdle(kind: Kind, resource: unknown, before?: unknown): readonly IdleMark[] {
  return idleMarksOf(kind.name).filter(
    (mark) =>
      (mark.path === '' || isUsed(kind, mark, resource)) && (before === undefined || isChanged(mark, resource, before)),
  );
}

/** Every field of a kind's spec that has none below it, by its path. */
export function leafPathsOf(kind: Kind): readonly string[] {
  const below = (path: string, field: Field): readonly string[] => {
    const fields = Object.entries(fieldsBelow(field.schema));
    return fields.length === 0 ? [path] : fields.flatMap(([name, one]) => below(`${path}.${name}`, one));
  };
  const { spec } = kind.schema.fields;
  return spec === undefined ? [] : below('spec', spec);
}

/** The mark of a field or of what it lies in. */
export function enclosingIdleMark(kindName: string, path: string): IdleMark | undefined {
  return idleMarksOf(kindName).find(
    (mark) => mark.path === '' || path === mark.path || path.startsWith(`${mark.path}.`),
  );
}
