// The apps of a starting pod: their root file systems, their bundles, their processes.
import * as libc from '../sys/libc.ts';
import { type ReadyApp, readyApp, writeBundle } from './app-bundle.ts';
import { appIsolators } from './app-isolators.ts';
import { type AppLaunch, type AppProcess, launchApp } from './app-process.ts';
import { makePodGroups, type PodGroups } from './cgroups.ts';
import type { PodConsole } from './console-pipe.ts';
import { type Device, makeDevices } from './devices.ts';
import type { EtcFiles } from './etc-mounts.ts';
import { EXEC_FAILED_STATUS } from './exec-lookup.ts';
import { enterPrivateMounts, hideCgroups } from './mount-space.ts';
import type { AppSpec } from './oci-spec.ts';
import type { Reaper } from './reaper.ts';
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
  return makePodGroups(start.pod.uuid, apps, (line) => warnStart(start, line));
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

/** Writes the bundles of all apps whose program was found. */
export function writeBundles(
  start: Start,
  { apps, devices }: MountedApps,
  sandbox: Sandbox,
  network: string | undefined,
  etc: EtcFiles,
): void {
  const setting = {
    podPath: start.pod.path,
    namespaces: namespacesOf(start, sandbox, network),
    terminal: hasTerminal(start),
    etc,
    devices,
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
    entrances: groups.entrancesOf(name),
    terminal: hasTerminal(start),
    stdio: [interactive ? 'inherit' : 'ignore', output, output],
  };
}

/** An app whose program cannot be executed: it has ended, with the status that rkt gives it. */
function failedApp(name: string, words: string, console: PodConsole): AppProcess {
  console.say(name, words);
  return { name, pid: undefined, podPid: 0, ended: Promise.resolve({ kind: 'exited', status: EXEC_FAILED_STATUS }) };
}

async function startApp(
  start: Start,
  ready: ReadyApp,
  groups: PodGroups,
  console: PodConsole,
  reaper: Reaper,
): Promise<AppProcess> {
  const { name } = ready.app;
  if (ready.lookup.kind === 'unusable') return failedApp(name, ready.lookup.words, console);
  const launched = await launchApp(launchOf(start, ready, groups, console), reaper);
  if (launched.kind === 'unusable') return failedApp(name, launched.words, console);
  console.begin(name, launched.process.podPid);
  return launched.process;
}

/** Starts all apps at once. Throws the first failure after every start has come to its end. */
export async function startApps(
  start: Start,
  { apps, groups }: MountedApps,
  console: PodConsole,
  reaper: Reaper,
): Promise<readonly AppProcess[]> {
  const outcomes = await Promise.allSettled(apps.map((ready) => startApp(start, ready, groups, console, reaper)));
  return outcomes.map((outcome) => {
    if (outcome.status === 'rejected') throw outcome.reason;
    return outcome.value;
  });
}
