// Commands about this host.
import type { Command } from './command.ts';

export const nodeCommands: readonly Command[] = [
  {
    words: ['node', 'status'],
    summary: 'Show whether the agent of this host runs, and its BGP sessions',
    operands: [],
    flags: [],
    load: async () => (await import('./node-status.ts')).runNodeStatus,
  },
];
