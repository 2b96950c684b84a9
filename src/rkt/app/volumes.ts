// From a pod's volumes to the mounts of one app.
import { chmodSync, chownSync, mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { OcicatError } from '../../base/errors.ts';
import * as libc from '../../sys/libc.ts';
import { systemEnvironment, systemProgram } from '../../sys/programs.ts';
import { cleanTarget, type Volume } from '../options/volume.ts';
import type { PodApp, PodManifest } from '../store/pod-manifest.ts';
import type { OciMount } from './oci-spec.ts';
import { resolveInRoot, tryOpenInRoot } from './root-tree.ts';

export interface AppMount {
  readonly volume: Volume;
  /** Inside the app. */
  readonly target: string;
  /** A volume that nobody named: it begins with what the image has at the target. */
  readonly implicit: boolean;
}

/**
 * The app's mounts: those asked for, then a volume named like the image's mount point, then an empty volume of its own for
 * each mount point that is left. Throws `not-found` for a mount without its volume. Source: rkt v1.30.0,
 * stage1/init/common/mount.go.
 */
export function computeAppMounts(manifest: PodManifest, app: PodApp): readonly AppMount[] {
  const volumes = new Map(manifest.volumes.map((volume) => [volume.name, volume]));
  const asked = app.mounts.map(({ volume: name, path }): AppMount => {
    const volume = volumes.get(name);
    if (volume !== undefined) return { volume, target: path, implicit: false };
    throw new OcicatError('invalid', `dangling mount point "${path}": volume "${name}" not found`);
  });
  const taken = new Set(asked.map((mount) => cleanTarget(mount.target)));
  const wanted = app.app.mountPoints.filter((point) => !taken.has(cleanTarget(point.path)));
  return [
    ...asked,
    ...wanted.map(({ name, path }): AppMount => {
      const volume = volumes.get(name);
      if (volume !== undefined) return { volume, target: cleanTarget(path), implicit: false };
      const own: Volume = {
        kind: 'empty',
        name: `${app.name}-${name}`,
        readOnly: undefined,
        mode: 0o755,
        uid: 0,
        gid: 0,
      };
      return { volume: own, target: cleanTarget(path), implicit: true };
    }),
  ];
}

/** Throws `invalid` when two of the pod's volumes have one name, those that nobody named included. */
export function refuseDuplicateVolumes(manifest: PodManifest): void {
  const implicit = manifest.apps.flatMap((app) => computeAppMounts(manifest, app).filter((mount) => mount.implicit));
  const seen = new Set<string>();
  for (const { name } of [...manifest.volumes, ...implicit.map(({ volume }) => volume)]) {
    if (seen.has(name)) throw new OcicatError('invalid', `duplicate volume name "${name}"`);
    seen.add(name);
  }
}

/**
 * Fills an implicit volume with the image's content at its target, owners and modes with it. False if there is none. The
 * directory is empty: cp(1) writes through links that it finds.
 */
function copyImageContent(rootFd: number, target: string, directory: string): boolean {
  const source = tryOpenInRoot(rootFd, target, libc.O_RDONLY | libc.O_DIRECTORY);
  if (source === undefined) return false;
  try {
    const copy = Bun.spawnSync([systemProgram('cp'), '-a', '--', '/proc/self/fd/3/.', directory], {
      env: systemEnvironment,
      stdio: ['ignore', 'ignore', 'pipe', source],
    });
    if (copy.exitCode !== 0) {
      throw new OcicatError(
        'unavailable',
        `fill volume at "${target}": ${copy.stderr?.toString().trim() ?? 'cp failed'}`,
      );
    }
    return true;
  } finally {
    libc.close(source);
  }
}

type EmptyVolume = Extract<Volume, { kind: 'empty' }>;

function volumePath(podPath: string, volume: EmptyVolume): string {
  return join(podPath, 'sharedVolumes', volume.name);
}

/** Throws when there is one of the name. */
function makeEmptyVolume(podPath: string, volume: EmptyVolume): void {
  const path = volumePath(podPath, volume);
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  mkdirSync(path);
  chownSync(path, volume.uid, volume.gid);
  chmodSync(path, volume.mode);
}

/** Path on the host of what is mounted, made and filled if need be. Throws `not-found` when a host's path is missing. */
export function prepareSource(podPath: string, rootFd: number, mount: AppMount, warn: (line: string) => void): string {
  const { volume, target } = mount;
  if (volume.kind === 'host') {
    if (statSync(volume.source, { throwIfNoEntry: false }) !== undefined) return volume.source;
    throw new OcicatError('not-found', `Failed to stat ${volume.source}: No such file or directory`);
  }
  const path = volumePath(podPath, volume);
  if (mount.implicit || statSync(path, { throwIfNoEntry: false }) === undefined) makeEmptyVolume(podPath, volume);
  if (mount.implicit) {
    const removed = 'This volume will be removed when the pod is garbage-collected.';
    warn(`warning: no volume specified for mount point "${target}", implicitly creating an "empty" volume. ${removed}`);
    if (copyImageContent(rootFd, target, path)) {
      warn(
        `warning: Docker converted image, initializing implicit volume with data contained at the mount point "${target}".`,
      );
    }
  }
  return path;
}

/**
 * The bind mount of a volume, links in its target resolved inside the root. Device nodes count only where the source
 * itself is one.
 */
export function computeBind(rootFd: number, mount: AppMount, source: string): OciMount {
  const { volume, target } = mount;
  const stats = statSync(source);
  const isDevice = stats.isCharacterDevice() || stats.isBlockDevice();
  const recursive = volume.kind === 'empty' || (volume.recursive ?? true);
  const readOnly = volume.readOnly ?? false;
  const access = readOnly ? (recursive ? ['ro', 'rro'] : ['ro']) : ['rw'];
  // crun binds recursively as soon as any option says so, the propagation too.
  const kind = recursive ? ['rbind', 'rslave'] : ['bind', 'slave'];
  const options = [...kind, ...access, ...(isDevice ? [] : ['nodev'])];
  return { destination: resolveInRoot(rootFd, target), type: 'bind', source, options };
}
