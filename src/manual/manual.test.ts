import { expect, test } from 'bun:test';
import { printMarkdownPage } from './markdown.ts';
import type { Page } from './page.ts';
import { printRoffPage } from './roff.ts';

const page: Page = {
  path: ['tool', 'do'],
  section: 1,
  summary: 'Do *it* in one',
  usage: ['tool do [--now]'],
  description: ['.first of \\all', "'quoted' and `as-it_is`"],
  lists: [
    { title: 'Options', entries: [{ term: '--now', doc: 'At once, for A|B' }] },
    { title: 'Files', entries: [] },
  ],
  examples: [['Now', "tool do '~/.x'"]],
  above: ['tool'],
};

test('Markdown keeps its meaning for what stands between backticks alone', () => {
  expect(printMarkdownPage(page)).toBe(
    `# tool do\n\nDo \\*it\\* in one.\n\n\`\`\`\ntool do [--now]\n\`\`\`\n\n.first of \\\\all\n\n'quoted' and \`as-it_is\`\n\n` +
      '## Options\n\n- `--now`: At once, for A\\|B\n\n' +
      "## Examples\n\nNow:\n\n```\ntool do '~/.x'\n```\n\nAll commands: [tool](tool.md).\n",
  );
});

test('roff has no meaning for any text', () => {
  expect(printRoffPage(page, '1.0')).toBe(
    '.TH TOOL\\-DO 1 "" "ocicat 1.0" "Ocicat"\n.nh\n.ad l\n' +
      '.SH NAME\ntool\\-do \\- Do *it* in one\n' +
      '.SH SYNOPSIS\n.nf\n\\fBtool do [\\-\\-now]\\fR\n.fi\n' +
      '.SH DESCRIPTION\n\\&.first of \\(rsall\n.PP\n\\(aqquoted\\(aq and \\fBas\\-it_is\\fR\n' +
      '.SH OPTIONS\n.TP\n\\fB\\-\\-now\\fR\nAt once, for A|B\n' +
      '.SH EXAMPLES\n.PP\nNow:\n.PP\n.in +4n\n.nf\ntool do \\(aq\\(ti/.x\\(aq\n.fi\n.in\n' +
      '.SH SEE ALSO\n\\fBtool\\fR(1)\n',
  );
  expect(printRoffPage({ ...page, summary: '… \u{1f600}' }, '1')).toContain('\\[u2026] \\[u1F600]');
});
