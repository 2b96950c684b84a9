// The last section of docs/differences.md, from differences.ts.
import { commandDifferences, documentDifferences, type Outcome } from './differences.ts';

const HEADINGS: readonly (readonly [Outcome, string])[] = [
  ['refused', 'Documents that Calico takes and Ocicat refuses'],
  ['taken', 'Documents that Ocicat takes and Calico refuses'],
  ['stored', 'Documents that are stored differently'],
];

function printEntry({ what, why }: { readonly what: string; readonly why: string }): string {
  return `- ${what} ${why}`;
}

/** The heading that the section begins with; it goes to the end of the page. */
export const SECTION = '\n## calicoctl\n';

/** The section as Markdown. */
export function printDifferences(): string {
  const documents = HEADINGS.map(([outcome, heading]) => {
    const entries = documentDifferences.filter((one) => one.outcome === outcome);
    return `### ${heading}\n\n${entries.map(printEntry).join('\n')}\n`;
  });
  return `${SECTION}
Both programs read and write one store in one format. \`test/ctl/side-by-side.test.ts\` holds them against each other, and
this section, which it writes, against what they do.

${documents.join('\n')}
### Commands

${commandDifferences.map(printEntry).join('\n')}
`;
}
