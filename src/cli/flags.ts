// Flags that are given on a command line, and what they mean by the command table.
import { tryParseBoolean } from '../base/boolean.ts';
import { type FlagToken, findFlag } from './arguments.ts';
import type { Flag } from './command.ts';
import { type Program, refuse } from './program.ts';

/** One flag by its name; on-off flags have `true` or `false`. */
export interface FlagValue {
  readonly name: string;
  readonly value: string;
}

/** A line whose flags have been read, in the order given. */
export interface WithFlags {
  readonly flags: readonly FlagValue[];
}

/** The last value of a flag; undefined if it was not given. */
export function flagValue({ flags }: WithFlags, name: string): string | undefined {
  return flags.findLast((flag) => flag.name === name)?.value;
}

/** All values of a flag. */
export function flagValues({ flags }: WithFlags, name: string): readonly string[] {
  return flags.filter((flag) => flag.name === name).map((flag) => flag.value);
}

/** Whether an on-off flag is on. */
export function flagOn(line: WithFlags, name: string): boolean {
  return flagValue(line, name) === 'true';
}

function readFlag(program: Pick<Program, 'describeFault'>, token: FlagToken, known: readonly Flag[]): FlagValue[] {
  const flag = findFlag(known, token.spelling);
  if (flag === undefined) {
    refuse(program, { kind: 'unknown-flag', flag: token });
    return [];
  }
  const { name, bare } = flag;
  if (flag.value !== undefined) {
    const value = token.value ?? bare;
    if (value === undefined) refuse(program, { kind: 'no-value', flag: token });
    return [{ name, value: value ?? '' }];
  }
  const isOn = token.value === undefined ? true : tryParseBoolean(token.value);
  if (isOn === undefined) refuse(program, { kind: 'not-boolean', flag: token });
  return [{ name, value: String(isOn ?? false) }];
}

/** Flags by name, among those that the line may have; throws `invalid`. */
export function readFlags(
  program: Pick<Program, 'describeFault'>,
  tokens: readonly FlagToken[],
  known: readonly Flag[],
): readonly FlagValue[] {
  return tokens.flatMap((token) => readFlag(program, token, known));
}
