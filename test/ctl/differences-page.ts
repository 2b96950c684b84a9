// docs/differences.md, from differences.ts.
import { commandDifferences, documentDifferences, type Outcome } from './differences.ts';

const HEADINGS: readonly (readonly [Outcome, string])[] = [
  ['refused', 'Documents that Calico takes and Ocicat refuses'],
  ['taken', 'Documents that Ocicat takes and Calico refuses'],
  ['stored', 'Documents that are stored differently'],
];

function printEntry({ what, why }: { readonly what: string; readonly why: string }): string {
  return `- ${what} ${why}`;
}

/** The page as Markdown. */
export function printDifferences(): string {
  const documents = HEADINGS.map(([outcome, heading]) => {
    const entries = documentDifferences.filter((one) => one.outcome === outcome);
    return `## ${heading}\n\n${entries.map(printEntry).join('\n')}\n`;
  });
  return `# Where calicoctl differs from Calico's

Both read and write the same store in the same format. These are the differences on purpose, each with its reason;
\`test/ctl/side-by-side.test.ts\` holds the two programs against each other and this list against what they do.

${documents.join('\n')}
## Commands

${commandDifferences.map(printEntry).join('\n')}
`;
}
