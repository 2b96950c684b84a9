// The page of `ocicat uninstall`; its help is a part of it.
import type { Manual, Page } from '../manual/page.ts';

const FORCE = 'End the pods of rkt, and take the network from containers of others that run.';

const own: Page = {
  words: ['ocicat', 'uninstall'],
  section: 8,
  summary: 'take Ocicat off this host',
  usage: ['ocicat uninstall [--force]'],
  description: [
    'It ends the agent and BIRD, removes the units of systemd, the tables, links and routes in the kernel, what lets packets of workloads through other firewalls, all pods and images of rkt, a private etcd with its data, logs, and at last the programs, and says what it has removed. Containers that run are a reason to refuse.',
    'It leaves what the administrator has written, in `/etc/calico` and `/etc/rkt`, the Debian packages, and IP forwarding as it is until the next start of the host. A cluster has the node until `calicoctl delete node` removes it there.',
    'After a stop at any step it is run again and goes on; where `/usr/lib/ocicat` has gone already, from `dist/bin`.',
  ],
  lists: [{ title: 'Options', entries: [{ term: '--force', doc: FORCE }] }],
  examples: [],
};

export const uninstallManual: Manual = [own];

/** What `--help` prints. */
export function formatHelp(): string {
  const [usage = ''] = own.usage;
  return [
    'Takes Ocicat off this host, and leaves what the administrator has written.',
    `Usage:\n  ${usage}`,
    `  --force  ${FORCE}`,
    'See ocicat-uninstall(8).',
  ].join('\n\n');
}
