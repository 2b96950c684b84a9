// The system programs that pods are made with.
import { OcicatError } from '../base/errors.ts';

/** Not the caller's PATH: these run as root. */
export const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Absolute path of a program. Throws `not-found`. */
export function systemProgram(name: string): string {
  const path = Bun.which(name, { PATH: SYSTEM_PATH, cwd: '/' });
  if (path === null) throw new OcicatError('not-found', `program "${name}": not installed, wanted in ${SYSTEM_PATH}`);
  return path;
}

/** The environment that system programs get. */
export const systemEnvironment: Readonly<Record<string, string>> = { PATH: SYSTEM_PATH, LC_ALL: 'C' };
