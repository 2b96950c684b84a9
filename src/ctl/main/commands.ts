// The table of all commands. Handlers load when they run, so that none waits for what it does not use.
import { describeFlagFault, type Fault } from '../../cli/faults.ts';
import type { Program } from '../../cli/program.ts';
import type { CtlCommand } from '../cli/command.ts';
import { globalFlags } from '../cli/flags.ts';
import { datastoreCommands } from './commands-datastore.ts';
import { ipamCommands } from './commands-ipam.ts';
import { nodeCommands } from './commands-node.ts';
import { resourceCommands } from './commands-resources.ts';
import { whyCommands } from './commands-why.ts';

function describeFault(fault: Fault): string {
  switch (fault.kind) {
    case 'unknown-command': {
      const parent = ['calicoctl', ...fault.path].join(' ');
      return `unknown command "${fault.argument}" for "${parent}"; see "${parent} --help"`;
    }
    case 'no-operand': {
      const called = `calicoctl ${fault.command.path.join(' ')}`;
      return `"${called}" needs ${fault.name}; see "${called} --help"`;
    }
    case 'extra-operand': {
      const called = `calicoctl ${fault.command.path.join(' ')}`;
      return `"${called}" takes no "${fault.argument}"; see "${called} --help"`;
    }
    default:
      return describeFlagFault(fault);
  }
}

export const calicoctl: Program<CtlCommand> = {
  name: 'calicoctl',
  commands: [...resourceCommands, ...ipamCommands, ...nodeCommands, ...whyCommands, ...datastoreCommands],
  globalFlags,
  assigns: ' ',
  describeFault,
};
