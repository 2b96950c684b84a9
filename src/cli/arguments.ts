// A command line cut into flags and operands; the command table says which flags take a value.
import type { Flag } from './command.ts';

/** One flag as it stands on the line. */
export interface FlagToken {
  /** `--output` or `-o`. */
  readonly spelling: string;
  /** What follows it or stands behind its `=`; undefined where there is nothing, and for an on-off flag. */
  readonly value: string | undefined;
  /** The argument that it stands in. */
  readonly argument: string;
}

/** What stands on a line, whatever command it calls. */
export interface CutLine {
  readonly tokens: readonly FlagToken[];
  readonly operands: readonly string[];
  /** What stands behind `--`. */
  readonly trailing: readonly string[];
}

/** Whether an argument is a flag at all: `-` and `--` are not. */
export function looksLikeFlag(argument: string): boolean {
  return argument.startsWith('-') && argument !== '-' && argument !== '--';
}

/** The flag that a spelling means; undefined for none. */
export function findFlag(flags: readonly Flag[], spelling: string): Flag | undefined {
  return flags.find(({ name, short }) => spelling === `--${name}` || (short !== undefined && spelling === `-${short}`));
}

/** Whether a flag takes the argument that follows. */
function takesNext(flags: readonly Flag[], spelling: string): boolean {
  const flag = findFlag(flags, spelling);
  return flag?.value !== undefined && flag.bare === undefined;
}

/** `--output json`, `--output=json`, `--watch`; takes the value that follows from `rest`. */
function cutLong(argument: string, rest: string[], flags: readonly Flag[]): FlagToken {
  const equals = argument.indexOf('=');
  if (equals >= 0) return { spelling: argument.slice(0, equals), value: argument.slice(equals + 1), argument };
  return { spelling: argument, value: takesNext(flags, argument) ? rest.shift() : undefined, argument };
}

/** `-Rf file`, `-ojson`, `-o=json`, `-A=true`; takes the value that follows from `rest`. */
function cutShort(argument: string, rest: string[], flags: readonly Flag[]): readonly FlagToken[] {
  const tokens: FlagToken[] = [];
  for (let at = 1; at < argument.length; at++) {
    const spelling = `-${argument[at]}`;
    const behind = argument.slice(at + 1);
    if (behind.startsWith('=')) return [...tokens, { spelling, value: behind.slice(1), argument }];
    if (takesNext(flags, spelling)) {
      return [...tokens, { spelling, value: behind === '' ? rest.shift() : behind, argument }];
    }
    tokens.push({ spelling, value: undefined, argument });
  }
  return tokens;
}

/** The flags in one argument; takes the value that follows from `rest`. */
export function cutFlags(argument: string, rest: string[], flags: readonly Flag[]): readonly FlagToken[] {
  return argument.startsWith('--') ? [cutLong(argument, rest, flags)] : cutShort(argument, rest, flags);
}

/**
 * Cuts a line into flags and operands, in any order, or where it is `leading` only as far as the first operand. `flags` may be
 * those of all commands, as far as they agree on what takes a value.
 */
export function cutLine(argv: readonly string[], flags: readonly Flag[], leading = false): CutLine {
  const tokens: FlagToken[] = [];
  const operands: string[] = [];
  const rest = [...argv];
  for (let argument = rest.shift(); argument !== undefined; argument = rest.shift()) {
    if (argument === '--') return { tokens, operands, trailing: rest };
    if (looksLikeFlag(argument)) tokens.push(...cutFlags(argument, rest, flags));
    else if (leading) return { tokens, operands: [argument, ...rest], trailing: [] };
    else operands.push(argument);
  }
  return { tokens, operands, trailing: [] };
}
