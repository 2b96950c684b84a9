// Kernel settings under /proc/sys, of this network namespace or of a pod's.
import { readFileSync } from 'node:fs';
import { OcicatError } from '../base/errors.ts';
import * as libc from './libc.ts';

/** `name` is the path below /proc/sys, `net/ipv4/ip_forward`. */
export interface Sysctl {
  readonly name: string;
  readonly value: string;
  /** Leave it when the kernel has no such setting (IPv6 switched off, a driver without the feature). */
  readonly optional?: boolean;
}

function pathOf(name: string): string {
  return `/proc/sys/${name}`;
}

function tryOpen(sysctl: Sysctl, netnsFd: number | undefined): number | undefined {
  const [path, flags] = [pathOf(sysctl.name), libc.O_WRONLY | libc.O_CLOEXEC];
  try {
    return netnsFd === undefined ? libc.open(path, flags) : libc.openIn(netnsFd, path, flags);
  } catch (error) {
    if (sysctl.optional && error instanceof OcicatError && error.errno === libc.ENOENT) return undefined;
    throw error;
  }
}

function openAll(sysctls: readonly Sysctl[], netnsFd: number | undefined): readonly (number | undefined)[] {
  const fds: (number | undefined)[] = [];
  try {
    for (const sysctl of sysctls) fds.push(tryOpen(sysctl, netnsFd));
    return fds;
  } catch (error) {
    closeAll(fds);
    throw error;
  }
}

function closeAll(fds: readonly (number | undefined)[]): void {
  for (const fd of fds) if (fd !== undefined) libc.close(fd);
}

function write(fd: number, { name, value }: Sysctl): void {
  try {
    libc.write(fd, new TextEncoder().encode(value));
  } catch (cause) {
    throw new OcicatError('kernel', `set "${pathOf(name)}" to ${value}: refused`, { cause });
  }
}

/**
 * Writes the settings in order; throws `kernel` at the first that is missing (and not optional) or refused.
 * In a pod's namespace only the opening happens inside: an open setting stays that namespace's.
 */
export function applySysctls(sysctls: readonly Sysctl[], netnsFd?: number): void {
  const fds = openAll(sysctls, netnsFd);
  try {
    for (const [i, sysctl] of sysctls.entries()) {
      const fd = fds[i];
      if (fd !== undefined) write(fd, sysctl);
    }
  } finally {
    closeAll(fds);
  }
}

/** The setting without its newline, of the calling thread's namespace; undefined when the kernel has no such setting. */
export function tryReadSysctl(name: string): string | undefined {
  try {
    return readFileSync(pathOf(name), 'utf8').trim();
  } catch {
    return undefined;
  }
}
