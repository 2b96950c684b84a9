// Finding the program of an app inside its root file system.
import { posix } from 'node:path';
import { OcicatError } from '../base/errors.ts';
import { statInRoot } from './root-tree.ts';

export type ExecLookup =
  | { readonly kind: 'found'; readonly path: string }
  /** An absolute path that leads nowhere: the app ends with status 203, as in rkt. `words` say why. */
  | { readonly kind: 'unusable'; readonly path: string; readonly words: string };

/** Status of an app whose program cannot be executed. Source: systemd.exec(5), EXIT_EXEC. */
export const EXEC_FAILED_STATUS = 203;

function check(rootFd: number, path: string): ExecLookup {
  const stats = statInRoot(rootFd, path);
  if (stats === undefined) return unusable(path, `Unable to open "${path}": No such file or directory`);
  if (!stats.isFile()) return unusable(path, `"${path}" is not a regular file`);
  if ((Number(stats.mode) & 0o111) === 0) return unusable(path, `"${path}" is not executable`);
  return { kind: 'found', path };
}

function unusable(path: string, words: string): ExecLookup {
  return { kind: 'unusable', path, words: `Error: ${words}` };
}

/**
 * `program` is absolute, relative to the working directory when it has a slash, else searched in `PATH` of `environment`
 * (or in the working directory, /bin and /usr/bin without one). Throws `not-found` when a search finds nothing.
 */
export function lookUpExec(
  rootFd: number,
  program: string,
  directory: string,
  environment: readonly string[],
): ExecLookup {
  if (program.includes('/')) return check(rootFd, posix.resolve(directory, program));
  const path = environment.find((entry) => entry.startsWith('PATH='))?.slice('PATH='.length);
  const searched = path === undefined ? [directory, '/bin', '/usr/bin'] : path.split(':').filter((dir) => dir !== '');
  for (const dir of searched) {
    const found = check(rootFd, posix.resolve(directory, dir, program));
    if (found.kind === 'found') return found;
  }
  const where = searched.join(':');
  throw new OcicatError('not-found', `error looking up "${program}": unable to find "${program}" in "${where}"`);
}
