// What a command of rkt is: its name, options and help, and a handler that loads when it is called.
import type { Context } from '../cli/context.ts';
import type { FlagSpec, FlagUse } from '../cli/flags.ts';
import type { AppRequest } from '../options/app-arguments.ts';
import type { Mount } from '../options/volume.ts';

/** A command line that has been read. `apps` and `mounts` are empty for commands that take no images with options. */
export interface Words {
  readonly uses: readonly FlagUse[];
  readonly rest: readonly string[];
  readonly apps: readonly AppRequest[];
  readonly mounts: readonly Mount[];
}

export type Handler = (context: Context, words: Words) => Promise<number>;

export interface Command {
  /** `['image', 'list']` */
  readonly name: readonly string[];
  readonly summary: string;
  readonly usage: string;
  readonly flags: readonly FlagSpec[];
  /** `mixed`: options anywhere. `leading`: before the first other word. `apps`: images with options of their own. */
  readonly reads: 'mixed' | 'leading' | 'apps';
  readonly needsRoot: boolean;
  readonly load: () => Promise<Handler>;
}
