// Programs of this host that listen on a port which is to lead to a workload: nobody would reach them any more.
import { observeSocketHolders } from '../../kernel/socket/holders.ts';
import { observeListeners } from '../../kernel/socket/listeners.ts';
import { type HostPorts, wantSamePort } from '../../net/port-mapping.ts';
import { tryReadCommandLine, tryReadName } from '../../sys/processes.ts';

/** A runtime has a program that stays with the container and may keep its ports (podman's conmon does); it is told the container's ID. */
function isKeeperOf(pid: number, containerId: string): boolean {
  return tryReadCommandLine(pid)?.includes(containerId) === true;
}

function describe(pid: number | undefined): string {
  const name = pid === undefined ? undefined : tryReadName(pid);
  return name === undefined ? 'a program of the host' : `"${name}" (process ${pid})`;
}

/** Whom people know it by; undefined: nobody listens but the container's own runtime. Throws `kernel`. */
export function findListener(ports: HostPorts, containerId: string): string | undefined {
  const listeners = observeListeners(ports.protocol).filter(({ port }) => wantSamePort(ports, port));
  for (const { inode } of listeners) {
    const pids = observeSocketHolders(inode);
    if (!pids.some((pid) => isKeeperOf(pid, containerId))) return describe(pids[0]);
  }
  return undefined;
}
