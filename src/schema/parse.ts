// From a JSON text or a value of one to what a schema describes; refused whole, with every issue in one line.
import { type Issue, OcicatError } from '../base/errors.ts';
import { describeJsonFault, type Json, parseJson } from '../base/json.ts';
import type { Schema } from './schema.ts';
import { type ReadMode, readSchema } from './schema-read.ts';

/** What a line holds; the error has them all. */
const MAX_SHOWN_ISSUES = 20;

function refuse(what: string, issues: readonly Issue[]): OcicatError {
  const parts = issues
    .slice(0, MAX_SHOWN_ISSUES)
    .map((issue) => `${issue.path || 'document'}: found ${issue.found}, wanted ${issue.wanted}`);
  if (issues.length > parts.length) parts.push(`and ${issues.length - parts.length} more`);
  return new OcicatError('invalid', `${what}: ${parts.join('; ')}`, { issues });
}

/** Throws `invalid`, which begins with `what`, with every issue. */
export function parseValue<T>(what: string, value: unknown, schema: Schema<T>, mode: ReadMode): T {
  const result = readSchema(schema, value, mode);
  if (result.kind === 'valid') return result.value;
  throw refuse(what, result.issues);
}

/** As parseValue, from a text. */
export function parseDocument<T>(what: string, json: string, schema: Schema<T>, mode: ReadMode): T {
  let value: Json;
  try {
    value = parseJson(json);
  } catch (cause) {
    throw new OcicatError('invalid', `${what}: ${describeJsonFault(cause)}`);
  }
  return parseValue(what, value, schema, mode);
}
