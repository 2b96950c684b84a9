// `ocicat lab`: several hosts on one machine, to learn on and to test with.
import { type Manner, runProgram } from '../cli/run/run.ts';
import { lab } from './commands.ts';

const manner: Manner = {
  label: 'lab',
  loadHelp: async () => (await import('./manual.ts')).formatHelp(),
  invalidStatus: 2,
  listNames: async () => (await import('./state.ts')).listHosts(),
};

/** Runs `ocicat lab ARGV…`; returns the exit status: 0, 1 for a failure, 2 for a usage error. */
export function runLab(argv: readonly string[]): Promise<number> {
  return runProgram(lab, argv, manner);
}
