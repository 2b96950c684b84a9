// What a command is: data for the parser, the help, completions and man pages, and a handler that loads when it runs.
import type { Datastore } from '../../datastore/port.ts';

export interface Flag {
  readonly name: string;
  /** One letter, for `-o`. */
  readonly short?: string;
  /** What stands for the value in help (`FORMAT`); a flag without one is on or off. */
  readonly value?: string;
  /** A sentence without full stop. */
  readonly doc: string;
  /** Words that the value can be, for completion. */
  readonly words?: readonly string[];
  /** Whether the value is a file or folder. */
  readonly path?: boolean;
  /** The value when the flag is not given, in words. */
  readonly usual?: string;
  /** Left out of help. */
  readonly hidden?: boolean;
}

export interface Operand {
  readonly name: string;
  readonly optional?: boolean;
  /** Whether it may be given several times; only the last operand. */
  readonly many?: boolean;
  /** What completion offers. */
  readonly words?: 'kinds' | 'names' | 'shells' | 'writable-kinds';
}

/** Where a command reads and writes. */
export interface Stdio {
  /** Control characters, which are never ours, show as escapes. */
  write(text: string): void;
  /** As it is, unless standard output is a terminal: for what a user's template makes, and programs read. */
  writeExact(text: string): void;
  writeError(text: string): void;
  /** All of standard input. */
  read(): Promise<Uint8Array>;
  /** Whether standard output is a terminal, and standard input too. */
  readonly interactive: boolean;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Opens the store that `-c` and the environment name; whoever calls it closes it. */
export type OpenStore = (invocation: Invocation) => Promise<Datastore>;

export interface Invocation {
  readonly command: Command;
  readonly operands: readonly string[];
  /** Values by flag name, in the order given; on-off flags have `true` or `false`. */
  readonly flags: ReadonlyMap<string, readonly string[]>;
  readonly environment: Environment;
  readonly stdio: Stdio;
  readonly signal: AbortSignal;
  readonly openStore: OpenStore;
}

/** Returns the exit status. What it throws is printed as `calicoctl`'s error, with status 1. */
export type Handler = (invocation: Invocation) => Promise<number>;

export interface Command {
  /** The words that call it: `['ipam', 'show']`. */
  readonly words: readonly string[];
  /** One line without full stop. */
  readonly summary: string;
  /** More about it, in paragraphs. */
  readonly description?: string;
  readonly operands: readonly Operand[];
  readonly flags: readonly Flag[];
  readonly examples?: readonly (readonly [comment: string, line: string])[];
  /** Left out of help. */
  readonly hidden?: boolean;
  /** The status of a failure; 1 for most. */
  readonly failureStatus?: number;
  /** Whether it works on a cluster of any version. */
  readonly anyVersion?: boolean;
  /**
   * Whether the command, with these flags, ends by its own hand when it is interrupted. Others are ended by the system,
   * which also works while they compute.
   */
  readonly endsItself?: (flags: Invocation['flags']) => boolean;
  readonly load: () => Promise<Handler>;
}

/** The last value of a flag; undefined if it was not given. */
export function flagValue(invocation: Invocation, name: string): string | undefined {
  return invocation.flags.get(name)?.at(-1);
}

/** All values of a flag. */
export function flagValues(invocation: Invocation, name: string): readonly string[] {
  return invocation.flags.get(name) ?? [];
}

/** Whether an on-off flag is on. */
export function flagOn(invocation: Invocation, name: string): boolean {
  return flagValue(invocation, name) === 'true';
}

/** What a message of success ends with when nothing was written. */
export function dryRunNote(invocation: Invocation): '' | ' (dry run)' {
  return flagOn(invocation, 'dry-run') ? ' (dry run)' : '';
}
