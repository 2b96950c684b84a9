// What can be wrong with a command line, as data: each program has a message of its own for it.
import type { FlagToken } from './arguments.ts';
import type { Command } from './command.ts';

export type FlagFault =
  | { readonly kind: 'unknown-flag'; readonly flag: FlagToken }
  /** A flag that needs a value has none. */
  | { readonly kind: 'no-value'; readonly flag: FlagToken }
  /** The value of an on-off flag is neither. */
  | { readonly kind: 'not-boolean'; readonly flag: FlagToken };

export type Fault =
  | FlagFault
  /** No command begins with `path` and then `argument`. */
  | { readonly kind: 'unknown-command'; readonly path: readonly string[]; readonly argument: string }
  | { readonly kind: 'no-operand'; readonly command: Command; readonly name: string }
  | { readonly kind: 'extra-operand'; readonly command: Command; readonly argument: string };

/** The messages of Go's pflag. */
export function describeFlagFault({ kind, flag: { spelling, value, argument } }: FlagFault): string {
  switch (kind) {
    case 'unknown-flag':
      return spelling.startsWith('--')
        ? `unknown flag: ${spelling}`
        : `unknown shorthand flag: '${spelling.slice(1)}' in ${argument}`;
    case 'no-value':
      return `flag needs an argument: ${spelling}`;
    case 'not-boolean':
      return `invalid argument "${value}" for ${spelling}: it is true or false`;
  }
}
