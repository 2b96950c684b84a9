// Platforms: which of an index's images fits this machine, and what rkt calls an architecture.
import { OcicatError } from '../../base/errors.ts';
import type { IndexEntry, Platform } from './manifest.ts';

/** Node's name of an architecture → the registries' (Go's), with the variants that run here, best first. */
const hostArchitectures: Readonly<Record<string, readonly (readonly [string, string | undefined])[]>> = {
  x64: [['amd64', undefined]],
  arm64: [
    ['arm64', 'v8'],
    ['arm64', undefined],
  ],
  arm: [
    ['arm', 'v7'],
    ['arm', 'v6'],
    ['arm', undefined],
  ],
  ia32: [['386', undefined]],
  ppc64: [['ppc64le', undefined]],
};

/**
 * The image for linux on a machine (`process.arch`), or undefined. Entries without a platform fit when there is no other.
 */
export function choosePlatform(entries: readonly IndexEntry[], machine: string): IndexEntry | undefined {
  for (const [architecture, variant] of hostArchitectures[machine] ?? []) {
    const fitting = entries.find(
      ({ platform }) =>
        platform?.os === 'linux' &&
        platform.architecture === architecture &&
        (variant === undefined || platform.variant === variant),
    );
    if (fitting !== undefined) return fitting;
  }
  const only = entries[0];
  return entries.length === 1 && only?.platform === undefined ? only : undefined;
}

/** Every platform of an index, for a message. */
export function formatPlatforms(entries: readonly IndexEntry[]): string {
  const names = entries.map(({ platform }) => (platform === undefined ? 'unknown' : formatPlatform(platform)));
  return [...new Set(names)].join(', ') || 'none';
}

/** `linux/arm/v7`. */
function formatPlatform(platform: Platform): string {
  const { os, architecture, variant } = platform;
  return variant === undefined ? `${os}/${architecture}` : `${os}/${architecture}/${variant}`;
}

/** What rkt runs, by its own names (rkt v1.30.0, rkt/image/common.go). */
const runnable = ['amd64', 'i386', 'aarch64', 'aarch64_be', 'armv6l', 'armv7l', 'armv7b', 'ppc64le'];

const rktNames: Readonly<Record<string, string>> = {
  '386': 'i386',
  arm64: 'aarch64',
  arm64be: 'aarch64_be',
  arm: 'armv7l',
  'arm/v6': 'armv6l',
  'arm/v7': 'armv7l',
};

/** The labels `os` and `arch` as rkt names them. Throws `unsupported` with rkt's message for what does not run. */
export function computePlatformLabels(platform: Platform): { readonly os: string; readonly arch: string } {
  const { os, architecture, variant } = platform;
  if (os !== 'linux') throw new OcicatError('unsupported', `bad os "${os}" (must be one of: linux)`);
  const arch = rktNames[`${architecture}/${variant}`] ?? rktNames[architecture] ?? architecture;
  if (runnable.includes(arch)) return { os, arch };
  throw new OcicatError('unsupported', `bad arch "${architecture}" for linux (must be one of: ${runnable.join(', ')})`);
}
