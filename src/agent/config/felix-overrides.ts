// Settings of this host alone, which go before those in the store: FELIX_ variables, then the file that Felix has for them
// (Calico v3.33, felix/config/config_params.go).
import { type Issue, OcicatError } from '../../base/errors.ts';
import { type FelixConfigurationSpec, felixConfigurationSpec } from '../../model/felix/felix-configuration.ts';
import { failsafePorts } from '../../model/felix/felix-values.ts';
import { ACTING_FELIX_FIELDS } from '../../model/idle/felix-marks.ts';
import type { Fields, ScalarShape, Shape } from '../../schema/schema.ts';
import { readSchema } from '../../schema/schema-read.ts';
import { tryParseFailsafes } from './failsafe-text.ts';

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

/** Names of parameters that are not those of the fields (Calico's documentation, "Felix configuration"). */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  externalnodescidrlist: 'externalNodesList',
  reportingintervalsecs: 'reportingInterval',
  reportingttlsecs: 'reportingTTL',
  endpointreportingdelaysecs: 'endpointReportingDelay',
  netlinktimeoutsecs: 'netlinkTimeout',
  usagereportinginitialdelaysecs: 'usageReportingInitialDelay',
  usagereportingintervalsecs: 'usageReportingInterval',
  iptablespostwritecheckintervalsecs: 'iptablesPostWriteCheckInterval',
  ipinipenabled: 'ipipEnabled',
  ipinipmtu: 'ipipMTU',
  wireguardpersistentkeepalive: 'wireguardKeepAlive',
};

const BOOLEANS: Readonly<Record<string, boolean>> = {
  ...{ true: true, yes: true, y: true, t: true, 1: true },
  ...{ false: false, no: false, n: false, f: false, 0: false },
};

/** The first form of a text that the field takes: a choice in any case, a number, or one of seconds; the text itself where it takes none. */
function scalarFor(scalar: ScalarShape, text: string): unknown {
  const { type, enum: listed } = scalar.json;
  const choices: readonly unknown[] = Array.isArray(listed) ? listed : [];
  if (type === 'boolean') return BOOLEANS[text.toLowerCase()] ?? text;
  const choice = choices.find((one) => String(one).toLowerCase() === text.toLowerCase());
  const number = /^-?\d+(\.\d+)?$/.test(text) ? [Number(text), `${text}s`] : [];
  const forms = type === 'string' ? [text, ...number.slice(1)] : [...number, text];
  return choice ?? forms.find((form) => scalar.read(form) !== undefined) ?? text;
}

/**
 * Lists stand with commas between; those of objects other than failsafe ports have no form here. `none` is no value, and the
 * store's does not count; of failsafe ports it is an empty list.
 */
function valueFor(shape: Shape, text: string): unknown {
  if (shape === failsafePorts) return tryParseFailsafes(text) ?? text;
  if (/^none$/i.test(text)) return undefined;
  if (shape.shape === 'scalar') return scalarFor(shape, text);
  const { shape: kind } = shape;
  const item = kind === 'list' ? shape.item : undefined;
  if (item?.shape !== 'scalar') return text;
  return text.split(',').map((one) => scalarFor(item, one.trim()));
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
  const fields = new Map([
    ...Object.keys(known).map((field): readonly [string, string] => [field.toLowerCase(), field]),
    ...Object.entries(OTHER_NAMES),
  ]);
  const variables = Object.entries(environment).flatMap(([name, value]): readonly Assignment[] =>
    name.startsWith(VARIABLE) && value !== undefined
      ? [{ name: name.slice(VARIABLE.length), value: value.trim() }]
      : [],
  );
  const assignments = [...parseLines(text ?? '', issues), ...variables];
  const acted = new Set<string>(ACTING_FELIX_FIELDS);
  const fieldOf = (name: string) => fields.get(name.toLowerCase());
  const idle = assignments.filter(({ name }) => !acted.has(fieldOf(name) ?? '')).map(({ name }) => name);
  const values = assignments.flatMap(({ name, value }): readonly (readonly [string, unknown])[] => {
    const field = fieldOf(name);
    const schema = field === undefined ? undefined : known[field]?.schema;
    return field === undefined || schema === undefined ? [] : [[field, valueFor(schema, value)]];
  });
  const read = readSchema(felixConfigurationSpec, Object.fromEntries(values), 'stored');
  if (read.kind === 'valid' && issues.length === 0) return { spec: read.value, idle };
  throw new OcicatError('invalid', 'read Felix settings: refused', {
    issues: [...issues, ...(read.kind === 'invalid' ? read.issues : [])],
  });
}
