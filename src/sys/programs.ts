// The programs of others that this one runs: the Debian packages that they are in, and where those are that root runs.
import { OcicatError } from '../base/errors.ts';

export const PACKAGES = {
  bird: 'bird2',
  etcd: 'etcd-server',
  setpriv: 'util-linux',
  bwrap: 'bubblewrap',
  crun: 'crun',
  'wireguard-go': 'wireguard-go',
} as const;

export type ProgramName = keyof typeof PACKAGES;

/** What to say of a program that is not there. */
export function describeMissing(name: ProgramName): string {
  return `program "${name}": not installed (Debian has it in the package ${PACKAGES[name]})`;
}

export function isInstalled(name: ProgramName, path = process.env.PATH ?? ''): boolean {
  return Bun.which(name, { PATH: path, cwd: '/' }) !== null;
}

/** Throws `not-found`, with every one of them that is missing. */
export function requirePrograms(what: string, names: readonly ProgramName[]): void {
  const missing = names.filter((name) => !isInstalled(name));
  if (missing.length > 0) throw new OcicatError('not-found', `${what}: ${missing.map(describeMissing).join('; ')}`);
}

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
