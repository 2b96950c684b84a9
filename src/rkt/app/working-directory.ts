// The working directory of an app: a place in what the app sees, never one that the kernel makes up.
import { OcicatError } from '../../base/errors.ts';
import { type AppFiles, coveringMount, resolveInApp } from './app-files.ts';
import { ensureDirectoryInRoot } from './root-tree.ts';

/**
 * Below these are links that lead wherever a process is, whatever their text says: /proc/PID/cwd, /dev/fd. The runtime
 * changes directory before it gives its rights up, so such a link would be followed with all of them. Source: proc(5).
 */
const MADE_UP = ['/proc', '/dev'];

/**
 * The directory as a path without links, made in the root file system where it is missing. Throws `invalid` for one that
 * leads into /proc or /dev.
 */
export function prepareWorkingDirectory(files: AppFiles, path: string): string {
  const real = resolveInApp(files, path);
  if (MADE_UP.some((top) => real.startsWith(`${top}/`))) {
    const leads = real === path ? '' : ` leads to "${real}" and`;
    throw new OcicatError(
      'invalid',
      `working directory "${path}":${leads} is not a directory of the image, wanted one outside of /proc and /dev (see --working-dir)`,
    );
  }
  if (coveringMount(files, real) === undefined) ensureDirectoryInRoot(files.rootFd, real);
  return real;
}
