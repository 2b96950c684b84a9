// Which files of the pod an app finds in its /etc.
import type { OciMount } from './oci-spec.ts';
import { resolveInRoot, statInRoot } from './root-tree.ts';

/** Files of the pod that its apps share and may write. */
export interface EtcFiles {
  /** undefined leaves each image its own. */
  readonly resolvConf: string | undefined;
  /** `replaces`: also where the image has a file of its own. */
  readonly hosts: { readonly path: string; readonly replaces: boolean };
}

/** Follows the pod's host name; like every file of /proc it is root's, with mode 0644. Mounted read-only: it is the host's /proc. */
export const HOSTNAME_FILE = '/proc/sys/kernel/hostname';

/** Binds the files over the image's own, links resolved inside the root. A volume on the same path wins. */
export function computeEtcMounts(
  rootFd: number,
  volumes: readonly OciMount[],
  files: EtcFiles,
  hostname: string | undefined,
): readonly OciMount[] {
  const { resolvConf, hosts } = files;
  const wanted = [
    { path: '/etc/hostname', source: hostname, replaces: true, access: 'ro' },
    { path: '/etc/resolv.conf', source: resolvConf, replaces: true, access: 'rw' },
    { path: '/etc/hosts', source: hosts.path, replaces: hosts.replaces, access: 'rw' },
  ];
  return wanted.flatMap(({ path, source, replaces, access }): readonly OciMount[] => {
    const destination = resolveInRoot(rootFd, path);
    const taken = volumes.some((volume) => volume.destination === destination);
    if (source === undefined || taken) return [];
    if (!replaces && statInRoot(rootFd, destination) !== undefined) return [];
    return [{ source, destination, type: 'bind', options: ['bind', access, 'nosuid', 'nodev', 'noexec'] }];
  });
}
