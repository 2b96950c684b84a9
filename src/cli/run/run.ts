// Running a small program: its command line is read, its handler runs, its failure is reported.
import { describeError, formatIssue, isOcicatError } from '../../base/errors.ts';
import { writeErrorLine, writeLine } from '../../sys/output.ts';
import { findCandidates, printCandidates } from '../candidates.ts';
import type { Command } from '../command.ts';
import { type CommandLine, type Line, parseLine } from '../parse.ts';
import type { Program } from '../program.ts';

/** Returns the exit status. */
export type Handler<C extends Command> = (line: CommandLine<C>) => number | Promise<number>;

export interface Manner {
  /** What its messages begin with. */
  readonly label: string;
  readonly loadHelp: () => Promise<string>;
  /** The status after a value that is wrong. */
  readonly invalidStatus: number;
  /** Names that completion offers, by what the operands of the table offer. */
  readonly listNames?: (source: string) => Promise<readonly string[]>;
}

const USAGE_STATUS = 2;
const FAILURE_STATUS = 1;

function reportFailure({ label }: Manner, error: unknown): void {
  writeErrorLine(`${label}: ${describeError(error)}`);
  if (isOcicatError(error)) for (const issue of error.issues) writeErrorLine(`  ${formatIssue(issue)}`);
}

function tryParse<C extends Command>(
  program: Program<C>,
  argv: readonly string[],
  manner: Manner,
): Line<C> | undefined {
  try {
    return parseLine(program, argv);
  } catch (error) {
    reportFailure(manner, error);
    return undefined;
  }
}

async function complete(program: Program, [, ...typed]: readonly string[], { listNames }: Manner): Promise<number> {
  const wanted = findCandidates(program, typed);
  const names = wanted.kind === 'names' ? ((await listNames?.(wanted.source)) ?? []) : [];
  const text = printCandidates(wanted, wanted.kind === 'values' ? wanted.values : names);
  if (text !== '') writeLine(text.trimEnd());
  return 0;
}

async function runLine<C extends Command<Handler<C>>>(
  program: Program<C>,
  argv: readonly string[],
  manner: Manner,
): Promise<number> {
  const [first, ...rest] = argv;
  if (first === '__complete') return complete(program, rest, manner);
  const line = tryParse(program, argv, manner);
  if (line === undefined) return USAGE_STATUS;
  if (line.kind === 'help') {
    writeLine(await manner.loadHelp());
    return argv.some((argument) => ['help', '--help', '-h'].includes(argument)) ? 0 : USAGE_STATUS;
  }
  return (await line.command.load())(line);
}

/**
 * Returns the exit status: 0, 1 for a failure, 2 for a usage error. `__complete` and `--` before the arguments ask what can
 * stand where the last one is. Never throws.
 */
export async function runProgram<C extends Command<Handler<C>>>(
  program: Program<C>,
  argv: readonly string[],
  manner: Manner,
): Promise<number> {
  try {
    return await runLine(program, argv, manner);
  } catch (error) {
    reportFailure(manner, error);
    return isOcicatError(error, 'invalid') ? manner.invalidStatus : FAILURE_STATUS;
  }
}
