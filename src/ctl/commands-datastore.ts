// Commands about the store as a whole.
import type { Command } from './command.ts';
import { CONFIG } from './flags.ts';

export const datastoreCommands: readonly Command[] = [
  {
    words: ['datastore', 'migrate', 'lock'],
    summary: 'Lock the store: agents change nothing until it is unlocked',
    operands: [],
    flags: [CONFIG],
    load: async () => (await import('./datastore-lock.ts')).runLock,
  },
  {
    words: ['datastore', 'migrate', 'unlock'],
    summary: 'Unlock the store',
    operands: [],
    flags: [CONFIG],
    load: async () => (await import('./datastore-lock.ts')).runUnlock,
  },
];
