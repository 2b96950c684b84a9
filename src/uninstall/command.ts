// The command table of `ocicat uninstall`.
import { createSingle } from '../cli/single-command.ts';

export const uninstallProgram = createSingle('ocicat uninstall', {
  summary: 'take Ocicat off this host',
  usage: '[--force] [--keep-data]',
  flags: [
    { name: 'force', doc: 'End the pods of rkt, and take the network from containers of others that run' },
    {
      name: 'keep-data',
      doc: 'Leave what a later installation goes on with: `/var/lib/calico`, logs, and the images of rkt',
    },
  ],
  load: async () => (await import('./steps.ts')).uninstall,
});
