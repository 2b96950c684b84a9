// A page of the manual in roff, by the macros of groff_man(7).
import { type Entry, type Page, pageName } from './page.ts';

/** Characters that roff changes, by its names for them as they stand (groff_char(7)). */
const NAMES: Readonly<Record<string, string>> = {
  '\\': '\\(rs',
  '-': '\\-',
  "'": '\\(aq',
  '`': '\\(ga',
  '^': '\\(ha',
  '~': '\\(ti',
  '"': '\\(dq',
};

function escapeCharacter(character: string): string {
  return NAMES[character] ?? `\\[u${character.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0')}]`;
}

/** Text without a meaning for roff, all of it in ASCII; also at the start of a line. */
function toRoff(text: string): string {
  return text.replaceAll(/[\\\-'`^~"]|[^ -~\n]/gu, escapeCharacter).replaceAll(/^\./gm, '\\&.');
}

function bold(text: string): string {
  return `\\fB${toRoff(text)}\\fR`;
}

/** What stands between backticks is bold. */
function printText(text: string): string {
  return text
    .split(/`([^`]*)`/)
    .map((part, index) => (index % 2 === 1 ? bold(part) : toRoff(part)))
    .join('');
}

function printEntry({ term, doc }: Entry): string {
  return `.TP\n${bold(term)}\n${printText(doc)}\n`;
}

function printExample([comment, line]: Page['examples'][number]): string {
  return `.PP\n${printText(comment)}:\n.PP\n.in +4n\n.nf\n${toRoff(line)}\n.fi\n.in\n`;
}

function section(title: string, body: string): string {
  return body === '' ? '' : `.SH ${title.toUpperCase()}\n${body}`;
}

/** The page of this version, ragged and without hyphens: names stay whole. */
export function printRoffPage(page: Page, version: string): string {
  const { path, summary, usage, description, lists, examples, above } = page;
  const name = pageName(path);
  return [
    `.TH ${toRoff(name.toUpperCase())} ${page.section} "" "ocicat ${version}" "Ocicat"\n.nh\n.ad l\n`,
    section('Name', `${toRoff(name)} \\- ${printText(summary)}\n`),
    section('Synopsis', `.nf\n${usage.map(bold).join('\n')}\n.fi\n`),
    section('Description', description.map(printText).join('\n.PP\n') + (description.length === 0 ? '' : '\n')),
    ...lists.map(({ title, entries }) => section(title, entries.map(printEntry).join(''))),
    section('Examples', examples.map(printExample).join('')),
    above === undefined ? '' : section('See also', `${bold(pageName(above))}(1)\n`),
  ].join('');
}
