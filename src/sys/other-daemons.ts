// Daemons that Debian's packages start by themselves, which are not the agent's and are taken for it, and the way out.
import { observeProcesses, tryReadName } from './processes.ts';

/** The end of the path at which the agent's own BIRD listens. */
const OWN_BIRD_SOCKET = '/calico/bird.ctl';

function isAgentsBird(commandLine: readonly string[]): boolean {
  const socket = commandLine[commandLine.indexOf('-s') + 1] ?? '';
  return commandLine.includes('-s') && socket.endsWith(OWN_BIRD_SOCKET);
}

/** Processes of the BIRD that an agent of this host has started. */
export function observeOwnBirds(): readonly number[] {
  return observeProcesses((commandLine, pid) => isAgentsBird(commandLine) && tryReadName(pid) === 'bird');
}

/** A line for each BIRD on this host that the agent has not started: both would write the kernel's routes. */
export function describeOtherBirds(): readonly string[] {
  return observeProcesses((commandLine, pid) => !isAgentsBird(commandLine) && tryReadName(pid) === 'bird').map(
    (pid) =>
      `another BIRD runs on this host (process ${pid}); the agent runs its own: "systemctl disable --now bird" ends it`,
  );
}

/** With no ETCD_ENDPOINTS: a line for each etcd on this host that is not the agent's own. */
export function describeOtherEtcds(): readonly string[] {
  return observeProcesses((commandLine, pid) => !commandLine.includes('private') && tryReadName(pid) === 'etcd').map(
    (pid) =>
      `an etcd runs on this host (process ${pid}) that the agent does not use, as ETCD_ENDPOINTS is not set: ` +
      '"systemctl disable --now etcd" ends it, ETCD_ENDPOINTS=http://127.0.0.1:2379 uses it',
  );
}
