// The device nodes of a pod: its own, because who may change a node's mode or owner would do so for the whole host.
import { mkdirSync, type Stats, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as libc from '../../sys/libc.ts';

/** Devices of an app where the host has them, below /dev. */
const NAMES: readonly string[] = ['null', 'zero', 'full', 'random', 'urandom', 'tty', 'net/tun'];

/** A node that apps get. */
export interface Device {
  /** Below /dev. */
  readonly name: string;
  /** Path of the pod's node, in the runner's mount namespace. */
  readonly source: string;
}

const S_IFCHR = 0o020000;
const EVERYBODY = 0o666;

function tryStatDevice(name: string): Stats | undefined {
  const stats = statSync(`/dev/${name}`, { throwIfNoEntry: false });
  return stats?.isCharacterDevice() ? stats : undefined;
}

/** Makes the nodes in a file system of their own, which the caller's mount namespace alone has. */
export function makeDevices(podPath: string): readonly Device[] {
  const directory = join(podPath, 'dev');
  mkdirSync(directory, { mode: 0o700 });
  libc.mount('dev', directory, 'tmpfs', libc.MS_NOSUID | libc.MS_NOEXEC, 'mode=755,size=64k,nr_inodes=32');
  return NAMES.flatMap((name): readonly Device[] => {
    const stats = tryStatDevice(name);
    if (stats === undefined) return [];
    const source = join(directory, name);
    mkdirSync(dirname(source), { recursive: true, mode: 0o755 });
    libc.mknod(source, S_IFCHR | EVERYBODY, stats.rdev);
    return [{ name, source }];
  });
}
