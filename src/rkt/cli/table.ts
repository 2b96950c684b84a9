// Tables as rkt prints them: Go's text/tabwriter with minimum width 0, tab width 8, padding 1 and TAB as pad character.
import { escapeLine } from '../../base/escape.ts';

const TAB_WIDTH = 8;
const PADDING = 1;

function runes(text: string): number {
  return [...text].length;
}

/** Columns that a cell spans: its text and the padding, rounded up to whole tabs. */
function columnWidth(rows: readonly (readonly string[])[], column: number): number {
  const longest = Math.max(...rows.map((row) => runes(row[column] ?? '')));
  return Math.ceil((longest + PADDING) / TAB_WIDTH) * TAB_WIDTH;
}

function padCell(cell: string, width: number | undefined): string {
  if (width === undefined) return cell;
  return cell + '\t'.repeat(Math.ceil((width - runes(cell)) / TAB_WIDTH));
}

/**
 * One line per row, each ended by a newline. All rows have the same number of cells; every cell but a row's last is
 * followed by at least one TAB, so that `cut -f1` yields the first column.
 */
export function printTable(given: readonly (readonly string[])[]): string {
  const rows = given.map((row) => row.map(escapeLine));
  const columns = rows[0]?.length ?? 0;
  const widths = Array.from({ length: Math.max(columns - 1, 0) }, (_, column) => columnWidth(rows, column));
  return rows.map((row) => `${row.map((cell, at) => padCell(cell, widths[at])).join('')}\n`).join('');
}
