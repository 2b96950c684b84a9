// The page of `ocicat install`, and its help.
import { describeOneCommand } from '../cli/manual.ts';
import { formatUsageHelp } from '../cli/usage-help.ts';
import type { Manual, Page } from '../manual/page.ts';
import { installProgram } from './command.ts';
import { INSTALL_ROOT, PLACEMENTS, type Placement, SHARE_DIRECTORY } from './layout.ts';

const USAGE = 'ocicat install';

const MANNERS: Readonly<Record<Placement['manner'], string>> = {
  link: 'Links to {}',
  copy: 'Copies of {}',
  default: 'A copy of {}, unless there is one already',
};

function describePlacement({ folder, names, manner, isOfOthers }: Placement): Page['lists'][number]['entries'][number] {
  const what = MANNERS[manner].replace('{}', names.map((name) => `\`${name}\``).join(', '));
  return { term: folder, doc: `${what}${isOfOthers === true ? ', where there is such a folder' : ''}.` };
}

export const installManual: Manual = describeOneCommand(installProgram, {
  section: 8,
  summary: 'put Ocicat on this host, or upgrade it',
  usage: [USAGE],
  description: [
    `It copies the build that the program itself is in, the folder above its own, to \`${INSTALL_ROOT}\`, puts the plugins where runtimes look for them, and units, pages and completions where they are looked for, and says what it has put where. Each file is replaced in one step: what runs goes on with the file that it has, and after a stop at any moment it is run again. What is there already and the same is left.`,
    'It starts nothing and ends nothing. Where another program has one of the names it refuses, names them all, and has changed nothing. On a host that has the Debian package, apt installs and upgrades; `ocicat uninstall` takes it all back.',
  ],
  lists: [
    {
      title: 'Files',
      entries: [
        { term: INSTALL_ROOT, doc: 'Programs, plugins, and what the places below have links to.' },
        ...PLACEMENTS.map(describePlacement),
        { term: SHARE_DIRECTORY, doc: 'Links to pages of the manual, and completions of bash, zsh and fish.' },
      ],
    },
  ],
  examples: [],
});

/** What `--help` prints. */
export function formatHelp(): string {
  return formatUsageHelp(
    'Puts Ocicat on this host, or upgrades it, from the build that this program is in.',
    [[USAGE]],
    'See ocicat-install(8).',
  );
}
