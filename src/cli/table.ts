// Rows of text in columns, as Go's text/tabwriter sets them.
import { escapeLine } from '../base/escape.ts';

/** The parameters of a tabwriter; widths in characters. */
export interface Columns {
  /** Of a column with its padding. */
  readonly minWidth: number;
  readonly padding: number;
  /** Columns end at multiples of this and are filled with TABs; without it they are filled with blanks. */
  readonly tabWidth?: number;
  /** The last cell of a row: `padded` like the others, `bare`, or `trimmed`, when the whole row is without blanks at its end. */
  readonly ends: 'padded' | 'bare' | 'trimmed';
}

export type Row = readonly string[];

/** Terminal columns of a text; every character counts as one. */
export function widthOf(text: string): number {
  return [...text].length;
}

/** A cell is one line, whatever the store holds. */
export function escapeRow(row: Row): Row {
  return row.map(escapeLine);
}

function widen(columns: Columns, widths: number[], row: Row): void {
  const { minWidth, padding, tabWidth = 1, ends } = columns;
  for (const [index, cell] of (ends === 'bare' ? row.slice(0, -1) : row).entries()) {
    const width = Math.ceil((widthOf(cell) + padding) / tabWidth) * tabWidth;
    widths[index] = Math.max(widths[index] ?? minWidth, width);
  }
}

function fill({ tabWidth }: Columns, count: number): string {
  return tabWidth === undefined ? ' '.repeat(count) : '\t'.repeat(Math.ceil(count / tabWidth));
}

function printRow(columns: Columns, widths: readonly number[], row: Row): string {
  const bareAt = columns.ends === 'bare' ? row.length - 1 : row.length;
  const cells = row.map((cell, at) => (at === bareAt ? cell : cell + fill(columns, (widths[at] ?? 0) - widthOf(cell))));
  const line = cells.join('');
  return `${columns.ends === 'trimmed' ? line.trimEnd() : line}\n`;
}

/** A line for each row. */
export function formatTable(columns: Columns, rows: readonly Row[]): string {
  const escaped = rows.map(escapeRow);
  const widths: number[] = [];
  for (const row of escaped) widen(columns, widths, row);
  return escaped.map((row) => printRow(columns, widths, row)).join('');
}

export interface RowWriter {
  /** Makes columns wide enough for rows that are still to come. */
  widen(rows: readonly Row[]): void;
  /** One row as a line. */
  write(row: Row): string;
}

/** Writes rows one at a time; columns only ever grow, so what comes later lines up with what stands. */
export function createRowWriter(columns: Columns): RowWriter {
  const widths: number[] = [];
  return {
    widen(rows) {
      for (const row of rows) widen(columns, widths, escapeRow(row));
    },
    write(row) {
      const escaped = escapeRow(row);
      widen(columns, widths, escaped);
      return printRow(columns, widths, escaped);
    },
  };
}
