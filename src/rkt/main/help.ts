// Help texts, made from the command table, as rkt sets them.
import { OcicatError } from '../../base/errors.ts';
import { VERSION } from '../../base/version.ts';
import { type Flag, operandFlags } from '../../cli/command.ts';
import { type Look, type Part, printHelp as printParts, type Section } from '../../cli/help-text.ts';
import { formatUsage, shownFlags } from '../../cli/program.ts';
import { RKT_COLUMNS } from '../cli/output.ts';
import type { Handler, RktCommand } from '../command/command.ts';
import { rkt } from './commands.ts';

const LOOK: Look = { indent: '\t', columns: RKT_COLUMNS };

function describeFlag({
  name,
  value,
  bare,
  doc,
  usual = value === undefined ? 'false' : '[]',
}: Flag): readonly string[] {
  return [`  --${name}${bare === undefined ? `=${usual}` : `[=${bare}]`}`, doc];
}

function describeFlags(title: string, flags: readonly Flag[]): Section {
  return { title, rows: shownFlags(flags, rkt).map(describeFlag) };
}

function describeCommand(command: RktCommand): readonly Part[] {
  return [
    { title: 'NAME', rows: [[`${command.path.join(' ')} - ${command.summary}`]] },
    { title: 'USAGE', rows: [[formatUsage(rkt, command)]] },
    describeFlags('OPTIONS', [...command.flags, ...operandFlags(command)]),
    describeFlags('GLOBAL OPTIONS', rkt.globalFlags),
  ];
}

function describeRkt(): readonly Part[] {
  const commands = rkt.commands.filter((command) => !command.hidden);
  return [
    { title: 'NAME', rows: [['rkt - rkt, the application container runner']] },
    { title: 'USAGE', rows: [['rkt [command]']] },
    { title: 'VERSION', rows: [[VERSION]] },
    { title: 'COMMANDS', rows: commands.map((command) => [command.path.join(' '), command.summary]) },
    describeFlags('OPTIONS', rkt.globalFlags),
  ];
}

/** Help for one command, or for the whole program; an empty line ends it. */
export function printHelp(command: RktCommand | undefined): string {
  return `${printParts(command === undefined ? describeRkt() : describeCommand(command), LOOK)}\n`;
}

/** `rkt help [COMMAND]` */
export const showHelp: Handler = async (context, { operands }) => {
  const command = rkt.commands.find((candidate) => candidate.path.join(' ') === operands.join(' '));
  if (operands.length > 0 && command === undefined) {
    throw new OcicatError('invalid', `unknown help topic "${operands.join(' ')}". Run 'rkt help'.`);
  }
  context.stdio.stdout(printHelp(command));
  return 0;
};
