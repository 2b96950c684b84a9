// `ocicat install`, by its command line.
import { runProgram } from '../cli/run/run.ts';
import { installProgram } from './command.ts';

/** Runs `ocicat install ARGV…`; returns the exit status: 0, 1 for a failure, 2 for a usage error. */
export function runInstall(argv: readonly string[]): Promise<number> {
  const loadHelp = async () => (await import('./manual.ts')).formatHelp();
  return runProgram(installProgram, argv, { label: 'install', loadHelp, invalidStatus: 1 });
}
