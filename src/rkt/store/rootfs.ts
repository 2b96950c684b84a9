// The root file system of an app: the image's layers below, what the app writes above.
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isOcicatError, OcicatError } from '../../base/errors.ts';
import { parseDocument } from '../../schema/parse.ts';
import { text } from '../../schema/scalars.ts';
import { list } from '../../schema/schema.ts';
import * as libc from '../../sys/libc.ts';

/** Below the pod's directory: everything of one app. */
export function appPath(podPath: string, app: string): string {
  return join(podPath, 'apps', app);
}

/** Where the app's root file system is mounted, in the runner's mount namespace only. */
function rootfsPath(podPath: string, app: string): string {
  return join(appPath(podPath, app), 'rootfs');
}

/** Names of the apps that the pod's directory holds something of. */
export function appNames(podPath: string): readonly string[] {
  try {
    return readdirSync(join(podPath, 'apps'));
  } catch {
    return [];
  }
}

/** Writes which layers an app is made of, top-most first; images may be forgotten while the pod lives. */
export function writeLayers(podPath: string, app: string, layers: readonly string[]): void {
  mkdirSync(appPath(podPath, app), { recursive: true, mode: 0o750 });
  writeFileSync(join(appPath(podPath, app), 'layers'), JSON.stringify(layers));
}

const paths = list(text({ wanted: 'an absolute path', pattern: /^\// }), { maxItems: 1000 });

/** Top-most first. Throws when the file is missing or damaged. */
export function readLayers(podPath: string, app: string): readonly string[] {
  const path = join(appPath(podPath, app), 'layers');
  return parseDocument(`layers "${path}"`, readFileSync(path, 'utf8'), paths, 'open');
}

/**
 * Short names for the layers: the kernel takes one page of mount options, which some dozens of full paths overflow, and
 * it takes `:` and `,` in a path for its own.
 */
function linkLayers(directory: string, layers: readonly string[]): string {
  mkdirSync(join(directory, 'l'), { mode: 0o700 });
  layers.forEach((layer, index) => {
    symlinkSync(layer, join(directory, 'l', String(index)));
  });
  return layers.map((_, index) => `l/${index}`).join(':');
}

function mountOverlay(target: string, options: string): void {
  try {
    libc.mount('overlay', target, 'overlay', libc.MS_NODEV, `${options},volatile`);
  } catch (error) {
    // Before Linux 5.10 there is no `volatile`, which spares syncing the disk when the pod ends.
    if (!isOcicatError(error, 'kernel') || error.errno !== libc.EINVAL) throw error;
    libc.mount('overlay', target, 'overlay', libc.MS_NODEV, options);
  }
}

/** Mounts the app's root file system and returns its path. The calling thread must have its own mount namespace. */
export function mountRootfs(podPath: string, app: string): string {
  const directory = appPath(podPath, app);
  const target = rootfsPath(podPath, app);
  for (const name of ['upper', 'work', 'rootfs']) mkdirSync(join(directory, name), { mode: 0o755 });
  const lower = linkLayers(directory, readLayers(podPath, app));
  const home = libc.open('.', libc.O_PATH | libc.O_DIRECTORY | libc.O_CLOEXEC);
  try {
    libc.chdir(directory);
    mountOverlay(target, `lowerdir=${lower},upperdir=upper,workdir=work`);
  } catch (cause) {
    throw new OcicatError('kernel', `mount the root file system of app "${app}"`, { cause });
  } finally {
    libc.chdir(`/proc/self/fd/${home}`);
    libc.close(home);
  }
  return target;
}
