// What the init system is told by a service that it has started: sd_notify(3), a datagram to the socket that NOTIFY_SOCKET names.
import * as libc from '../sys/libc.ts';

const AF_UNIX = 1;
const SOCK_DGRAM_CLOEXEC = 0o2000002;

/** Takes assignments such as `READY=1`; what cannot be told is left unsaid. */
export type ServiceManager = (...assignments: readonly string[]) => void;

/** struct sockaddr_un; a leading `@` stands for the abstract name space (unix(7)). */
function addressOf(name: string): Uint8Array {
  const path = new TextEncoder().encode(name);
  if (name.startsWith('@')) path[0] = 0;
  return Uint8Array.of(AF_UNIX, 0, ...path);
}

function send(name: string, text: string): void {
  const fd = libc.socket(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0);
  try {
    libc.connect(fd, addressOf(name));
    libc.send(fd, new TextEncoder().encode(text));
  } finally {
    libc.close(fd);
  }
}

/** Takes the name out of the environment: what this process starts is not the service. Says nothing where nobody asks. */
export function takeServiceManager(environment: Record<string, string | undefined>): ServiceManager {
  const { NOTIFY_SOCKET: name } = environment;
  delete environment.NOTIFY_SOCKET;
  if (name === undefined || !/^[/@]./.test(name)) return () => undefined;
  return (...assignments) => {
    try {
      send(name, assignments.join('\n'));
    } catch {
      // the service works as well without being waited for
    }
  };
}
