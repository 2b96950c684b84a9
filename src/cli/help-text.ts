// A help text as data, paragraphs and titled rows in columns, and its printing in the look of each program.
import { type Columns, formatTable, type Row } from './table.ts';

export interface Section {
  readonly title?: string;
  readonly rows: readonly Row[];
}

/** Text that stands as it is, or a section. */
export type Part = string | Section;

export interface Look {
  /** What the lines below a title begin with. */
  readonly indent: string;
  readonly columns: Columns;
  /** Where the last cell of a row is wrapped, in characters; never where it is not given. */
  readonly width?: number;
}

/** Lines of at most `width` characters, as far as words are that short. */
export function wrapText(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line !== '' && line.length + word.length + 1 > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

/** Each row with its last cell wrapped; what does not fit stands in rows of its own, below it. */
function wrapRows(rows: readonly Row[], { indent, columns, width }: Look): readonly Row[] {
  if (width === undefined) return rows;
  const before = Math.max(0, ...rows.map((row) => (row.length < 2 ? 0 : (row[0]?.length ?? 0) + columns.padding)));
  return rows.flatMap((row) => {
    const [first, last] = row;
    if (first === undefined || last === undefined) return [row];
    return wrapText(last, width - before - indent.length).map((line, index) => [index === 0 ? first : '', line]);
  });
}

function printSection({ title, rows }: Section, look: Look): string {
  const lines = formatTable(look.columns, wrapRows(rows, look)).split('\n').slice(0, -1);
  const indented = lines.map((line) => (line === '' ? '' : look.indent + line));
  return [...(title === undefined ? [] : [`${title}:`]), ...indented].join('\n');
}

/** The parts, an empty line between them; sections without rows are left out. */
export function printHelp(parts: readonly Part[], look: Look): string {
  const filled = parts.filter((part) => typeof part === 'string' || part.rows.length > 0);
  return `${filled.map((part) => (typeof part === 'string' ? part : printSection(part, look))).join('\n\n')}\n`;
}
