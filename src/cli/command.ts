// What a command is: data from which the parser, the help, completion and the pages of the manual follow, and a handler that
// loads when it runs.

export interface Flag {
  readonly name: string;
  /** One letter, for `-o`. */
  readonly short?: string;
  /** What stands for the value in help (`FORMAT`); a flag without one is on or off. */
  readonly value?: string;
  /** The value of a flag that is given without one; such a flag has a value of its own only behind `=`. */
  readonly bare?: string;
  /** Without full stop. */
  readonly doc: string;
  /** What the value can be, for completion. */
  readonly choices?: readonly string[];
  /** Whether the value is a file or folder. */
  readonly isPath?: boolean;
  /** The value when the flag is not given, as help shows it. */
  readonly usual?: string;
  /** Left out of help. */
  readonly hidden?: boolean;
}

export interface Operand {
  readonly name: string;
  readonly optional?: boolean;
  /** Whether it may be given several times; only the last operand. */
  readonly many?: boolean;
  /** Whether it stands behind `--`; only the last operand. */
  readonly afterDashes?: boolean;
  /** What completion offers: `files`, or a source of names that the program has. */
  readonly offers?: string;
  /** Flags that stand behind it and belong to it alone. */
  readonly flags?: readonly Flag[];
}

export interface Command<Handler = unknown> {
  /** What calls it, below the program: `['ipam', 'show']`; empty for a program that is one command. */
  readonly path: readonly string[];
  /** One line without full stop. */
  readonly summary: string;
  /** More about it, in paragraphs. */
  readonly description?: string;
  /** What stands behind the path in help; made from operands and flags where it is not given. */
  readonly usage?: string;
  readonly operands: readonly Operand[];
  readonly flags: readonly Flag[];
  /** Whether the first operand ends the flags: what follows it is somebody else's command line. */
  readonly leading?: boolean;
  readonly examples?: readonly (readonly [comment: string, line: string])[];
  /** Left out of help. */
  readonly hidden?: boolean;
  readonly load: () => Promise<Handler>;
}

/** What every program takes. */
export const HELP_FLAG: Flag = { name: 'help', short: 'h', doc: 'Show this help' };

/** Flags that only stand behind an operand of their own. */
export function operandFlags(command: Command): readonly Flag[] {
  return command.operands.flatMap((operand) => operand.flags ?? []);
}
