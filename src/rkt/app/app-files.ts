// What an app will see: its root file system and what is mounted on it, before anything of that is mounted.
import * as libc from '../../sys/libc.ts';
import type { OciMount } from './oci-spec.ts';
import { readLinkInRoot, resolveInRoot, resolvePath } from './root-tree.ts';

export interface AppFiles {
  readonly rootFd: number;
  /** Destinations are paths without links. */
  readonly mounts: readonly OciMount[];
}

/** A mount, and a path below it. */
export interface Covering {
  readonly mount: OciMount;
  readonly below: string;
}

function tryCover(files: AppFiles, real: string): Covering | undefined {
  const mount = files.mounts.findLast(({ destination }) => real === destination || real.startsWith(`${destination}/`));
  return mount === undefined ? undefined : { mount, below: real.slice(mount.destination.length + 1) };
}

/** The mount that covers a path; undefined for a path of the root file system. */
export function coveringMount(files: AppFiles, path: string): Covering | undefined {
  return tryCover(files, resolveInRoot(files.rootFd, path));
}

/** Reads a link of a volume; its directory is a path without links. */
function readLinkInVolume({ mount, below }: Covering, name: string): string | undefined {
  const sourceFd = libc.open(mount.source, libc.O_PATH | libc.O_CLOEXEC);
  try {
    return readLinkInRoot(sourceFd, `/${below}`, name);
  } finally {
    libc.close(sourceFd);
  }
}

/** As resolveInRoot, with the links of volumes followed as well. Throws `invalid` after 40 links. */
export function resolveInApp(files: AppFiles, path: string): string {
  return resolvePath(path, (directory, name) => {
    const covering = tryCover(files, directory);
    return covering === undefined ? readLinkInRoot(files.rootFd, directory, name) : readLinkInVolume(covering, name);
  });
}
