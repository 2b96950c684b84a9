// The command line: finds the command in the table and reads its operands and flags, in any order.
import { OcicatError } from '../base/errors.ts';
import type { Command, Flag, Operand } from './command.ts';

export interface ParsedLine {
  readonly command: Command;
  readonly operands: readonly string[];
  readonly flags: ReadonlyMap<string, readonly string[]>;
}

/** Nothing to run: the help of a group of commands, by the words given so far. */
export interface HelpLine {
  readonly kind: 'help';
  readonly words: readonly string[];
}

export type Line = ({ readonly kind: 'run' } & ParsedLine) | HelpLine;

const HELP: Flag = { name: 'help', short: 'h', doc: 'Show this help' };

function wrong(message: string): OcicatError {
  return new OcicatError('invalid', message);
}

function startsWith(words: readonly string[], prefix: readonly string[]): boolean {
  return prefix.every((word, index) => words[index] === word);
}

/** Reads flags from words; what is no flag is an operand. */
interface Reader {
  readonly rest: string[];
  readonly flags: Map<string, string[]>;
}

function put(reader: Reader, flag: Flag, value: string): void {
  const values = reader.flags.get(flag.name);
  if (values === undefined) reader.flags.set(flag.name, [value]);
  else values.push(value);
}

function takeValue(reader: Reader, shown: string): string {
  const value = reader.rest.shift();
  if (value === undefined) throw wrong(`flag needs an argument: ${shown}`);
  return value;
}

function readLong(reader: Reader, word: string, known: readonly Flag[]): void {
  const equals = word.indexOf('=');
  const name = equals < 0 ? word.slice(2) : word.slice(2, equals);
  const given = equals < 0 ? undefined : word.slice(equals + 1);
  const flag = known.find((one) => one.name === name);
  if (flag === undefined) throw wrong(`unknown flag: --${name}`);
  if (flag.value !== undefined) {
    put(reader, flag, given ?? takeValue(reader, `--${name}`));
  } else if (given === undefined || given === 'true' || given === 'false') {
    put(reader, flag, given ?? 'true');
  } else {
    throw wrong(`invalid argument "${given}" for --${name}: it is true or false`);
  }
}

/** `-Rf file`, `-ojson`, `-o=json`. */
function readShort(reader: Reader, word: string, known: readonly Flag[]): void {
  for (let at = 1; at < word.length; at++) {
    const letter = word[at] ?? '';
    const flag = known.find((one) => one.short === letter);
    if (flag === undefined) throw wrong(`unknown shorthand flag: '${letter}' in ${word}`);
    if (flag.value === undefined) {
      put(reader, flag, 'true');
      continue;
    }
    const rest = word.slice(at + 1).replace(/^=/, '');
    put(reader, flag, rest === '' && at + 1 === word.length ? takeValue(reader, `-${letter}`) : rest);
    return;
  }
}

/** Reads flags until `enough` operands are there or the words end. */
function readWords(reader: Reader, known: readonly Flag[], operands: string[], enough: number): void {
  while (operands.length < enough) {
    const word = reader.rest.shift();
    if (word === undefined) return;
    if (word === '--') operands.push(...reader.rest.splice(0));
    else if (word.startsWith('--')) readLong(reader, word, known);
    else if (word.startsWith('-') && word !== '-') readShort(reader, word, known);
    else operands.push(word);
  }
}

/** A line of which the words that name the command have been read. */
export interface LineStart {
  readonly reader: Reader;
  readonly words: readonly string[];
  /** Undefined where help is wanted. */
  readonly command: Command | undefined;
}

function checkOperands(command: Command, operands: readonly string[]): void {
  const wanted: readonly Operand[] = command.operands;
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

/** Reads the words that name the command, with the global flags before and between them. */
function readCommandWords(reader: Reader, commands: readonly Command[], global: readonly Flag[]): readonly string[] {
  const words: string[] = [];
  while (commands.some((one) => one.words.length > words.length && startsWith(one.words, words))) {
    const next: string[] = [];
    readWords(reader, global, next, 1);
    const [word] = next;
    if (word === undefined) break;
    if (!commands.some((one) => startsWith(one.words, [...words, word]))) {
      const parent = ['calicoctl', ...words].join(' ');
      throw wrong(`unknown command "${word}" for "${parent}"; see "${parent} --help"`);
    }
    words.push(word);
  }
  return words;
}

/**
 * The command that the words call, with its operands and flags; a group of commands without one of them asks for
 * help. Throws `invalid` for what no command takes.
 */
export function parseLine(argv: readonly string[], commands: readonly Command[], globalFlags: readonly Flag[]): Line {
  return parseRest(parseStart(argv, commands, globalFlags), globalFlags);
}

/** Finds the command; see `parseLine`. */
export function parseStart(
  argv: readonly string[],
  commands: readonly Command[],
  globalFlags: readonly Flag[],
): LineStart {
  const [first] = argv;
  const reader: Reader = { rest: [...argv], flags: new Map() };
  if (first === 'help') return { reader, words: argv.slice(1), command: undefined };
  const words = readCommandWords(reader, commands, [...globalFlags, HELP]);
  const command = commands.find((one) => one.words.length === words.length && startsWith(one.words, words));
  return { reader, words, command };
}

/** Reads what follows the words of the command; see `parseLine`. */
export function parseRest({ reader, words, command }: LineStart, globalFlags: readonly Flag[]): Line {
  const global = [...globalFlags, HELP];
  if (command === undefined) return { kind: 'help', words };
  const operands: string[] = [];
  readWords(reader, [...command.flags, ...global], operands, Number.POSITIVE_INFINITY);
  if (reader.flags.get('help')?.at(-1) === 'true') return { kind: 'help', words };
  checkOperands(command, operands);
  return { kind: 'run', command, operands, flags: reader.flags };
}
