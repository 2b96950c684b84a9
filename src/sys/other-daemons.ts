// Daemons that Debian's packages start by themselves, which are not the agent's and are taken for it, and the way out.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** The end of the path at which the agent's own BIRD listens. */
const OWN_BIRD_SOCKET = '/calico/bird.ctl';

function tryRead(read: () => string): string {
  try {
    return read();
  } catch {
    return ''; // it has ended meanwhile
  }
}

/** Programs of a name in this network namespace, by their command lines. */
function observeProcesses(name: string): readonly (readonly [pid: string, words: readonly string[]])[] {
  const own = tryRead(() => readlinkSync('/proc/self/ns/net'));
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid) && tryRead(() => readFileSync(`/proc/${pid}/comm`, 'utf8')).trim() === name)
    .filter((pid) => tryRead(() => readlinkSync(`/proc/${pid}/ns/net`)) === own)
    .map((pid) => [pid, tryRead(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8')).split('\0')] as const);
}

function isAgentsBird(words: readonly string[]): boolean {
  const socket = words[words.indexOf('-s') + 1] ?? '';
  return words.includes('-s') && socket.endsWith(OWN_BIRD_SOCKET);
}

/** Processes of the BIRD that an agent of this host has started. */
export function observeOwnBirds(): readonly number[] {
  return observeProcesses('bird')
    .filter(([, words]) => isAgentsBird(words))
    .map(([pid]) => Number(pid));
}

/** A line for each BIRD on this host that the agent has not started: both would write the kernel's routes. */
export function describeOtherBirds(): readonly string[] {
  return observeProcesses('bird')
    .filter(([, words]) => !isAgentsBird(words))
    .map(
      ([pid]) =>
        `another BIRD runs on this host (process ${pid}); the agent runs its own: "systemctl disable --now bird" ends it`,
    );
}

/** With no ETCD_ENDPOINTS: a line for each etcd on this host that is not the agent's own. */
export function describeOtherEtcds(): readonly string[] {
  return observeProcesses('etcd')
    .filter(([, words]) => !words.includes('private'))
    .map(
      ([pid]) =>
        `an etcd runs on this host (process ${pid}) that the agent does not use, as ETCD_ENDPOINTS is not set: ` +
        '"systemctl disable --now etcd" ends it, ETCD_ENDPOINTS=http://127.0.0.1:2379 uses it',
    );
}
