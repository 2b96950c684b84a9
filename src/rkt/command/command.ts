// What a command of rkt is beyond a command, and what its handler gets.
import type { Command } from '../../cli/command.ts';
import type { Context } from '../cli/context.ts';
import type { AppArguments } from '../options/app-arguments.ts';

/** A command line that has been read. `apps` and `mounts` are empty for commands that take no images with options. */
export interface Arguments extends AppArguments {
  readonly operands: readonly string[];
}

export type Handler = (context: Context, line: Arguments) => Promise<number>;

export interface RktCommand extends Command<Handler> {
  readonly needsRoot: boolean;
}
