// The pages of `ocicat lab` and its help, made from its command table.
import { describeProgram } from '../cli/manual.ts';
import { formatUsage } from '../cli/program.ts';
import { formatUsageHelp } from '../cli/usage-help.ts';
import type { Manual } from '../manual/page.ts';
import { ABOUT_LABS, lab } from './commands.ts';

const shown = lab.commands.filter((command) => !command.hidden);

export const labManual: Manual = describeProgram(lab, {
  section: 1,
  summary: 'several hosts on one machine, with etcd, a registry and calico-node on each',
  usage: shown.map((command) => formatUsage(lab, command)),
  description: [ABOUT_LABS.join(' '), 'It must be run as root.'],
  lists: [],
  examples: [],
});

/** What `--help` prints: the usages, and what each does. */
export function formatHelp(): string {
  return formatUsageHelp(
    'Several hosts on one machine, with etcd, a registry and calico-node on each.',
    shown.map((command) => [formatUsage(lab, command), command.summary]),
    ABOUT_LABS.join('\n'),
  );
}
