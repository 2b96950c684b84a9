// The manuals of all programs of this executable.
import { calicoNodeManual } from './agent/manual.ts';
import { calicoctlManual } from './ctl/main/manual.ts';
import { installManual } from './install/manual.ts';
import { labManual } from './lab/manual.ts';
import type { Manual, Page } from './manual/page.ts';
import { rktManual } from './rkt/main/manual.ts';
import { uninstallManual } from './uninstall/manual.ts';

const programs: readonly Manual[] = [
  calicoctlManual,
  rktManual,
  labManual,
  calicoNodeManual,
  installManual,
  uninstallManual,
];

const ocicat: Page = {
  path: ['ocicat'],
  section: 1,
  summary: 'networks that cannot reach each other, for containers on plain Linux hosts',
  usage: [
    'ocicat lab COMMAND',
    'ocicat calico-node',
    'ocicat rkt COMMAND',
    'ocicat why SOURCE DESTINATION',
    'ocicat install',
    'ocicat uninstall',
    'ocicat COMMAND',
  ],
  description: [
    'One executable under four names. What is neither a program of it nor a name is a command of calicoctl.',
    '`ocicat completion bash`, `zsh` or `fish` prints what makes that shell complete all of it.',
  ],
  lists: [
    {
      title: 'Programs',
      entries: programs.map(([{ path, summary }]) => ({ term: path.join(' '), doc: `${summary}.`, page: path })),
    },
  ],
  examples: [],
};

/** Every page there is. */
export const pages: readonly Page[] = [ocicat, ...programs.flat()];
