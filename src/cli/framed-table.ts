// Rows in a frame of `+`, `-` and `|`, as Calico's programs draw their reports.
import { escapeRow, type Row, widthOf } from './table.ts';

/** The first row is the head; columns named in `right` are set to the right. */
export function formatFramed(rows: readonly Row[], right: readonly number[] = []): string {
  const escaped = rows.map(escapeRow);
  const widths: number[] = [];
  for (const row of escaped) {
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, widthOf(cell));
  }
  const rule = `+${widths.map((width) => '-'.repeat(width + 2)).join('+')}+\n`;
  const line = (row: Row, isRight: (column: number) => boolean) => {
    const cells = widths.map((width, column) => {
      const cell = row[column] ?? '';
      const blanks = ' '.repeat(width - widthOf(cell));
      return isRight(column) ? blanks + cell : cell + blanks;
    });
    return `| ${cells.join(' | ')} |\n`;
  };
  const [head = [], ...body] = escaped;
  const lines = body.map((row) => line(row, (column) => right.includes(column)));
  return `${rule}${line(head, () => false)}${rule}${lines.join('')}${rule}`;
}
