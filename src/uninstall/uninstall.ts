// `ocicat uninstall`, by its command line.
import { runProgram } from '../cli/run/run.ts';
import { uninstallProgram } from './command.ts';

/** Runs `ocicat uninstall ARGV…`; returns the exit status: 0, 1 for a failure, 2 for a usage error. */
export function runUninstall(argv: readonly string[]): Promise<number> {
  const loadHelp = async () => (await import('./manual.ts')).formatHelp();
  return runProgram(uninstallProgram, argv, { label: 'uninstall', loadHelp, invalidStatus: 1 });
}
