// The command line: cut into words and flags, in any order; the command table says which of them there are.
import { tryParseBoolean } from '../../base/boolean.ts';
import { OcicatError } from '../../base/errors.ts';
import type { Command, Flag } from './command.ts';

interface ParsedLine {
  readonly command: Command;
  readonly operands: readonly string[];
  readonly flags: ReadonlyMap<string, readonly string[]>;
}

/** Nothing to run: the help of a group of commands, by the words given so far. */
interface HelpLine {
  readonly kind: 'help';
  readonly words: readonly string[];
}

export type Line = ({ readonly kind: 'run' } & ParsedLine) | HelpLine;

/** One flag as it stands on the line. */
interface GivenFlag {
  /** `--output` or `-o`. */
  readonly spelling: string;
  /** What follows it or stands behind its `=`; undefined where there is nothing, and for an on-off flag. */
  readonly value: string | undefined;
  /** The argument that it stands in. */
  readonly argument: string;
}

/** What stands on a line, whatever command it calls. */
export interface LineParts {
  readonly words: readonly string[];
  readonly given: readonly GivenFlag[];
}

const HELP: Flag = { name: 'help', short: 'h', doc: 'Show this help' };

function wrong(message: string): OcicatError {
  return new OcicatError('invalid', message);
}

function spells(flag: Flag, spelling: string): boolean {
  return spelling === `--${flag.name}` || (flag.short !== undefined && spelling === `-${flag.short}`);
}

/** The flag that a spelling means; undefined for none. */
export function findFlag(flags: readonly Flag[], spelling: string): Flag | undefined {
  return flags.find((flag) => spells(flag, spelling));
}

/** `--output json`, `--output=json`, `--watch`; takes the value that follows from `rest`. */
function cutLong(word: string, rest: string[], flags: readonly Flag[]): GivenFlag {
  const equals = word.indexOf('=');
  const spelling = equals < 0 ? word : word.slice(0, equals);
  if (equals >= 0) return { spelling, value: word.slice(equals + 1), argument: word };
  const takesValue = findFlag(flags, spelling)?.value !== undefined;
  return { spelling, value: takesValue ? rest.shift() : undefined, argument: word };
}

/** `-Rf file`, `-ojson`, `-o=json`, `-A=true`; takes the value that follows from `rest`. */
function cutShort(word: string, rest: string[], flags: readonly Flag[]): readonly GivenFlag[] {
  const given: GivenFlag[] = [];
  for (let at = 1; at < word.length; at++) {
    const spelling = `-${word[at]}`;
    const takesValue = findFlag(flags, spelling)?.value !== undefined;
    const behind = word.slice(at + 1);
    if (behind.startsWith('=')) return [...given, { spelling, value: behind.slice(1), argument: word }];
    if (takesValue) return [...given, { spelling, value: behind === '' ? rest.shift() : behind, argument: word }];
    given.push({ spelling, value: undefined, argument: word });
  }
  return given;
}

/** Cuts a line into words and flags, in any order; `flags` are those of all commands, which agree on what takes a value. */
export function cutLine(argv: readonly string[], flags: readonly Flag[]): LineParts {
  const words: string[] = [];
  const given: GivenFlag[] = [];
  const rest = [...argv];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--') words.push(...rest.splice(0));
    else if (word.startsWith('--')) given.push(cutLong(word, rest, flags));
    else if (word.startsWith('-') && word !== '-') given.push(...cutShort(word, rest, flags));
    else words.push(word);
  }
  return { words, given };
}

/** The flag that is given, among those that the line may have; throws `invalid`. */
function readFlag(one: GivenFlag, known: readonly Flag[]): readonly [flag: Flag, value: string] {
  const { spelling, value, argument } = one;
  const flag = findFlag(known, spelling);
  if (flag === undefined) {
    const isLong = spelling.startsWith('--');
    throw wrong(isLong ? `unknown flag: ${spelling}` : `unknown shorthand flag: '${spelling.slice(1)}' in ${argument}`);
  }
  if (flag.value !== undefined) {
    if (value === undefined) throw wrong(`flag needs an argument: ${spelling}`);
    return [flag, value];
  }
  const truth = value === undefined ? true : tryParseBoolean(value);
  if (truth !== undefined) return [flag, String(truth)];
  throw wrong(`invalid argument "${value}" for ${spelling}: it is true or false`);
}

function readFlags(given: readonly GivenFlag[], known: readonly Flag[]): ReadonlyMap<string, readonly string[]> {
  const flags = new Map<string, string[]>();
  for (const one of given) {
    const [{ name }, value] = readFlag(one, known);
    flags.set(name, [...(flags.get(name) ?? []), value]);
  }
  return flags;
}

function startsWith(words: readonly string[], prefix: readonly string[]): boolean {
  return prefix.every((word, index) => words[index] === word);
}

/** The command that the first words call: the one with the most words that are there; undefined for none. */
export function findCommand(words: readonly string[], commands: readonly Command[]): Command | undefined {
  const called = commands.filter((one) => startsWith(words, one.words));
  return called.sort((a, b) => b.words.length - a.words.length)[0];
}

/** Throws `invalid` for a first word that no command begins with. */
function checkGroup(words: readonly string[], commands: readonly Command[]): void {
  const end = words.findIndex((_, index) => !commands.some((one) => startsWith(one.words, words.slice(0, index + 1))));
  if (end < 0) return;
  const parent = ['calicoctl', ...words.slice(0, end)].join(' ');
  throw wrong(`unknown command "${words[end]}" for "${parent}"; see "${parent} --help"`);
}

function checkOperands(command: Command, operands: readonly string[]): void {
  const wanted = command.operands;
  const least = wanted.filter((one) => !one.optional).length;
  const most = wanted.some((one) => one.many) ? Number.POSITIVE_INFINITY : wanted.length;
  const called = `calicoctl ${command.words.join(' ')}`;
  const missing = wanted[operands.length];
  if (operands.length < least && missing !== undefined) {
    throw wrong(`"${called}" needs ${missing.name}; see "${called} --help"`);
  }
  if (operands.length > most) {
    throw wrong(`"${called}" takes no "${operands[most]}"; see "${called} --help"`);
  }
}

/** A line of which it is known what command it calls: undefined for help. */
export interface LineStart {
  readonly parts: LineParts;
  readonly command: Command | undefined;
}

/** All flags that a line can have, whatever command it calls. */
export function allFlags(commands: readonly Command[], globalFlags: readonly Flag[]): readonly Flag[] {
  return [...globalFlags, HELP, ...commands.flatMap((command) => command.flags)];
}

/** Finds the command; a group of commands without one of them asks for help. Throws `invalid` for what is no command. */
export function parseStart(
  argv: readonly string[],
  commands: readonly Command[],
  globalFlags: readonly Flag[],
): LineStart {
  const known = allFlags(commands, globalFlags);
  const parts = cutLine(argv, known);
  const command = parts.words[0] === 'help' ? undefined : findCommand(parts.words, commands);
  if (command !== undefined) return { parts, command };
  for (const one of parts.given) readFlag(one, known);
  if (parts.words[0] !== 'help') checkGroup(parts.words, commands);
  return { parts, command };
}

/** The command with its operands and flags; throws `invalid` for what it does not take. */
export function parseRest({ parts: { words, given }, command }: LineStart, globalFlags: readonly Flag[]): Line {
  if (command === undefined) return { kind: 'help', words: words[0] === 'help' ? words.slice(1) : words };
  const flags = readFlags(given, [...command.flags, ...globalFlags, HELP]);
  if (flags.get('help')?.at(-1) === 'true') return { kind: 'help', words: command.words };
  const operands = words.slice(command.words.length);
  checkOperands(command, operands);
  return { kind: 'run', command, operands, flags };
}
