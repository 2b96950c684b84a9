// The rkt program: finds the command, reads its arguments, runs it and tells of its failure.
import { isOcicatError, OcicatError } from '../../base/errors.ts';
import { looksLikeFlag } from '../../cli/arguments.ts';
import { type Context, parseGlobals } from '../cli/context.ts';
import { formatFailure, reportFailure } from '../cli/failure.ts';
import { processStdio, type Stdio } from '../cli/output.ts';
import { rkt } from './commands.ts';
import { isExactly, type LineStart, parseRest, parseStart } from './line.ts';

/** Exit statuses. Source: rkt v1.30.0, rkt/rkt.go. */
const NO_COMMAND_STATUS = 2;
const FAILURE_STATUS = 254;

/** Not the caller's: it would reach the pod, whose own users could then not read their files. */
const UMASK = 0o022;

/** An option called for help counts anywhere before the arguments that are an app's own. */
function asksForHelp(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return argv.slice(0, end < 0 ? undefined : end).some((argument) => argument === '--help' || argument === '-h');
}

async function help(context: Pick<Context, 'stdio'>, argv: readonly string[]): Promise<void> {
  const { printHelp } = await import('./help.ts');
  const path = argv.filter((argument) => !looksLikeFlag(argument));
  const command = rkt.commands.find((candidate) => isExactly(path, candidate));
  context.stdio.stdout(printHelp(command));
}

async function execute(start: LineStart, environment: Context['environment'], stdio: Stdio): Promise<number> {
  const { command } = start;
  const name = command.path.at(-1) ?? '';
  let debug = false;
  try {
    const line = parseRest(start);
    const context: Context = { name, ...parseGlobals(line), environment, stdio };
    debug = context.debug;
    if (command.needsRoot && process.getuid?.() !== 0) {
      throw new OcicatError('denied', 'cannot run as unprivileged user');
    }
    return await (await command.load())(context, line);
  } catch (error) {
    reportFailure({ debug, stdio }, name, error);
    return FAILURE_STATUS;
  }
}

/**
 * Runs one command line, without the program's name, and returns the exit status: 0, an app's own, 254 for every failure
 * of rkt itself, 2 without a command.
 */
export async function runRkt(
  argv: readonly string[],
  environment: Context['environment'] = process.env,
  stdio: Stdio = processStdio,
): Promise<number> {
  process.umask(UMASK);
  try {
    if (asksForHelp(argv)) {
      await help({ stdio }, argv);
      return 0;
    }
    const start = parseStart(argv);
    if (start !== undefined) return await execute(start, environment, stdio);
    stdio.stderr('rkt: missing command\n');
    await help({ stdio }, []);
    return NO_COMMAND_STATUS;
  } catch (error) {
    if (!isOcicatError(error, 'invalid', 'unavailable')) throw error;
    const hint = error.code === 'invalid' ? "Run 'rkt help' for usage.\n" : '';
    stdio.stderr(`Error: ${formatFailure(error, false)}\n${hint}`);
    return FAILURE_STATUS;
  }
}
