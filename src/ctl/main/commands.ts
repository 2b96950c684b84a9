// The table of all commands. Handlers load when they run, so that none waits for what it does not use.
import type { Command } from '../cli/command.ts';
import { globalFlags } from '../cli/flags.ts';
import { datastoreCommands } from './commands-datastore.ts';
import { ipamCommands } from './commands-ipam.ts';
import { nodeCommands } from './commands-node.ts';
import { resourceCommands } from './commands-resources.ts';
import { whyCommands } from './commands-why.ts';

export { globalFlags };

export const commands: readonly Command[] = [
  ...resourceCommands,
  ...ipamCommands,
  ...nodeCommands,
  ...whyCommands,
  ...datastoreCommands,
];
