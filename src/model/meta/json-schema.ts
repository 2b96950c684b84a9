// JSON Schema of a kind, for editors: made from the same description that validates documents.

import type { Field, ObjectShape, Plain, PlainObject, Shape } from '../../schema/schema.ts';
import type { Kind } from './kind.ts';

const DIALECT = 'https://json-schema.org/draft/2020-12/schema';

function schemaOf(shape: Shape): PlainObject {
  switch (shape.shape) {
    case 'scalar':
      return shape.json;
    case 'list':
      return {
        type: 'array',
        items: schemaOf(shape.item),
        ...(shape.minItems > 0 ? { minItems: shape.minItems } : {}),
        ...(Number.isFinite(shape.maxItems) ? { maxItems: shape.maxItems } : {}),
        ...(shape.unique ? { uniqueItems: true } : {}),
      };
    case 'map':
      return { type: 'object', additionalProperties: schemaOf(shape.value) };
    case 'object':
      return objectSchema(shape);
  }
}

function objectSchema(shape: ObjectShape): PlainObject {
  const names = Object.keys(shape.fields);
  const needed = names.filter((name) => shape.fields[name]?.presence === 'required');
  const properties = Object.entries(shape.fields).map(([name, field]): [string, Plain] => [name, fieldSchema(field)]);
  return {
    type: 'object',
    properties: Object.fromEntries(properties),
    additionalProperties: false,
    ...(needed.length > 0 ? { required: needed } : {}),
  };
}

/** The type with what people should know; scalars with the form they must have. */
function fieldSchema(field: Field): PlainObject {
  const { schema, doc, defaultText } = field;
  const wanted = schema.shape === 'scalar' ? ` Wanted: ${schema.wanted}.` : '';
  const usual = defaultText === undefined ? '' : ` Default: ${defaultText}.`;
  return { ...schemaOf(schema), description: `${doc}${wanted}${usual}` };
}

/** The schema of a kind's whole document. */
export function computeJsonSchema(kind: Kind): PlainObject {
  return { $schema: DIALECT, title: kind.name, description: kind.doc, ...objectSchema(kind.schema) };
}
