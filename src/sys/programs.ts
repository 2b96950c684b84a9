// The programs of others that this one runs, and the Debian packages that they are in.
import { OcicatError } from '../base/errors.ts';

export const PACKAGES = {
  bird: 'bird2',
  etcd: 'etcd-server',
  setpriv: 'util-linux',
  bwrap: 'bubblewrap',
  crun: 'crun',
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
