// Command-line options in the manner of Go's pflag: `--name=value`, `--name value`, booleans with an optional value.
import { tryParseBoolean } from '../../base/boolean.ts';
import { OcicatError } from '../../base/errors.ts';

/** One option. `text` needs a value, `boolean` may have one, `optional` means `bare` when it has none. */
export interface FlagSpec {
  readonly name: string;
  readonly takes: 'text' | 'boolean' | 'optional';
  readonly bare?: string;
  /** Default as help shows it; absent for options that accumulate. */
  readonly initial?: string;
  readonly help: string;
}

export type FlagTable = ReadonlyMap<string, FlagSpec>;

/** One occurrence of an option, its value checked for its kind; booleans are `true` or `false`. */
export interface FlagUse {
  readonly name: string;
  readonly value: string;
}

export function flagTable(...lists: readonly (readonly FlagSpec[])[]): FlagTable {
  return new Map(lists.flat().map((spec) => [spec.name, spec]));
}

/** Whether a word is an option at all: `-` and `--` are not. */
export function looksLikeFlag(word: string): boolean {
  return word.startsWith('-') && word !== '-' && word !== '--';
}

function checkValue(spec: FlagSpec, value: string): string {
  if (spec.takes !== 'boolean') return value;
  const truth = tryParseBoolean(value);
  if (truth !== undefined) return String(truth);
  throw new OcicatError(
    'invalid',
    `invalid argument "${value}" for "--${spec.name}" flag: strconv.ParseBool: parsing "${value}": invalid syntax`,
  );
}

/** Reads the option at `words[at]`; `next` is the index after it. Throws `invalid` for an unknown one or a bad value. */
export function takeFlag(table: FlagTable, words: readonly string[], at: number): { use: FlagUse; next: number } {
  const word = words[at] ?? '';
  if (!word.startsWith('--')) {
    throw new OcicatError('invalid', `unknown shorthand flag: '${word.slice(1, 2)}' in ${word}`);
  }
  const equals = word.indexOf('=');
  const name = word.slice(2, equals < 0 ? undefined : equals);
  const spec = table.get(name);
  if (spec === undefined) throw new OcicatError('invalid', `unknown flag: --${name}`);
  if (equals >= 0) return { use: { name, value: checkValue(spec, word.slice(equals + 1)) }, next: at + 1 };
  if (spec.takes === 'boolean') return { use: { name, value: 'true' }, next: at + 1 };
  if (spec.takes === 'optional') return { use: { name, value: spec.bare ?? '' }, next: at + 1 };
  const value = words[at + 1];
  if (value === undefined) throw new OcicatError('invalid', `flag needs an argument: --${name}`);
  return { use: { name, value }, next: at + 2 };
}

/** Options and the other words. With `mixed` they may alternate; without, the first other word ends the options. */
export function parseFlags(
  table: FlagTable,
  words: readonly string[],
  mixed: boolean,
): { readonly uses: readonly FlagUse[]; readonly rest: readonly string[] } {
  const uses: FlagUse[] = [];
  const rest: string[] = [];
  for (let at = 0; at < words.length; ) {
    const word = words[at] ?? '';
    if (word === '--') return { uses, rest: [...rest, ...words.slice(at + 1)] };
    if (looksLikeFlag(word)) {
      const { use, next } = takeFlag(table, words, at);
      uses.push(use);
      at = next;
    } else if (mixed) {
      rest.push(word);
      at += 1;
    } else return { uses, rest: words.slice(at) };
  }
  return { uses, rest };
}

/** The last value given; undefined if the option is absent. */
export function lastFlag(uses: readonly FlagUse[], name: string): string | undefined {
  return uses.findLast((use) => use.name === name)?.value;
}

export function allFlags(uses: readonly FlagUse[], name: string): readonly string[] {
  return uses.filter((use) => use.name === name).map((use) => use.value);
}

/** Whether a boolean option's last value is true. */
export function isSet(uses: readonly FlagUse[], name: string): boolean {
  return lastFlag(uses, name) === 'true';
}
