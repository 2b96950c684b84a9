// The value of `--format`, and JSON as rkt prints it.
import { OcicatError } from '../../base/errors.ts';
import { flagValue, type WithFlags } from '../../cli/flags.ts';

export type OutputFormat = 'table' | 'json' | 'json-pretty';

/** Throws `invalid`. */
export function parseOutputFormat(line: WithFlags): OutputFormat {
  const value = flagValue(line, 'format') ?? '';
  if (value === '') return 'table';
  if (value === 'json' || value === 'json-pretty') return value;
  throw new OcicatError('invalid', `Invalid format option: ${value}`);
}

/** One line, or indented with tabs. An empty list is `null`, as Go prints a list that was never made. */
export function printDocument(value: unknown, format: Exclude<OutputFormat, 'table'>): string {
  if (Array.isArray(value) && value.length === 0) return 'null\n';
  return `${JSON.stringify(value, null, format === 'json-pretty' ? '\t' : undefined)}\n`;
}
