// The one executable: the name that it is called by decides which program it is.
import { basename } from 'node:path';
import { describeError } from './base/errors.ts';
import { findProgram, ocicat } from './ocicat.ts';
import { writeErrorLine } from './sys/output.ts';

/** `ocicat PROGRAM …` is the program of that name; every other verb is calicoctl's. */
async function run(name: string, argv: readonly string[]): Promise<number> {
  const own = ocicat.commands.find(({ ownName }) => ownName === name);
  if (own !== undefined) return (await own.load())(argv);
  const [verb = '', ...rest] = argv;
  if (['', 'help', '-h', '--help'].includes(verb) && rest.length === 0) {
    (await import('./help.ts')).showHelp();
    return verb === '' ? 2 : 0;
  }
  const called = findProgram(verb);
  return called === undefined ? run('calicoctl', argv) : (await called.load())(rest);
}

try {
  process.exitCode = await run(basename(process.argv0), process.argv.slice(2));
} catch (error) {
  writeErrorLine(`ocicat: ${describeError(error)}`);
  process.exitCode = 1;
}
