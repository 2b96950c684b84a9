// The command table of calico-node.
import { createSingle } from '../cli/single-command.ts';

export const calicoNode = createSingle('calico-node', {
  summary: 'run until SIGTERM; the data plane stays as it is',
  flags: [
    { name: 'check', doc: 'say what is wrong with the settings, and run nothing' },
    { name: 'version', short: 'v', doc: 'print the version' },
    { name: 'help', short: 'h', doc: 'print a summary of this page' },
  ],
  load: async () => (await import('./start.ts')).startNode,
});
