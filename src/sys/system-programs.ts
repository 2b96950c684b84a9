// The system programs that pods are made with.
import { OcicatError } from '../base/errors.ts';
import { describeMissing, PACKAGES, type ProgramName } from './programs.ts';

/** Not the caller's PATH: these run as root. */
export const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

const isKnown = (name: string): name is ProgramName => name in PACKAGES;

/** Absolute path of a program. Throws `not-found`. */
export function systemProgram(name: string): string {
  const path = Bun.which(name, { PATH: SYSTEM_PATH, cwd: '/' });
  if (path !== null) return path;
  const missing = isKnown(name) ? describeMissing(name) : `program "${name}": not installed`;
  throw new OcicatError('not-found', `${missing}, wanted in ${SYSTEM_PATH}`);
}

/** The environment that system programs get. */
export const systemEnvironment: Readonly<Record<string, string>> = { PATH: SYSTEM_PATH, LC_ALL: 'C' };
