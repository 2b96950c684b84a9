// What list and status show of a pod.
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { computeAppMounts } from '../app/volumes.ts';
import { type NetInfo, readNetInfo } from '../network/net-info.ts';
import { type PodApp, type PodManifest, readPodManifest } from '../store/pod-manifest.ts';
import type { Pod, PodState } from '../store/pod-store.ts';
import { statusPath } from '../store/status-file.ts';

export interface PodView {
  readonly pod: Pod;
  /** undefined for a pod that has none yet, or a damaged one. */
  readonly manifest: PodManifest | undefined;
  readonly createdMs: number | undefined;
  readonly startedMs: number | undefined;
  readonly networks: readonly NetInfo[];
  /** What could not be read, as messages. */
  readonly problems: readonly string[];
}

function mtimeMs(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs;
}

/** States in which a pod may not have a manifest. */
const unwritten: ReadonlySet<PodState> = new Set(['embryo', 'preparing', 'aborted prepare', 'deleting', 'garbage']);
/** States in which networks are shown. Source: rkt v1.30.0, rkt/status.go. */
const connected: ReadonlySet<PodState> = new Set(['running', 'exited', 'exited garbage', 'exited deleting']);

function attempt<T>(problems: string[], fallback: T, work: () => T): T {
  try {
    return work();
  } catch (error) {
    problems.push(error instanceof Error ? error.message : String(error));
    return fallback;
  }
}

/** Reads the pod's directory; nothing in it can make this fail. */
export function viewPod(pod: Pod): PodView {
  const problems: string[] = [];
  const at = (name: string): string => join(pod.path, name);
  const manifest = unwritten.has(pod.state)
    ? undefined
    : attempt(problems, undefined, (): PodManifest | undefined => readPodManifest(pod.path));
  return {
    pod,
    manifest,
    createdMs: unwritten.has(pod.state) ? undefined : (mtimeMs(at('pod-created')) ?? mtimeMs(at('pod'))),
    startedMs: mtimeMs(at('ppid')) ?? mtimeMs(at('pid')),
    networks: connected.has(pod.state) ? attempt(problems, [], () => readNetInfo(pod.path)) : [],
    problems,
  };
}

/** The id of the process that stands for a started pod: its runner, or the app itself with the fly flavour. */
export function readPodPid(podPath: string): number | undefined {
  for (const name of ['ppid', 'pid']) {
    try {
      const pid = Number(readFileSync(join(podPath, name), 'utf8').trim());
      if (Number.isSafeInteger(pid) && pid > 1) return pid;
    } catch {
      // the other file may be there
    }
  }
  return undefined;
}

/** The app's exit status; undefined while it runs or if it was never recorded. */
export function readAppStatus(podPath: string, app: string): number | undefined {
  try {
    return Number(readFileSync(statusPath(podPath, app), 'utf8').trim());
  } catch {
    return undefined;
  }
}

/** `name[:version]` of an app's image, from the pod's own copy. */
export function imageNameOf(app: PodApp): string {
  const version = app.image.labels.find((label) => label.name === 'version')?.value;
  return version === undefined ? app.image.name : `${app.image.name}:${version}`;
}

type AppState = 'unknown' | 'created' | 'running' | 'exited';

function appState(pod: PodState, exitCode: number | undefined): AppState {
  if (exitCode !== undefined) return 'exited';
  if (pod === 'prepared') return 'created';
  if (pod === 'running') return 'running';
  return ['exited', 'exited garbage', 'exited deleting', 'garbage', 'deleting'].includes(pod) ? 'exited' : 'unknown';
}

const NS_PER_MS = 1e6;

function mountsOf(view: PodView, manifest: PodManifest, app: PodApp): readonly unknown[] {
  return computeAppMounts(manifest, app).map(({ volume, target }) => ({
    name: volume.name,
    container_path: target,
    host_path: volume.kind === 'host' ? volume.source : join(view.pod.path, 'sharedVolumes', volume.name),
    read_only: volume.readOnly ?? false,
  }));
}

function appObject(view: PodView, manifest: PodManifest, app: PodApp): unknown {
  const exitCode = readAppStatus(view.pod.path, app.name);
  const mounts = mountsOf(view, manifest, app);
  return {
    name: app.name,
    state: appState(view.pod.state, exitCode),
    created_at: view.createdMs === undefined ? undefined : Math.round(view.createdMs) * NS_PER_MS,
    started_at: view.startedMs === undefined ? undefined : Math.round(view.startedMs) * NS_PER_MS,
    exit_code: exitCode,
    image_id: app.image.id,
    mounts: mounts.length === 0 ? undefined : mounts,
  };
}

/**
 * The pod as JSON shows it; times of pods are in seconds, those of apps in nanoseconds. Source: rkt v1.30.0, api/v1/pod.go.
 */
export function podObject(view: PodView): unknown {
  const { pod, manifest, networks } = view;
  return {
    name: pod.uuid,
    state: pod.state,
    networks: networks.length === 0 ? undefined : networks,
    app_names: manifest?.apps.map((app) => app.name),
    apps: manifest?.apps.map((app) => appObject(view, manifest, app)),
    created_at: view.createdMs === undefined ? undefined : Math.floor(view.createdMs / 1000),
    started_at: view.startedMs === undefined ? undefined : Math.floor(view.startedMs / 1000),
  };
}
