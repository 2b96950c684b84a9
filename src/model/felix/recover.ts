// What a FelixConfiguration counts for that cannot be read as a whole: each field that can be read is taken; of another counts what it
// was before, or what is assumed where nobody knows that.
import { isOcicatError } from '../../base/errors.ts';
import type { JsonObject } from '../../base/json.ts';
import type { Fields } from '../../schema/schema.ts';
import { readSchema } from '../../schema/schema-read.ts';
import { API_VERSION, type ResourceName } from '../meta/resource.ts';
import { parseStoredDocument } from '../meta/stored.ts';
import { type FelixConfiguration, type FelixConfigurationSpec, felixConfigurationSpec } from './felix-configuration.ts';

function recoverSpec(spec: JsonObject, last: Readonly<Record<string, unknown>>): FelixConfigurationSpec {
  const known: Fields = felixConfigurationSpec.fields;
  const fields = Object.entries(known).flatMap(([name, { schema }]): readonly (readonly [string, unknown])[] => {
    const value = spec[name] ?? undefined;
    if (value === undefined) return [];
    const result = readSchema(schema, value, 'stored');
    if (result.kind === 'valid') return [[name, result.value]];
    return last[name] === undefined ? [] : [[name, last[name]]];
  });
  return Object.fromEntries(fields);
}

/** A text that is no such resource says nothing about its fields. */
function tryReadSpec(name: string, text: string): JsonObject | undefined {
  const named: ResourceName = { kind: 'FelixConfiguration', name };
  try {
    return parseStoredDocument(`read resource "FelixConfiguration(${name})"`, named, text).spec;
  } catch (error) {
    if (isOcicatError(error, 'corrupt')) return undefined;
    throw error;
  }
}

/** `before`: as it was last, however it was read. `assumed`: where it was not there. */
export function recoverFelixConfiguration(
  { name, text }: { readonly name: string; readonly text: string },
  before: FelixConfiguration | undefined,
  assumed: FelixConfigurationSpec,
): FelixConfiguration {
  const stored = tryReadSpec(name, text);
  const last = before?.spec ?? assumed;
  const spec = stored === undefined ? last : recoverSpec(stored, last);
  return { kind: 'FelixConfiguration', apiVersion: API_VERSION, metadata: before?.metadata ?? { name }, spec };
}
