// Tables of text as Go's tabwriter sets them for Calico's tables: columns at least 5 wide, 3 blanks apart.
import { escapeLine } from '../../base/escape.ts';

const MIN_WIDTH = 5;
const PADDING = 3;

/** Terminal columns of a text; every character counts as one. */
function widthOf(text: string): number {
  return [...text].length;
}

type Rows = readonly (readonly string[])[];

/** A cell is one line, whatever the store holds. */
function escapeRow(row: readonly string[]): readonly string[] {
  return row.map(escapeLine);
}

/** Rows of equally many cells; every cell is padded, the last one too, and every line ends with a line break. */
export function formatTable(given: Rows): string {
  const rows = given.map(escapeRow);
  const widths: number[] = [];
  for (const row of rows) {
    for (const [index, cell] of row.entries()) {
      widths[index] = Math.max(widths[index] ?? MIN_WIDTH, widthOf(cell) + PADDING);
    }
  }
  const pad = (cell: string, index: number) => cell + ' '.repeat((widths[index] ?? 0) - widthOf(cell));
  return rows.map((row) => `${row.map(pad).join('')}\n`).join('');
}

/** Rows in a frame of `+`, `-` and `|`, the first one as the head; columns named in `right` are set to the right. */
export function formatFramed(given: Rows, right: readonly number[] = []): string {
  const rows = given.map(escapeRow);
  const widths: number[] = [];
  for (const row of rows) {
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, widthOf(cell));
  }
  const rule = `+${widths.map((width) => '-'.repeat(width + 2)).join('+')}+\n`;
  const line = (row: readonly string[], isRight: (column: number) => boolean) => {
    const cells = widths.map((width, column) => {
      const cell = row[column] ?? '';
      const room = ' '.repeat(width - widthOf(cell));
      return isRight(column) ? room + cell : cell + room;
    });
    return `| ${cells.join(' | ')} |\n`;
  };
  const [head = [], ...body] = rows;
  const lines = body.map((row) => line(row, (column) => right.includes(column)));
  return `${rule}${line(head, () => false)}${rule}${lines.join('')}${rule}`;
}

export interface RowWriter {
  /** Makes columns wide enough for rows that are still to come. */
  widen(rows: Rows): void;
  /** One row as a line. */
  write(row: readonly string[]): string;
}

/** Writes rows one at a time; columns only ever grow, so what comes later lines up with what stands. */
export function createRowWriter(): RowWriter {
  const widths: number[] = [];
  const widen = (row: readonly string[]) => {
    for (const [index, cell] of row.entries()) {
      widths[index] = Math.max(widths[index] ?? MIN_WIDTH, widthOf(cell) + PADDING);
    }
  };
  return {
    widen: (rows) => rows.map(escapeRow).forEach(widen),
    write(given) {
      const row = escapeRow(given);
      widen(row);
      const cells = row.map((cell, index) => cell + ' '.repeat((widths[index] ?? 0) - widthOf(cell)));
      return `${cells.join('').trimEnd()}\n`;
    },
  };
}
