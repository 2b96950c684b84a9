// The page of `ocicat uninstall`, and its help.
import type { Flag } from '../cli/command.ts';
import { describeOneCommand } from '../cli/manual.ts';
import { formatUsageHelp } from '../cli/usage-help.ts';
import type { Manual } from '../manual/page.ts';
import { uninstallProgram } from './command.ts';

const USAGE = 'ocicat uninstall [--force] [--keep-data]';

export const uninstallManual: Manual = describeOneCommand(uninstallProgram, {
  section: 8,
  summary: 'take Ocicat off this host',
  usage: [USAGE],
  description: [
    'It ends the agent and BIRD, removes the units of systemd, the tables, links, tunnels, routes and rules of routing in the kernel, what lets packets of workloads through other firewalls, all pods and images of rkt, a private etcd with its data, logs, and at last the programs, and says what it has removed. Containers that run are a reason to refuse.',
    'It leaves what the administrator has written, in `/etc/calico` and `/etc/rkt`, the Debian packages, and IP forwarding as it is until the next start of the host. A cluster has the node until `calicoctl delete node` removes it there.',
    'After a stop at any step it is run again and goes on; where `/usr/lib/ocicat` has gone already, from `dist/bin`. Of a Debian package it leaves the files, and `apt-get purge ocicat` removes them.',
  ],
  lists: [],
  examples: [],
});

function describeFlag({ name, doc }: Flag): readonly string[] {
  return [`--${name}`, `${doc}.`];
}

/** What `--help` prints. */
export function formatHelp(): string {
  return formatUsageHelp(
    'Takes Ocicat off this host, and leaves what the administrator has written.',
    [[USAGE]],
    { rows: uninstallProgram.commands.flatMap((command) => command.flags).map(describeFlag) },
    'See ocicat-uninstall(8).',
  );
}
