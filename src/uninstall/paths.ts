// Where the agent and rkt keep what they make on a host.
import { chooseDataDir } from '../rkt/cli/data-dir.ts';

export const RUN_DIRECTORY = '/var/run/calico';
export const NODE_NAME_FILE = '/var/lib/calico/nodename';
export const PRIVATE_STORE = '/var/lib/calico/etcd/member';
/** Written where data is kept: a directory in each line, for whoever removes it later. */
export const KEPT_LIST = '/var/lib/calico/data-directories';
/** The cluster that a host with a private store has moved to. */
export const MOVED_TO_FILE = '/var/lib/calico/datastore.cfg';

/** rkt's pods and images, wherever its configuration says. */
export function rktDataDirectory(): string {
  const directories = { data: undefined, system: '/usr/lib/rkt', local: '/etc/rkt', user: undefined };
  return chooseDataDir({ directories });
}

/** What lives no longer than the host does. */
export function runDirectories(): readonly string[] {
  return [RUN_DIRECTORY, '/run/rkt'];
}

/** Trees that nobody else writes to. The leases are those of the networks that rkt brings along. */
export function dataDirectories(): readonly string[] {
  return [
    ...['/var/lib/calico', '/var/log/calico', rktDataDirectory()],
    ...['/var/lib/cni/networks/default', '/var/lib/cni/networks/default-restricted'],
  ];
}
