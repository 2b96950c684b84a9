// The agent of this host, as its process shows it: found by name, in the network namespace of whoever asks.
import { basename } from 'node:path';
import { tryReadText } from '../../sys/files.ts';
import { observeProcesses } from '../../sys/processes.ts';

/** The names that the agent's process goes by. */
function isAgent(commandLine: readonly string[]): boolean {
  const [program = '', verb] = commandLine;
  const name = basename(program);
  return name === 'calico-node' || (name === 'ocicat' && verb === 'calico-node');
}

/** Process numbers of this host's agents. */
export function observeAgents(): readonly number[] {
  return observeProcesses(isAgent);
}

const LOCK_FILE = '/var/run/calico/calico-node.lock';

/** The systemd unit that one of these agents says to be; undefined when it was started in another way. */
export function observeAgentUnit(agents: readonly number[]): string | undefined {
  const holder = tryReadText(LOCK_FILE) ?? '';
  const [, pid, unit] = /^process (\d+)\nstarted by systemd unit (\S+)$/m.exec(holder) ?? [];
  return agents.includes(Number(pid)) ? unit : undefined;
}
