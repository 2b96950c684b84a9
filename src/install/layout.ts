// What of a build goes where on a host: the table that installing, uninstalling and Debian's package read.

/** Where an installation is; its folders are those of `dist/`. */
export const INSTALL_ROOT = '/usr/lib/ocicat';

/** The names of the one executable, in `bin`: the first is the file, the others are links to it. */
export const PROGRAMS = ['ocicat', 'calicoctl', 'calico-node', 'rkt'] as const;

export const PLUGINS = ['calico', 'calico-ipam'] as const;
export const UNITS = [
  ...['calico-node.service', 'rkt-gc.timer', 'rkt-gc.service'],
  ...['rkt-metadata.socket', 'rkt-metadata.service'],
] as const;

/** Files of the installation whose names do not follow from folders, what others need first. Those of `share` come after. */
export const FILES: readonly string[] = [
  ...['lib/pause', 'lib/nodev', 'lib/sys.node', 'bin/ocicat'],
  ...PLUGINS.map((name) => `cni/${name}`),
  ...[...UNITS, '10-ocicat.conf', 'calico-node.env'].map((name) => `system/${name}`),
];

const isProgram = (file: string) => /^(bin|cni|lib\/(pause|nodev)$)/.test(file);

/** Nothing of it has ever a right that its caller has not. Passwords may be written into settings. */
export function modeOf(file: string): number {
  if (isProgram(file)) return 0o755;
  return file.endsWith('.env') ? 0o600 : 0o644;
}

/** Files that others look for in a folder of theirs. */
export interface Placement {
  /** A folder below the installation. */
  readonly source: string;
  readonly names: readonly string[];
  /** The file that all of the names stand for; undefined where each stands for its own. */
  readonly file?: string;
  readonly folder: string;
  /** `copy`: a file that its reader takes only whole; `default`: a copy where none is yet, which is the administrator's. */
  readonly manner: 'link' | 'copy' | 'default';
  /** Nobody looks there unless somebody else has made the folder. */
  readonly isOfOthers?: boolean;
  /** The folder in which Debian's package has the files; undefined where it has none. */
  readonly packaged: string | undefined;
}

const SETTINGS_OF_NETWORK_MANAGER = '/usr/lib/NetworkManager/conf.d';

export const PLACEMENTS: readonly Placement[] = [
  { source: 'bin', names: PROGRAMS, folder: '/usr/bin', manner: 'link', packaged: '/usr/bin' },
  // rkt, containerd, CRI-O, Nomad, podman. A package has no files in /opt (FHS 3.0, 3.13): its script makes the links.
  { source: 'cni', names: PLUGINS, folder: '/opt/cni/bin', manner: 'link', packaged: undefined },
  // podman and containerd as Debian has them
  { source: 'cni', names: PLUGINS, folder: '/usr/lib/cni', manner: 'link', isOfOthers: true, packaged: '/usr/lib/cni' },
  // podman, containerd and CRI-O as Fedora has them
  { source: 'cni', names: PLUGINS, folder: '/usr/libexec/cni', manner: 'link', isOfOthers: true, packaged: undefined },
  // podman 5 and later: the drivers of its networks
  {
    ...{ source: 'cni', names: ['calico', 'ocicat'], file: 'calico', manner: 'link' },
    ...{ folder: '/usr/libexec/netavark', packaged: '/usr/libexec/netavark' },
  },
  {
    ...{ source: 'system', names: ['10-ocicat.conf'], manner: 'link' },
    ...{ folder: SETTINGS_OF_NETWORK_MANAGER, packaged: SETTINGS_OF_NETWORK_MANAGER },
  },
  {
    ...{ source: 'system', names: UNITS, manner: 'copy' },
    ...{ folder: '/etc/systemd/system', packaged: '/lib/systemd/system' },
  },
  { source: 'system', names: ['calico-node.env'], folder: '/etc/calico', manner: 'default', packaged: '/etc/calico' },
];

/** Pages of the manual and completions, which have the same folders below it as below `share`. */
export const SHARE_DIRECTORY = '/usr/share';

/** Folders that are made for the administrator's files; they stay where there are any. */
export const CONFIGURATION_DIRECTORIES = [
  '/etc/rkt/net.d',
  '/etc/rkt',
  '/etc/calico',
  '/etc/cni/net.d',
  '/etc/cni',
] as const;
