// calico-node: the agent of one host, by its command line.
import { runProgram } from '../cli/run/run.ts';
import { calicoNode } from './command.ts';

/** Runs `calico-node ARGV…`; returns the exit status: 0, 1 for a failure, 2 for a usage error. */
export function runCalicoNode(argv: readonly string[]): Promise<number> {
  const loadHelp = async () => (await import('./manual.ts')).formatHelp();
  return runProgram(calicoNode, argv, { label: 'calico-node', loadHelp, invalidStatus: 1 });
}
