// A schema as text and as a tree, for explain and the reference pages.
import type { Field, Shape } from './schema.ts';

/** The type of a value in a few words: `list of objects`, `true or false`. */
export function describeShape(shape: Shape): string {
  switch (shape.shape) {
    case 'scalar':
      return shape.wanted;
    case 'list': {
      const limit = Number.isFinite(shape.maxItems) ? `, at most ${shape.maxItems}` : '';
      return `list of ${describeItem(shape.item)}${limit}`;
    }
    case 'map':
      return `map of ${describeItem(shape.value)}`;
    case 'object':
      return 'object';
  }
}

function describeItem(shape: Shape): string {
  return shape.shape === 'object' ? 'objects' : describeShape(shape);
}

/** The fields below a value: those of an object, of the objects in a list or in a map; none for scalars. */
export function fieldsBelow(shape: Shape): Readonly<Record<string, Field>> {
  switch (shape.shape) {
    case 'scalar':
      return {};
    case 'list':
      return fieldsBelow(shape.item);
    case 'map':
      return fieldsBelow(shape.value);
    case 'object':
      return shape.fields;
  }
}

/** The field at a path of names from a document's root; undefined if there is none. */
export function findField(root: Shape, names: readonly string[]): Field | undefined {
  let field: Field | undefined;
  let shape = root;
  for (const name of names) {
    const fields = fieldsBelow(shape);
    field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (field === undefined) return undefined;
    shape = field.schema;
  }
  return field;
}
