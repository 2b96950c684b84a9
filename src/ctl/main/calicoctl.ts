// calicoctl: runs the command that the arguments call, and turns what goes wrong into a message and a status.
import { describeError, isOcicatError } from '../../base/errors.ts';
import { type LineStart, parseRest, parseStart } from '../../cli/parse.ts';
import type { CtlCommand, Environment, Invocation, OpenStore, Stdio } from '../cli/command.ts';
import { openTerminal } from '../cli/terminal.ts';
import { checkGlobalFlags } from '../cli/verbosity.ts';
import { calicoctl } from './commands.ts';

/** Status after SIGINT, as shells report it. */
const INTERRUPTED = 130;

/**
 * Runs one command line, without the program's name. Returns the status: 0 done, 1 not done (2 from diff), 130 interrupted.
 * Signals are heard by commands that end themselves, unless `signal` is given. Never throws.
 */
export async function runCalicoctl(
  argv: readonly string[],
  environment: Environment = process.env,
  stdio: Stdio = openTerminal(),
  signal?: AbortSignal,
  openStore: OpenStore = openConfiguredStore,
): Promise<number> {
  let start: LineStart<CtlCommand> | undefined;
  let effective = signal;
  try {
    start = parseStart(calicoctl, argv);
    const line = parseRest(calicoctl, start);
    if (line.kind === 'help') {
      const { formatHelp } = await import('./help.ts');
      stdio.write(formatHelp(line.path));
      return 0;
    }
    const run = await line.command.load();
    effective = signal ?? (line.command.endsItself?.(line) ? interruptSignal() : new AbortController().signal);
    const invocation = { ...line, environment, stdio, signal: effective, openStore };
    checkGlobalFlags(invocation);
    return await run(invocation);
  } catch (error) {
    if (isOcicatError(error, 'aborted') || effective?.aborted) return INTERRUPTED;
    stdio.writeError(`${describeError(error)}\n`);
    return start?.command?.failureStatus ?? 1;
  }
}

/** Loads the client only when a command needs the store. */
async function openConfiguredStore(invocation: Invocation): ReturnType<OpenStore> {
  return (await import('../store/store.ts')).openStore(invocation);
}

/** Aborted by the first SIGINT or SIGTERM; a second one ends the program as usual. */
function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  const abort = () => controller.abort();
  process.once('SIGINT', abort);
  process.once('SIGTERM', abort);
  return controller.signal;
}
