// The rkt program: finds the command, reads its words, runs it and tells of its failure.
import { isOcicatError, OcicatError } from '../../base/errors.ts';
import { type Context, globalFlags, parseGlobals } from '../cli/context.ts';
import { formatFailure, reportFailure } from '../cli/failure.ts';
import { flagTable, looksLikeFlag, parseFlags, takeFlag } from '../cli/flags.ts';
import { processStdio, type Stdio } from '../cli/output.ts';
import type { Command, Words } from '../command/command.ts';
import { parseAppArguments } from '../options/app-arguments.ts';
import { commands } from './commands.ts';

/** Exit statuses. Source: rkt v1.30.0, rkt/rkt.go. */
const NO_COMMAND_STATUS = 2;
const FAILURE_STATUS = 254;

/** Not the caller's: it would reach the pod, whose own users could then not read their files. */
const UMASK = 0o022;

interface Found {
  readonly command: Command;
  /** All words but the command's name: options may stand before it. */
  readonly words: readonly string[];
}

/** Every option of every command: enough to tell a value before the command's name from that name. */
function everyFlag() {
  return flagTable(globalFlags, ...commands.map((command) => command.flags));
}

function startsNameOf(words: readonly string[], command: Command): boolean {
  return command.name.every((part, at) => part.startsWith(words[at] ?? '-'));
}

function isExactly(words: readonly string[], command: Command): boolean {
  return command.name.every((part, at) => part === words[at]);
}

/** The command that the words name, whole or by an unambiguous beginning. */
function matchCommand(words: readonly string[]): Command {
  const exact = commands.find((command) => isExactly(words, command));
  const starting = exact === undefined ? commands.filter((command) => startsNameOf(words, command)) : [exact];
  const [command, other] = starting;
  if (command === undefined || other !== undefined) {
    throw new OcicatError('invalid', `unknown command "${words[0] ?? ''}" for "rkt"`);
  }
  return command;
}

/** Undefined when there is no command among the words. */
function findCommand(words: readonly string[]): Found | undefined {
  const table = everyFlag();
  let at = 0;
  while (looksLikeFlag(words[at] ?? '')) at = takeFlag(table, words, at).next;
  if (at >= words.length) return undefined;
  const command = matchCommand(words.slice(at));
  return { command, words: [...words.slice(0, at), ...words.slice(at + command.name.length)] };
}

function readWords({ command, words }: Found): Words {
  const flags = [...globalFlags, ...command.flags];
  if (command.reads !== 'apps')
    return { ...parseFlags(flagTable(flags), words, command.reads === 'mixed'), apps: [], mounts: [] };
  try {
    return { ...parseAppArguments(flags, words), rest: [] };
  } catch (cause) {
    throw new OcicatError('invalid', 'error parsing app image arguments', { cause });
  }
}

function leafOf(command: Command): string {
  return command.name.at(-1) ?? '';
}

/** An option called for help counts anywhere before the words that are an app's own. */
function asksForHelp(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return argv.slice(0, end < 0 ? undefined : end).some((word) => word === '--help' || word === '-h');
}

async function help(context: Pick<Context, 'stdio'>, argv: readonly string[]): Promise<void> {
  const { printHelp } = await import('./help.ts');
  const names = argv.filter((word) => !looksLikeFlag(word));
  const command = commands.find((candidate) => isExactly(names, candidate));
  context.stdio.stdout(printHelp(command));
}

async function execute(found: Found, environment: Context['environment'], stdio: Stdio): Promise<number> {
  const { command } = found;
  const name = leafOf(command);
  let debug = false;
  try {
    const words = readWords(found);
    const context: Context = { name, ...parseGlobals(words.uses), environment, stdio };
    debug = context.debug;
    if (command.needsRoot && process.getuid?.() !== 0) {
      throw new OcicatError('denied', 'cannot run as unprivileged user');
    }
    return await (await command.load())(context, words);
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
    const found = findCommand(argv);
    if (found !== undefined) return await execute(found, environment, stdio);
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
