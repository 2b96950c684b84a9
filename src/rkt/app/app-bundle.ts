// From an app of the manifest to a bundle that crun can run: root file system mounted, everything in it looked up.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { OcicatError } from '../../base/errors.ts';
import * as libc from '../../sys/libc.ts';
import { type Context, callersTerm } from '../cli/context.ts';
import { type CapabilityRule, computeCapabilities, namesOfCapabilities } from '../options/capabilities.ts';
import type { PodApp, PodManifest } from '../store/pod-manifest.ts';
import { appPath, mountRootfs } from '../store/rootfs.ts';
import { completeEnvironment } from './app-environment.ts';
import type { AppFiles } from './app-files.ts';
import { appIsolators } from './app-isolators.ts';
import type { Device } from './devices.ts';
import { computeEtcMounts, type EtcFiles, HOSTNAME_FILE } from './etc-mounts.ts';
import { type ExecLookup, lookUpExec } from './exec-lookup.ts';
import { type AppSpec, computeOciSpec, type OciMount } from './oci-spec.ts';
import { ensureDirectoryInRoot, ensureLinkInRoot, resolveInRoot } from './root-tree.ts';
import { type Identity, resolveIdentity } from './users.ts';
import { computeAppMounts, computeBind, prepareSource } from './volumes.ts';
import { prepareWorkingDirectory } from './working-directory.ts';

/** An app whose root file system is mounted and that only waits for its network. */
export interface ReadyApp {
  readonly app: PodApp;
  readonly rootFd: number;
  readonly rootfs: string;
  readonly identity: Identity;
  readonly environment: readonly string[];
  /** Without links. */
  readonly workingDirectory: string;
  readonly lookup: ExecLookup;
  readonly mounts: readonly OciMount[];
}

/** What every app may count on. Source: rkt v1.30.0, stage1/prepare-app/prepare-app.c. */
function furnish(rootFd: number): void {
  ensureDirectoryInRoot(rootFd, resolveInRoot(rootFd, '/tmp'), 0o1777);
  ensureDirectoryInRoot(rootFd, resolveInRoot(rootFd, '/etc'));
  ensureLinkInRoot(rootFd, '/etc/mtab', '../proc/self/mounts');
}

/** Mounts and looks up everything that does not depend on the network. The caller has its own mount namespace. */
export function readyApp(podPath: string, manifest: PodManifest, app: PodApp, warn: (line: string) => void): ReadyApp {
  const rootfs = mountRootfs(podPath, app.name);
  const rootFd = libc.open(rootfs, libc.O_PATH | libc.O_DIRECTORY | libc.O_CLOEXEC);
  const identity = resolveIdentity(rootFd, app.app.user, app.app.group);
  const environment = completeEnvironment(app.name, app.app.environment, identity.home);
  const [program = ''] = app.app.exec;
  furnish(rootFd);
  const mounts = computeAppMounts(manifest, app).map((mount) =>
    computeBind(rootFd, mount, prepareSource(podPath, rootFd, mount, warn)),
  );
  const files: AppFiles = { rootFd, mounts };
  const workingDirectory = prepareWorkingDirectory(files, app.app.workingDirectory);
  const lookup = lookUpExec(files, program, workingDirectory, environment);
  return { app, rootFd, rootfs, identity, environment, workingDirectory, lookup, mounts };
}

/** Those of the command line, else those that the image puts the user in. */
export function supplementaryGids({ app, identity }: ReadyApp): readonly number[] {
  return app.app.supplementaryGIDs ?? identity.groups;
}

/** What the pod gives to each of its apps. */
export interface PodSetting {
  readonly podPath: string;
  readonly namespaces: AppSpec['namespaces'];
  readonly etc: EtcFiles;
  readonly devices: readonly Device[];
  /** Size of the caller's terminal, which the app is to have the like of. */
  readonly terminal: AppSpec['terminal'];
  readonly metadataUrl: string | undefined;
}

/** A bounding set only takes away: what this process may not have, its apps may not either. */
function chooseCapabilities(context: Context, rule: CapabilityRule): readonly string[] {
  const own = /^CapBnd:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  const possible = namesOfCapabilities(own);
  if (context.lifted.has('capabilities')) return possible;
  return computeCapabilities(rule).filter((name) => possible.includes(name));
}

const CPU_DIR = '/sys/devices/system/cpu';

/** What Docker hides as well, since the processors' heat tells what others compute (CVE-2020-8694 and its kin). */
function observeSensors(): readonly string[] {
  const processors = readdirSync(CPU_DIR).filter((name) => /^cpu\d+$/.test(name));
  return processors.map((name) => join(CPU_DIR, name, 'thermal_throttle')).filter((path) => existsSync(path));
}

/**
 * With the kind of the caller's terminal, unless the image says another, and the pod's own metadata URL whatever it says.
 */
function environmentOf(context: Context, { environment }: ReadyApp, setting: PodSetting): readonly string[] {
  const { terminal, metadataUrl } = setting;
  const has = (name: string): boolean => environment.some((entry) => entry.startsWith(`${name}=`));
  const term = terminal === undefined || has('TERM') ? [] : [`TERM=${callersTerm(context)}`];
  if (metadataUrl === undefined) return [...environment, ...term];
  const others = environment.filter((entry) => !entry.startsWith('AC_METADATA_URL='));
  return [...others, ...term, `AC_METADATA_URL=${metadataUrl}`];
}

/** Writes the app's config.json. The app's program must have been found. */
export function writeBundle(context: Context, ready: ReadyApp, setting: PodSetting): void {
  const { app, lookup } = ready;
  if (lookup.kind !== 'found') throw new OcicatError('internal', `write bundle of app "${app.name}": has no program`);
  const isolators = appIsolators(app);
  const spec: AppSpec = {
    rootfs: ready.rootfs,
    readOnlyRootfs: app.readOnlyRootFS ?? false,
    args: [lookup.path, ...app.app.exec.slice(1)],
    environment: environmentOf(context, ready, setting),
    workingDirectory: ready.workingDirectory,
    uid: ready.identity.uid,
    gid: ready.identity.gid,
    supplementaryGids: supplementaryGids(ready),
    nodevProgram: libc.libraryPath('nodev'),
    capabilities: chooseCapabilities(context, isolators.capabilities),
    oomScoreAdj: isolators.oomScoreAdj,
    namespaces: setting.namespaces,
    mounts: [...computeEtcMounts(ready.rootFd, ready.mounts, setting.etc, HOSTNAME_FILE), ...ready.mounts],
    terminal: setting.terminal,
    devices: setting.devices,
    sensors: observeSensors(),
    lifted: {
      paths: context.lifted.has('paths'),
      seccomp: context.lifted.has('seccomp'),
    },
    architecture: process.arch,
  };
  writeFileSync(join(appPath(setting.podPath, app.name), 'config.json'), JSON.stringify(computeOciSpec(spec)), {
    mode: 0o600,
  });
}
