// The help of commands and groups of them, in the manner of Go's cobra, made from the command table.
import { OcicatError } from '../base/errors.ts';
import { type Command, type Flag, HELP_FLAG } from './command.ts';
import { type Look, type Part, printHelp, type Section, wrapText } from './help-text.ts';
import { commandsBelow } from './parse.ts';
import { describeFlag, formatFlag, formatUsage, type Program, shownFlags } from './program.ts';

const WIDTH = 100;
const LOOK: Look = { indent: '  ', columns: { minWidth: 0, padding: 3, ends: 'bare' }, width: WIDTH };

function describeFlags(title: string, flags: readonly Flag[], program: Program): Section {
  const rows = shownFlags(flags, program).map((flag) => [formatFlag(flag, program), describeFlag(flag)]);
  return { title, rows };
}

function describeExamples({ examples = [] }: Command): Section {
  const rows = examples.flatMap(([comment, line]) => [[''], [`# ${comment}`], [line]]);
  return { title: 'Examples', rows: rows.slice(1) };
}

function describeCommand(program: Program, command: Command): readonly Part[] {
  const paragraphs = command.description?.split('\n\n') ?? [];
  return [
    `${command.summary}.`,
    ...paragraphs.map((paragraph) => wrapText(paragraph, WIDTH).join('\n')),
    { title: 'Usage', rows: [[formatUsage(program, command)]] },
    describeExamples(command),
    describeFlags('Flags', [...command.flags, HELP_FLAG], program),
    describeFlags('Global flags', program.globalFlags, program),
  ];
}

/** The commands below a path, by what their paths go on with. */
function describeGroup(program: Program, path: readonly string[], about: string): readonly Part[] {
  const called = [program.name, ...path].join(' ');
  const rows = commandsBelow(program, path)
    .filter((one) => !one.hidden)
    .map((one) => [one.path.slice(path.length).join(' '), one.summary] as const);
  return [
    ...(path.length === 0 ? [about] : []),
    { title: 'Usage', rows: [[`${called} COMMAND`]] },
    { title: 'Commands', rows: rows.sort(([a], [b]) => (a < b ? -1 : 1)) },
    describeFlags('Flags', [...program.globalFlags, HELP_FLAG], program),
    `"${called} COMMAND --help" says more about a command.`,
  ];
}

/** The help for a path: a command, a group or, without a path, everything. Throws `invalid` for other paths. */
export function formatHelp(program: Program, path: readonly string[], about: string): string {
  const exact = program.commands.find((one) => one.path.join(' ') === path.join(' '));
  if (exact !== undefined) return printHelp(describeCommand(program, exact), LOOK);
  if (commandsBelow(program, path).length > 0) return printHelp(describeGroup(program, path, about), LOOK);
  throw new OcicatError('invalid', `unknown help topic "${path.join(' ')}"`);
}
