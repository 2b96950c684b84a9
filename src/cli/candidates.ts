// What can stand under the cursor of a shell, from the command table.
import { cutLine, findFlag } from './arguments.ts';
import { type Command, type Flag, HELP_FLAG, operandFlags } from './command.ts';
import { allFlags, commandsBelow, findCommand } from './parse.ts';
import type { Program } from './program.ts';

type Offer =
  | { readonly kind: 'values'; readonly values: readonly string[] }
  /** Files are completed by the shell. */
  | { readonly kind: 'files' }
  /** Names that the program knows, by the operands before. */
  | { readonly kind: 'names'; readonly source: string; readonly operands: readonly string[] };

export type Candidates = Offer & {
  /** What stands before each of them on the line already, in the same argument. */
  readonly prefix: string;
  /** What has been typed of them. */
  readonly typed: string;
};

interface Cursor {
  /** The arguments before the one under the cursor. */
  readonly finished: readonly string[];
  /** The flag to whose `=` the cursor stands next. */
  readonly assigned: string | undefined;
  readonly prefix: string;
  readonly typed: string;
}

const NOTHING: Offer = { kind: 'values', values: [] };

/** bash cuts `--output=json` into three words: they are one again, as in other shells. */
function joinAssignments(argv: readonly string[]): readonly string[] {
  const joined: string[] = [];
  for (const [index, argument] of argv.entries()) {
    const before = joined.at(-1);
    const follows = argument === '=' || argv[index - 1] === '=';
    if (follows && before?.startsWith('--')) joined[joined.length - 1] = before + argument;
    else joined.push(argument);
  }
  return joined;
}

/** `argv` ends with what is under the cursor, which may be empty. */
function findCursor(argv: readonly string[]): Cursor {
  const isCut = argv.at(-1) === '=' || argv.at(-2) === '=';
  const joined = joinAssignments(argv);
  const [finished, current = ''] = [joined.slice(0, -1), joined.at(-1)];
  const equals = current.startsWith('--') ? current.indexOf('=') : -1;
  if (equals < 0) return { finished, assigned: undefined, prefix: '', typed: current };
  const prefix = isCut ? '' : current.slice(0, equals + 1);
  return { finished, assigned: current.slice(0, equals), prefix, typed: current.slice(equals + 1) };
}

function offerValues({ value, isPath, choices = [] }: Flag): Offer {
  if (value === undefined) return { kind: 'values', values: ['true', 'false'] };
  return isPath ? { kind: 'files' } : { kind: 'values', values: choices };
}

/** The flag whose value is being typed: the one before the `=`, or the last argument, which has no value yet. */
function findOpenFlag({ finished, assigned }: Cursor, flags: readonly Flag[]): Flag | undefined {
  if (assigned !== undefined) return findFlag(flags, assigned);
  const last = cutLine(finished, flags).tokens.at(-1);
  if (last === undefined || last.value !== undefined || last.argument !== finished.at(-1)) return undefined;
  const flag = findFlag(flags, last.spelling);
  return flag?.value === undefined || flag.bare !== undefined ? undefined : flag;
}

function offerFlags(flags: readonly Flag[], { assigns }: Program): Offer {
  const shown = flags.filter((flag) => !flag.hidden);
  const end = ({ value, bare }: Flag) => (assigns === '=' && value !== undefined && bare === undefined ? '=' : '');
  return { kind: 'values', values: shown.map((flag) => `--${flag.name}${end(flag)}`) };
}

/** What the paths of commands go on with. */
function offerCommands(program: Program, path: readonly string[]): Offer {
  const below = commandsBelow(program, path).filter((one) => !one.hidden);
  return { kind: 'values', values: [...new Set(below.flatMap((one) => one.path[path.length] ?? []))].sort() };
}

function offerOperand(program: Program, command: Command, operands: readonly string[]): Offer {
  const operand = command.operands[operands.length] ?? command.operands.findLast((one) => one.many);
  if (operand?.offers === undefined) return NOTHING;
  if (operand.offers === 'files') return { kind: 'files' };
  if (operand.offers === 'commands') return offerCommands(program, operands);
  return { kind: 'names', source: operand.offers, operands };
}

function findOffer(program: Program, cursor: Cursor): Offer {
  const { finished, typed } = cursor;
  const { operands, trailing } = cutLine(finished, allFlags(program));
  const path = [...operands, ...trailing];
  const command = findCommand(program, path);
  const own = command === undefined ? [] : [...command.flags, ...operandFlags(command)];
  const flags = [...own, ...program.globalFlags, HELP_FLAG];
  const isBehindDashes = finished.includes('--');
  if (isBehindDashes && command !== undefined && operandFlags(command).length > 0) return { kind: 'files' };
  const behind = path.slice(command?.path.length ?? 0);
  if (command?.leading && behind.length > 0) return offerOperand(program, command, behind);
  const open = isBehindDashes ? undefined : findOpenFlag(cursor, flags);
  if (open !== undefined) return offerValues(open);
  if (typed.startsWith('-') && !isBehindDashes)
    return offerFlags(
      flags.filter((flag) => flag !== HELP_FLAG),
      program,
    );
  const isGroup = command === undefined || (command.path.length === 0 && command.operands.length === 0);
  return isGroup ? offerCommands(program, path) : offerOperand(program, command, behind);
}

/** `argv` are the arguments behind the program's name, the last one as far as it has been typed. */
export function findCandidates(program: Program, argv: readonly string[]): Candidates {
  const cursor = findCursor(argv.length === 0 ? [''] : argv);
  return { prefix: cursor.prefix, typed: cursor.typed, ...findOffer(program, cursor) };
}

/** A line for each value that begins as has been typed; `:files` where the shell is to look for files. */
export function printCandidates({ kind, prefix, typed }: Candidates, values: readonly string[]): string {
  if (kind === 'files') return ':files\n';
  return values
    .filter((value) => value.startsWith(typed))
    .map((value) => `${prefix}${value}\n`)
    .join('');
}
