// A command line by its command table, with flags anywhere on it: what command it calls, its operands and flags.
import { type CutLine, cutLine } from './arguments.ts';
import { type Command, type Flag, HELP_FLAG } from './command.ts';
import { flagOn, readFlags, type WithFlags } from './flags.ts';
import { type Program, refuse } from './program.ts';

export interface CommandLine<C extends Command> extends WithFlags {
  readonly command: C;
  readonly operands: readonly string[];
  /** What stands behind `--`, for a command that has an operand there. */
  readonly trailing: readonly string[];
}

/** Nothing to run: the help of a command, or of a group of them by the path given so far. */
interface HelpLine {
  readonly kind: 'help';
  readonly path: readonly string[];
}

export type Line<C extends Command> = ({ readonly kind: 'run' } & CommandLine<C>) | HelpLine;

function beginsWith(path: readonly string[], beginning: readonly string[]): boolean {
  return beginning.every((part, index) => path[index] === part);
}

/** The command that the first operands call: the one with the longest path; undefined for none. */
export function findCommand<C extends Command>({ commands }: Program<C>, operands: readonly string[]): C | undefined {
  const called = commands.filter((one) => beginsWith(operands, one.path));
  return called.sort((a, b) => b.path.length - a.path.length)[0];
}

/** The commands whose path begins with the operands. */
export function commandsBelow<C extends Command>({ commands }: Program<C>, path: readonly string[]): readonly C[] {
  return commands.filter((one) => beginsWith(one.path, path));
}

function checkGroup(program: Program, operands: readonly string[]): void {
  const end = operands.findIndex((_, index) => commandsBelow(program, operands.slice(0, index + 1)).length === 0);
  if (end < 0) return;
  refuse(program, { kind: 'unknown-command', path: operands.slice(0, end), argument: operands[end] ?? '' });
}

function checkOperands(program: Program, command: Command, operands: readonly string[], isTrailing: boolean): void {
  const wanted = command.operands.filter((one) => (one.afterDashes ?? false) === isTrailing);
  const missing = wanted.filter((one) => !one.optional)[operands.length];
  if (missing !== undefined) refuse(program, { kind: 'no-operand', command, name: missing.name });
  const extra = wanted.some((one) => one.many) ? undefined : operands[wanted.length];
  if (extra !== undefined) refuse(program, { kind: 'extra-operand', command, argument: extra });
}

/** A line of which it is known what command it calls: undefined for help. */
export interface LineStart<C extends Command> {
  readonly cut: CutLine;
  readonly command: C | undefined;
}

/** All flags that a line can have, whatever command it calls. */
export function allFlags({ globalFlags, commands }: Program): readonly Flag[] {
  return [...globalFlags, ...commands.flatMap((command) => command.flags), HELP_FLAG];
}

/** Finds the command; a group of commands without one of them asks for help. Throws `invalid` for what is no command. */
export function parseStart<C extends Command>(program: Program<C>, argv: readonly string[]): LineStart<C> {
  const known = allFlags(program);
  const cut = cutLine(argv, known);
  const path = [...cut.operands, ...cut.trailing];
  const command = path[0] === 'help' ? undefined : findCommand(program, path);
  if (command !== undefined) return { cut, command };
  readFlags(program, cut.tokens, known);
  if (path[0] !== 'help') checkGroup(program, path);
  return { cut, command };
}

/** The command with its operands and flags; throws `invalid` for what it does not take. */
export function parseRest<C extends Command>(program: Program<C>, { cut, command }: LineStart<C>): Line<C> {
  const all = [...cut.operands, ...cut.trailing];
  if (command === undefined) return { kind: 'help', path: all[0] === 'help' ? all.slice(1) : all };
  const flags = readFlags(program, cut.tokens, [...command.flags, ...program.globalFlags, HELP_FLAG]);
  if (flagOn({ flags }, 'help')) return { kind: 'help', path: command.path };
  const hasTrailing = command.operands.some((one) => one.afterDashes);
  const operands = (hasTrailing ? cut.operands : all).slice(command.path.length);
  const trailing = hasTrailing ? cut.trailing : [];
  checkOperands(program, command, operands, false);
  if (hasTrailing) checkOperands(program, command, trailing, true);
  return { kind: 'run', command, operands, trailing, flags };
}

/** Both at once. */
export function parseLine<C extends Command>(program: Program<C>, argv: readonly string[]): Line<C> {
  return parseRest(program, parseStart(program, argv));
}
