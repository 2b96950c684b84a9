// Finding the program of an app inside its root file system, and what it needs to be executed.
import { lstatSync, readSync } from 'node:fs';
import { posix } from 'node:path';
import { OcicatError } from '../../base/errors.ts';
import * as libc from '../../sys/libc.ts';
import { type AppFiles, coveringMount, resolveInApp } from './app-files.ts';
import { findInterpreter } from './interpreter.ts';
import { statInRoot, tryOpenInRoot } from './root-tree.ts';

export type ExecLookup =
  | { readonly kind: 'found'; readonly path: string }
  /** A path that leads nowhere: the app ends with status 203, as in rkt. `reason` says why. */
  | { readonly kind: 'unusable'; readonly path: string; readonly reason: string };

/** Status of an app whose program cannot be executed. Source: systemd.exec(5), EXIT_EXEC. */
export const EXEC_FAILED_STATUS = 203;

function unusable(path: string, reason: string): ExecLookup {
  return { kind: 'unusable', path, reason: `Error: ${reason}` };
}

function cannotOpen(path: string, missing: string): ExecLookup {
  return unusable(path, `Unable to open "${missing}": No such file or directory`);
}

/** A script names its interpreter in the first line, an ELF file its loader in the first page. */
const HEAD_BYTES = 4096;

function readHead(rootFd: number, path: string): Uint8Array {
  const fd = tryOpenInRoot(rootFd, path, libc.O_RDONLY | libc.O_NONBLOCK);
  if (fd === undefined) return new Uint8Array(0);
  try {
    const head = new Uint8Array(HEAD_BYTES);
    return head.subarray(0, readSync(fd, head));
  } finally {
    libc.close(fd);
  }
}

/** Whether there is a program; one in a volume counts if its name is there, as its links may lead out of the volume. */
function isProgram(files: AppFiles, path: string): boolean {
  const covering = coveringMount(files, resolveInApp(files, path));
  if (covering !== undefined) {
    return lstatSync(posix.join(covering.mount.source, covering.below), { throwIfNoEntry: false }) !== undefined;
  }
  const stats = statInRoot(files.rootFd, path);
  return stats?.isFile() === true && (Number(stats.mode) & 0o111) !== 0;
}

function check(files: AppFiles, path: string): ExecLookup {
  const { rootFd } = files;
  if (coveringMount(files, path) !== undefined) return { kind: 'found', path };
  const stats = statInRoot(rootFd, path);
  if (stats === undefined) return cannotOpen(path, path);
  if (!stats.isFile()) return unusable(path, `"${path}" is not a regular file`);
  if ((Number(stats.mode) & 0o111) === 0) return unusable(path, `"${path}" is not executable`);
  const interpreter = findInterpreter(readHead(rootFd, path));
  if (interpreter === undefined || coveringMount(files, interpreter) !== undefined) return { kind: 'found', path };
  return statInRoot(rootFd, interpreter) === undefined ? cannotOpen(path, interpreter) : { kind: 'found', path };
}

/**
 * `program` is absolute, relative to the working directory when it has a slash, else searched in `PATH` of `environment`
 * (or in the working directory, /bin and /usr/bin without one). Throws `not-found` when a search finds nothing.
 */
export function lookUpExec(
  files: AppFiles,
  program: string,
  directory: string,
  environment: readonly string[],
): ExecLookup {
  if (program.includes('/')) return check(files, posix.resolve(directory, program));
  const path = environment.find((entry) => entry.startsWith('PATH='))?.slice('PATH='.length);
  const searched = path === undefined ? [directory, '/bin', '/usr/bin'] : path.split(':').filter((dir) => dir !== '');
  for (const dir of searched) {
    const candidate = posix.resolve(directory, dir, program);
    if (isProgram(files, candidate)) return check(files, candidate);
  }
  const where = searched.join(':');
  throw new OcicatError('not-found', `error looking up "${program}": unable to find "${program}" in "${where}"`);
}
