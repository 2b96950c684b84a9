// A page of the manual in Markdown, for docs/reference.
import { type Entry, type Page, pageName } from './page.ts';

/** Only what stands between backticks has a meaning for Markdown. */
function toMarkdown(text: string): string {
  return text
    .split(/(`[^`]*`)/)
    .map((part, index) => (index % 2 === 1 ? part : part.replaceAll(/[\\*_<>[\]|#&]/g, '\\$&')))
    .join('');
}

function link(title: string, path: readonly string[]): string {
  return `[${title}](${pageName(path)}.md)`;
}

function fence(lines: readonly string[]): string {
  return ['```', ...lines, '```'].join('\n');
}

function printEntry({ term, doc, page }: Entry): string {
  const name = `\`${term}\``;
  return `- ${page === undefined ? name : link(name, page)}: ${toMarkdown(doc)}`;
}

/** The page, with links to the pages around it. */
export function printMarkdownPage(page: Page): string {
  const { path, summary, usage, description, lists, examples, above } = page;
  const filled = lists.filter(({ entries }) => entries.length > 0);
  const parts = [
    `# ${path.join(' ')}`,
    toMarkdown(`${summary.slice(0, 1).toUpperCase()}${summary.slice(1)}.`),
    fence(usage),
    ...description.map(toMarkdown),
    ...filled.map(({ title, entries }) => `## ${title}\n\n${entries.map(printEntry).join('\n')}`),
    ...(examples.length === 0 ? [] : ['## Examples']),
    ...examples.map(([comment, line]) => `${toMarkdown(comment)}:\n\n${fence([line])}`),
    ...(above === undefined ? [] : [`All commands: ${link(above.join(' '), above)}.`]),
  ];
  return `${parts.join('\n\n')}\n`;
}
