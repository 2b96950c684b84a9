// What `calicoctl --help`, `calicoctl help` and a group of commands alone show.
import { formatHelp as formatProgramHelp } from '../../cli/help.ts';
import { calicoctl } from './commands.ts';

const ABOUT = `calicoctl manages network and security policy, address pools and routing of a cluster of hosts,
and shows what runs on them.`;

/** The help for a path of commands. Throws `invalid` for one that calls nothing. */
export function formatHelp(path: readonly string[]): string {
  return formatProgramHelp(calicoctl, path, ABOUT);
}
