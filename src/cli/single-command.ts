// A program that is one command without operands: its table, and how it refuses a line.
import type { Command } from './command.ts';
import { describeFlagFault, type Fault } from './faults.ts';
import type { WithFlags } from './flags.ts';
import type { Program } from './program.ts';

/** Returns the exit status. */
export type SingleHandler = (line: WithFlags) => Promise<number>;

export type SingleCommand = Command<SingleHandler>;

function describeFault(name: string, fault: Fault): string {
  const see = `(see "${name} --help")`;
  switch (fault.kind) {
    case 'unknown-flag':
      return `unexpected "${fault.flag.argument}" ${see}`;
    case 'unknown-command':
    case 'extra-operand':
      return `unexpected "${fault.argument}" ${see}`;
    case 'no-operand':
      return `${fault.name} is missing ${see}`;
    default:
      return `${describeFlagFault(fault)} ${see}`;
  }
}

export function createSingle(
  name: string,
  command: Pick<SingleCommand, 'summary' | 'usage' | 'flags' | 'load'>,
): Program<SingleCommand> {
  return {
    name,
    commands: [{ ...command, path: [], operands: [] }],
    globalFlags: [],
    assigns: ' ',
    describeFault: (fault) => describeFault(name, fault),
  };
}
