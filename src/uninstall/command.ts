// The command table of `ocicat uninstall`.
import { createSingle } from '../cli/single-command.ts';

export const uninstallProgram = createSingle('ocicat uninstall', {
  summary: 'take Ocicat off this host',
  usage: '[--force]',
  flags: [{ name: 'force', doc: 'End the pods of rkt, and take the network from containers of others that run' }],
  load: async () => (await import('./steps.ts')).uninstall,
});
