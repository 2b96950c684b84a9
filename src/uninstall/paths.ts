// Where an installation is on a host, and where it keeps what it makes.
import { chooseDataDir } from '../rkt/cli/data-dir.ts';

export const INSTALL_ROOT = '/usr/lib/ocicat';
export const RUN_DIRECTORY = '/var/run/calico';
export const NODE_NAME_FILE = '/var/lib/calico/nodename';
export const PRIVATE_STORE = '/var/lib/calico/etcd/member';
/** The cluster that a host with a private store has moved to. */
export const MOVED_TO_FILE = '/var/lib/calico/datastore.cfg';

/** What the administrator is told to copy there. */
export const UNIT_DIRECTORY = '/etc/systemd/system';
export const UNITS = [
  ...['calico-node.service', 'rkt-gc.timer', 'rkt-gc.service'],
  ...['rkt-metadata.socket', 'rkt-metadata.service'],
] as const;

/** Folders in which programs, plugins and settings of other programs have links into the installation. */
export const LINK_DIRECTORIES = [
  ...['/usr/bin', '/opt/cni/bin', '/usr/libexec/netavark', '/usr/lib/NetworkManager/conf.d'],
] as const;
export const SHARE_DIRECTORY = '/usr/share';

/** Folders that are made for the administrator's files; they stay where there are any. */
export const CONFIGURATION_DIRECTORIES = [
  '/etc/rkt/net.d',
  '/etc/rkt',
  '/etc/calico',
  '/etc/cni/net.d',
  '/etc/cni',
] as const;

/** rkt's pods and images, wherever its configuration says. */
export function rktDataDirectory(): string {
  const directories = { data: undefined, system: '/usr/lib/rkt', local: '/etc/rkt', user: undefined };
  return chooseDataDir({ directories });
}

/** Trees that nobody else writes to. The leases are those of the networks that rkt brings along. */
export function dataDirectories(): readonly string[] {
  return [
    ...['/var/lib/calico', RUN_DIRECTORY, '/var/log/calico', rktDataDirectory(), '/run/rkt'],
    ...['/var/lib/cni/networks/default', '/var/lib/cni/networks/default-restricted'],
  ];
}
