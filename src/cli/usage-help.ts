// The help of a small program on one page: a line for each way to call it.
import { type Part, printHelp } from './help-text.ts';
import type { Row } from './table.ts';

/** What the program is, its usages with what each does, and what else there is to say. Without a line break at the end. */
export function formatUsageHelp(about: string, usages: readonly Row[], ...more: readonly Part[]): string {
  const parts = [about, { title: 'Usage', rows: usages }, ...more];
  return printHelp(parts, { indent: '  ', columns: { minWidth: 0, padding: 2, ends: 'bare' } }).trimEnd();
}
