// `ocicat completion` and `ocicat __complete`: each program completes its own part of the line.
import { printCompletion, SHELLS } from './cli/completion.ts';
import { findProgram, ocicat } from './ocicat.ts';
import { writeErrorLine, writeLine } from './sys/output.ts';

export async function runCompletion(argv: readonly string[]): Promise<number> {
  const [shell = '', ...more] = argv;
  if (!SHELLS.includes(shell) || more.length > 0) {
    writeErrorLine(`completion for "${argv.join(' ')}": wanted one of ${SHELLS.join(', ')}`);
    return 1;
  }
  writeLine(printCompletion(shell, 'ocicat').trimEnd());
  return 0;
}

function printPrograms(typed: string): void {
  const names = ocicat.commands
    .filter(({ hidden, ofCalicoctl }) => !hidden && !ofCalicoctl)
    .flatMap(({ path }) => path);
  for (const name of names) if (name.startsWith(typed)) writeLine(name);
}

/** `argv` are `--` and the arguments behind `ocicat`, the last one as far as it has been typed. */
export async function runComplete([, ...typed]: readonly string[]): Promise<number> {
  const [name = '', ...rest] = typed;
  const isShell = name === 'completion'; // whose shells calicoctl knows too
  const program = rest.length === 0 || isShell ? undefined : findProgram(name);
  if (rest.length === 0) printPrograms(name);
  const run = await (program ?? ocicat.commands.find(({ path }) => path.length === 0))?.load();
  return (await run?.(['__complete', '--', ...(program === undefined ? typed : rest)])) ?? 1;
}
