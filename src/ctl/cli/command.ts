// What a command of calicoctl is beyond a command, and what its handler is given.
import type { Command } from '../../cli/command.ts';
import { flagOn } from '../../cli/flags.ts';
import type { Paint } from '../../cli/paint.ts';
import type { CommandLine } from '../../cli/parse.ts';
import type { Datastore } from '../../datastore/port.ts';

export { flagOn, flagValue, flagValues } from '../../cli/flags.ts';

/** Where a command reads and writes. */
export interface Stdio {
  /** Control characters, which are never ours, show as escapes. */
  write(text: string): void;
  /** As it is, unless standard output is a terminal: for what a user's template makes, and programs read. */
  writeExact(text: string): void;
  /** As write, with colours where they are wanted; `make` escapes what others have written before it paints. */
  writePainted(make: (paint: Paint) => string): void;
  writeError(text: string): void;
  /** All of standard input. */
  read(): Promise<Uint8Array>;
  /** Whether standard output is a terminal, and standard input too. */
  readonly interactive: boolean;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Opens the store that `-c` and the environment name; whoever calls it closes it. */
export type OpenStore = (invocation: Invocation) => Promise<Datastore>;

export interface Invocation extends CommandLine<CtlCommand> {
  readonly environment: Environment;
  readonly stdio: Stdio;
  readonly signal: AbortSignal;
  readonly openStore: OpenStore;
}

/** Returns the exit status. What it throws is printed as `calicoctl`'s error, with status 1. */
export type Handler = (invocation: Invocation) => Promise<number>;

export interface CtlCommand extends Command<Handler> {
  /** The status of a failure; 1 for most. */
  readonly failureStatus?: number;
  /** Whether it works on a cluster of any version. */
  readonly anyVersion?: boolean;
  /**
   * Whether the command, with these flags, ends by its own hand when it is interrupted. Others are ended by the system,
   * which also works while they compute.
   */
  readonly endsItself?: (line: Pick<Invocation, 'flags'>) => boolean;
}

/** What a message of success ends with when nothing was written. */
export function dryRunNote(invocation: Invocation): '' | ' (dry run)' {
  return flagOn(invocation, 'dry-run') ? ' (dry run)' : '';
}
