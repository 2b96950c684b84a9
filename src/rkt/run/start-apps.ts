// The apps of a starting pod: their root file systems, their bundles, their processes.
import * as libc from '../../sys/libc.ts';
import { type ReadyApp, readyApp, writeBundle } from '../app/app-bundle.ts';
import { appIsolators } from '../app/app-isolators.ts';
import { type AppLaunch, type AppProcess, beginApp, createApp, launchApp } from '../app/app-process.ts';
import { type Device, makeDevices } from '../app/devices.ts';
import type { EtcFiles } from '../app/etc-mounts.ts';
import { EXEC_FAILED_STATUS } from '../app/exec-lookup.ts';
import type { AppSpec } from '../app/oci-spec.ts';
import type { Reaper } from '../app/reaper.ts';
import { followTerminalSize, observeTerminalSize } from '../app/terminal-size.ts';
import { makePodGroups, type PodGroups } from './cgroups.ts';
import type { PodConsole } from './console-pipe.ts';
import { enterPrivateMounts, hideCgroups } from './mount-space.ts';
import { namespacePath, type Sandbox } from './sandbox.ts';
import { hasOwnIpc, type Start, warnStart } from './start.ts';

/** What apps stand on: their root file systems and the pod's devices. */
export interface MountedApps {
  readonly apps: readonly ReadyApp[];
  readonly devices: readonly Device[];
  readonly groups: PodGroups;
}

function makeGroups(start: Start): PodGroups {
  const apps = start.manifest.apps.map((app) => ({ name: app.name, limits: appIsolators(app).limits }));
  const late = (line: string): void => {
    start.warnings.push(line);
  };
  return makePodGroups(start.pod.uuid, apps, late);
}

/** Mounts what every app stands on, out of the host's sight, and looks up what the app needs there. */
export function readyApps(start: Start): MountedApps {
  const { manifest, pod, undo } = start;
  const groups = makeGroups(start);
  const space = enterPrivateMounts();
  undo.push('mounts', space.leave);
  hideCgroups();
  const devices = makeDevices(pod.path);
  const apps = manifest.apps.map((app) => {
    const ready = readyApp(pod.path, manifest, app, (line) => warnStart(start, line));
    undo.push('root directory', () => libc.close(ready.rootFd));
    return ready;
  });
  return { apps, devices, groups };
}

function namespacesOf(start: Start, sandbox: Sandbox, network: string | undefined): AppSpec['namespaces'] {
  return {
    pid: namespacePath(sandbox, 'pid'),
    uts: namespacePath(sandbox, 'uts'),
    ...(hasOwnIpc(start) ? { ipc: namespacePath(sandbox, 'ipc') } : {}),
    ...(network === undefined ? {} : { network }),
  };
}

function hasTerminal(start: Start): boolean {
  return start.options.interactive && process.stdin.isTTY;
}

/** What all apps have from their pod. */
export interface SharedByApps {
  readonly sandbox: Sandbox;
  /** Path of its network namespace; undefined for the host's. */
  readonly network: string | undefined;
  readonly etc: EtcFiles;
  /** Where the pod asks about itself; undefined for one that is not registered. */
  readonly metadataUrl: string | undefined;
}

/** Writes the bundles of all apps whose program was found. */
export function writeBundles(start: Start, { apps, devices }: MountedApps, shared: SharedByApps): void {
  const setting = {
    podPath: start.pod.path,
    namespaces: namespacesOf(start, shared.sandbox, shared.network),
    terminal: hasTerminal(start) ? observeTerminalSize() : undefined,
    etc: shared.etc,
    devices,
    metadataUrl: shared.metadataUrl,
  };
  for (const ready of apps) if (ready.lookup.kind === 'found') writeBundle(start.context, ready, setting);
}

function launchOf(start: Start, ready: ReadyApp, groups: PodGroups, console: PodConsole): AppLaunch {
  const { name } = ready.app;
  const { interactive } = start.options;
  const output = interactive ? 'inherit' : console.pipeFor(name);
  return {
    name,
    podPath: start.pod.path,
    uuid: start.pod.uuid,
    groupFds: groups.groupFdsOf(name),
    terminal: hasTerminal(start),
    stdio: [interactive ? 'inherit' : 'ignore', output, output],
  };
}

/** An app whose program cannot be executed: it has ended, with the status that rkt gives it. */
function failedApp(name: string, reason: string, console: PodConsole): AppProcess {
  console.writeLine(name, reason);
  return { name, pid: undefined, podPid: 0, ended: Promise.resolve({ kind: 'exited', status: EXEC_FAILED_STATUS }) };
}

/** What the apps of a pod are started with. */
interface Starting {
  readonly start: Start;
  readonly groups: PodGroups;
  readonly console: PodConsole;
  readonly reaper: Reaper;
}

/** How an app gets its process: at once, or in a container that waits. */
type Launcher = typeof launchApp;

/** Until the app has ended. */
function followTerminal(start: Start, { pid, ended }: AppProcess): void {
  if (pid === undefined || !hasTerminal(start)) return;
  const leave = followTerminalSize(pid, (line) => warnStart(start, line));
  ended.then(leave, leave);
}

async function startApp(starting: Starting, ready: ReadyApp, launcher: Launcher): Promise<AppProcess> {
  const { start, groups, console, reaper } = starting;
  const { name } = ready.app;
  if (ready.lookup.kind === 'unusable') return failedApp(name, ready.lookup.reason, console);
  const launched = await launcher(launchOf(start, ready, groups, console), reaper);
  if (launched.kind === 'unusable') return failedApp(name, launched.reason, console);
  console.begin(name, launched.process.podPid);
  followTerminal(start, launched.process);
  return launched.process;
}

/**
 * Several apps share the pod's processes: while crun makes a container, its own process with the host's root and rights is
 * among them. So no app's program runs, and no second container is begun, before a container is made.
 */
async function startTogether(starting: Starting, apps: readonly ReadyApp[]): Promise<readonly AppProcess[]> {
  const processes: AppProcess[] = [];
  for (const ready of apps) processes.push(await startApp(starting, ready, createApp));
  const { uuid, path: podPath } = starting.start.pod;
  const created = processes.filter(({ pid }) => pid !== undefined);
  await Promise.all(created.map(({ name }) => beginApp({ name, podPath, uuid })));
  return processes;
}

/** Starts all apps. Throws the first failure. */
export async function startApps(
  start: Start,
  { apps, groups }: MountedApps,
  console: PodConsole,
  reaper: Reaper,
): Promise<readonly AppProcess[]> {
  const starting = { start, groups, console, reaper };
  const [only, second] = apps;
  if (only === undefined || second !== undefined) return startTogether(starting, apps);
  return [await startApp(starting, only, launchApp)];
}
