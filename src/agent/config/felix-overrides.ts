// Settings of this host alone, which go before those in the store: FELIX_ variables, then the file that Felix has for them
// (Calico v3.33, felix/config/config_params.go).
import { type Issue, OcicatError } from '../../base/errors.ts';
import { type FelixConfigurationSpec, felixConfigurationSpec } from '../../model/felix/felix-configuration.ts';
import { ACTING_FELIX_FIELDS } from '../../model/idle/marks.ts';
import type { Fields, Shape } from '../../schema/schema.ts';
import { readSchema } from '../../schema/schema-read.ts';

export interface FelixOverrides {
  readonly spec: FelixConfigurationSpec;
  /** Names that this agent does not act on, as they stand. */
  readonly idle: readonly string[];
}

interface Assignment {
  /** As it stands, for messages. */
  readonly name: string;
  readonly value: string;
}

const VARIABLE = 'FELIX_';

/** `Name = value` lines below section heads; `#` and `;` begin comments. Lines that are neither are issues. */
function parseLines(text: string, issues: Issue[]): readonly Assignment[] {
  return text.split('\n').flatMap((line, index): readonly Assignment[] => {
    const plain = line.trim();
    if (plain === '' || /^[#;[]/.test(plain)) return [];
    const match = /^(\w+)\s*[=:]\s*(.*)$/.exec(plain);
    if (match === null) {
      issues.push({ path: `line ${index + 1}`, found: JSON.stringify(plain), wanted: 'Name = value' });
      return [];
    }
    return [{ name: match[1] ?? '', value: match[2] ?? '' }];
  });
}

/** A text as the field takes it; lists and objects have no form here. */
function valueFor(shape: Shape, text: string): unknown {
  if (shape.shape !== 'scalar') return text;
  const { type } = shape.json;
  if (type === 'boolean') return /^(true|yes|1|t|y)$/i.test(text) || (/^(false|no|0|f|n)$/i.test(text) ? false : text);
  return type !== 'string' && /^-?\d+$/.test(text) ? Number(text) : text;
}

/**
 * The settings that variables and file give, variables first. Throws `invalid` with every issue. `text` is that of the
 * file; undefined where there is none.
 */
export function parseFelixOverrides(
  environment: Readonly<Record<string, string | undefined>>,
  text: string | undefined,
): FelixOverrides {
  const issues: Issue[] = [];
  const known: Fields = felixConfigurationSpec.fields;
  const fields = new Map(Object.keys(known).map((field) => [field.toLowerCase(), field]));
  const variables = Object.entries(environment).flatMap(([name, value]): readonly Assignment[] =>
    name.startsWith(VARIABLE) && value !== undefined
      ? [{ name: name.slice(VARIABLE.length), value: value.trim() }]
      : [],
  );
  const assignments = [...parseLines(text ?? '', issues), ...variables];
  const acted = new Set(ACTING_FELIX_FIELDS.map((field) => field.toLowerCase()));
  const idle = assignments.filter(({ name }) => !acted.has(name.toLowerCase())).map(({ name }) => name);
  const values = assignments.flatMap(({ name, value }): readonly (readonly [string, unknown])[] => {
    const field = fields.get(name.toLowerCase());
    const schema = field === undefined ? undefined : known[field]?.schema;
    return field === undefined || schema === undefined ? [] : [[field, valueFor(schema, value)]];
  });
  const read = readSchema(felixConfigurationSpec, Object.fromEntries(values), 'stored');
  if (read.kind === 'valid' && issues.length === 0) return { spec: read.value, idle };
  throw new OcicatError('invalid', 'read Felix settings: refused', {
    issues: [...issues, ...(read.kind === 'invalid' ? read.issues : [])],
  });
}
