// The fly flavour: one app that shares everything with the host but its root directory, executed in place of the runner.
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { OcicatError } from '../../base/errors.ts';
import * as libc from '../../sys/libc.ts';
import { type ReadyApp, readyApp, supplementaryGids } from '../app/app-bundle.ts';
import { appIsolators } from '../app/app-isolators.ts';
import { computeEtcMounts } from '../app/etc-mounts.ts';
import type { OciMount } from '../app/oci-spec.ts';
import { ensureDirectoryInRoot, ensureFileInRoot, resolveInRoot, tryOpenInRoot } from '../app/root-tree.ts';
import { shareNetnsDirectory } from '../network/pod-netns.ts';
import type { PodApp } from '../store/pod-manifest.ts';
import { writeEtcFiles } from './etc-files.ts';
import { enterPrivateMounts } from './mount-space.ts';
import { type Start, warnStart } from './start.ts';

function refuse(what: string): never {
  throw new OcicatError('unsupported', `flavour fly: ${what}`);
}

/** Everything that fly cannot give is refused by name; nothing that was asked for is dropped. */
function theOnlyApp(start: Start): PodApp {
  const { options, manifest } = start;
  const [app, second] = manifest.apps;
  if (app === undefined) throw new OcicatError('invalid', 'pod must contain at least one application');
  if (second !== undefined) refuse('only supports 1 application per Pod');
  if (options.hasNetFlag && options.net.kind !== 'host') refuse('shares the network of the host, wanted --net=host');
  if (options.hostname !== undefined) refuse('shares the host name, --hostname cannot be set');
  if (options.mdsRegister) refuse('has no metadata service, --mds-register cannot be set');
  if (options.ownIpc === true) refuse('shares the IPC namespace, --ipc=private cannot be set');
  const { capabilities, limited, oomScoreAdj } = appIsolators(app);
  if (capabilities.kind !== 'default') refuse('cannot restrict capabilities');
  if (limited || oomScoreAdj !== 0) refuse('cannot limit memory, processor time or processes');
  if (app.readOnlyRootFS) refuse('cannot make the root file system read-only');
  return app;
}

/** Binds `source` on a path of the app, which is made if it is missing; links on the way stay inside the root. */
function bindInto(ready: ReadyApp, mount: OciMount): void {
  const { source } = mount;
  const destination = resolveInRoot(ready.rootFd, mount.destination);
  if (statSync(source).isDirectory()) ensureDirectoryInRoot(ready.rootFd, destination);
  else ensureFileInRoot(ready.rootFd, destination);
  withTarget(ready, destination, (target) => {
    const recursive = mount.options.includes('rbind') ? libc.MS_REC : 0;
    libc.mount(source, target, null, libc.MS_BIND | recursive);
  });
  // Only a second call makes a bind mount read-only, and it takes the path anew: the first one covers the old target.
  if (!mount.options.includes('ro')) return;
  withTarget(ready, destination, (target) => {
    libc.mount('', target, null, libc.MS_BIND | libc.MS_REMOUNT | libc.MS_RDONLY);
  });
}

function withTarget(ready: ReadyApp, destination: string, work: (target: string) => void): void {
  const fd = tryOpenInRoot(ready.rootFd, destination, libc.O_PATH);
  if (fd === undefined) throw new OcicatError('not-found', `mount on "${destination}": not in the image`);
  try {
    work(`/proc/self/fd/${fd}`);
  } finally {
    libc.close(fd);
  }
}

function wholeTree(path: string): OciMount {
  return { source: path, destination: path, type: 'bind', options: ['rbind'] };
}

function mountTmp(ready: ReadyApp): void {
  withTarget(ready, '/tmp', (target) => {
    libc.mount('tmpfs', target, 'tmpfs', libc.MS_NOSUID | libc.MS_NODEV, 'mode=1777');
  });
}

/** Namespaces that pods get later must appear in an app that was given their directory, or a directory above it. */
function shareVolumes(start: Start): void {
  const above = new Set(['/', '/run', '/var', '/var/run', '/run/netns', '/var/run/netns']);
  const { volumes } = start.manifest;
  if (volumes.some((volume) => volume.kind === 'host' && above.has(volume.source))) shareNetnsDirectory();
}

function enterRoot(ready: ReadyApp): void {
  libc.chdir(ready.rootfs);
  libc.chroot('.');
  libc.chdir(ready.workingDirectory);
  libc.setgroups(supplementaryGids(ready));
  libc.setgid(ready.identity.gid);
  libc.setuid(ready.identity.uid);
}

/** The app gets its standard streams and the pod's lock, and nothing that the caller had open besides. */
function sealDescriptors(lockFd: number): void {
  const open = readdirSync('/proc/self/fd').map(Number);
  for (const fd of open.filter((fd) => fd > 2 && existsSync(`/proc/self/fd/${fd}`))) {
    libc.setInheritable(fd, fd === lockFd);
  }
}

/** Replaces this process by the app; returns only by throwing. What was mounted is the process's own and goes with it. */
export function startFly(start: Start): never {
  const app = theOnlyApp(start);
  const { pod } = start;
  shareVolumes(start);
  enterPrivateMounts();
  const ready = readyApp(pod.path, start.manifest, app, (line) => warnStart(start, line));
  if (ready.lookup.kind === 'unusable') throw new OcicatError('not-found', ready.lookup.reason);
  const etc = computeEtcMounts(ready.rootFd, ready.mounts, writeEtcFiles(start, undefined), undefined);
  mountTmp(ready);
  for (const mount of [wholeTree('/dev'), wholeTree('/proc'), wholeTree('/sys'), ...etc, ...ready.mounts]) {
    bindInto(ready, mount);
  }
  writeFileSync(join(pod.path, 'pid'), String(process.pid));
  sealDescriptors(pod.lockFd);
  enterRoot(ready);
  libc.execve(ready.lookup.path, [ready.lookup.path, ...app.app.exec.slice(1)], [...ready.environment]);
}
