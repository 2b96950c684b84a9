// The value of `--format`, and JSON as rkt prints it.
import { OcicatError } from '../../base/errors.ts';
import { type FlagUse, lastFlag } from './flags.ts';

export type OutputFormat = 'table' | 'json' | 'json-pretty';

/** Throws `invalid`. */
export function parseOutputFormat(uses: readonly FlagUse[]): OutputFormat {
  const value = lastFlag(uses, 'format') ?? '';
  if (value === '') return 'table';
  if (value === 'json' || value === 'json-pretty') return value;
  throw new OcicatError('invalid', `Invalid format option: ${value}`);
}

/** One line, or indented with tabs. An empty list is `null`, as Go prints a list that was never made. */
export function printDocument(value: unknown, format: Exclude<OutputFormat, 'table'>): string {
  if (Array.isArray(value) && value.length === 0) return 'null\n';
  return `${JSON.stringify(value, null, format === 'json-pretty' ? '\t' : undefined)}\n`;
}
