// The control groups of a pod: one for each app in the hierarchies that its limits need, made before its process and joined
// by it before it is anything else's.
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeError, OcicatError } from '../../base/errors.ts';
import * as libc from '../../sys/libc.ts';
import { computeGroupSettings, type GroupSetting } from '../app/cgroup-settings.ts';
import type { AppLimits } from '../app/oci-spec.ts';
import {
  groupPath,
  type Hierarchy,
  listHierarchies,
  procsFileName,
  removeGroups,
  tryFindHierarchy,
  writeGroup,
} from './cgroup-hierarchy.ts';

export interface LimitedApp {
  readonly name: string;
  readonly limits: AppLimits;
}

export interface PodGroups {
  /** Descriptors of files that take in whoever writes 0 to them. */
  groupFdsOf(app: string): readonly number[];
  /**
   * Throws when one still has a process, and may be called again then. It works from any mount namespace, where the
   * groups may be out of sight.
   */
  remove(): void;
}

/** A default limit that cannot be kept is reason for a warning only. */
type Warn = (line: string) => void;

function cannotLimit(app: string, { controller, asked }: GroupSetting, why: string, warn: Warn): void {
  if (asked) throw new OcicatError('unsupported', `limit app "${app}": the cgroup controller "${controller}" ${why}`);
  warn(`warning: apps are not limited in their number of processes: the cgroup controller "${controller}" ${why}`);
}

/** The hierarchy that keeps the setting now; undefined when it is done without. */
function tryLimit(uuid: string, app: string, setting: GroupSetting, warn: Warn): Hierarchy | undefined {
  const hierarchy = tryFindHierarchy(setting.controller);
  if (hierarchy === undefined) {
    cannotLimit(app, setting, 'is not there or cannot be written below /sys/fs/cgroup', warn);
    return undefined;
  }
  try {
    writeGroup(hierarchy, groupPath(hierarchy.path, uuid, app), setting);
    return hierarchy;
  } catch (error) {
    cannotLimit(app, setting, `cannot be used: ${describeError(error)}`, warn);
    return undefined;
  }
}

function onceOnly(warn: Warn): Warn {
  let warned = false;
  return (line) => {
    if (!warned) warn(line);
    warned = true;
  };
}

/** The hierarchies that keep the app's limits, each once. */
function limitApp(uuid: string, { name, limits }: LimitedApp, warn: Warn): readonly string[] {
  const kept = computeGroupSettings(limits).map((setting) => tryLimit(uuid, name, setting, warn)?.path);
  return [...new Set(kept.filter((path) => path !== undefined))];
}

function openPath(path: string, flags: number): number {
  return libc.open(path, flags | libc.O_CLOEXEC);
}

function openGroups(uuid: string, limited: ReadonlyMap<string, readonly string[]>): PodGroups {
  const paths = [...new Set([...limited.values()].flat())];
  const hierarchies = paths.map((path) => openPath(path, libc.O_PATH | libc.O_DIRECTORY));
  const groupFds = new Map(
    [...limited].map(([app, paths]) => [
      app,
      paths.map((path) => openPath(join(groupPath(path, uuid, app), procsFileName(path)), libc.O_WRONLY)),
    ]),
  );
  return {
    groupFdsOf: (app) => groupFds.get(app) ?? [],
    remove() {
      for (const fd of [...groupFds.values()].flat()) libc.close(fd);
      groupFds.clear();
      for (const fd of hierarchies) removeGroups(`/proc/self/fd/${fd}`, uuid);
      for (const fd of hierarchies) libc.close(fd);
    },
  };
}

/**
 * Makes the groups of all apps. Throws `unsupported` when a limit that was asked for cannot be kept on this machine;
 * `warn` hears at most once that a default cannot.
 */
export function makePodGroups(uuid: string, apps: readonly LimitedApp[], warn: Warn): PodGroups {
  const once = onceOnly(warn);
  try {
    return openGroups(uuid, new Map(apps.map((app) => [app.name, limitApp(uuid, app, once)])));
  } catch (error) {
    removePodCgroups(uuid);
    throw error;
  }
}

/** Takes this process into the groups of an app that runs. */
export function joinAppGroups(uuid: string, app: string): void {
  for (const hierarchy of listHierarchies()) {
    const path = join(groupPath(hierarchy, uuid, app), 'cgroup.procs');
    if (existsSync(path)) writeFileSync(path, '0');
  }
}

/** Removes what groups a pod that has ended may have left. Throws when one still has a process. */
export function removePodCgroups(uuid: string): void {
  for (const hierarchy of listHierarchies()) removeGroups(hierarchy, uuid);
}
