// Where the machine keeps the control groups of a controller, and the groups of pods in them.
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { OcicatError } from '../../base/errors.ts';
import type { Controller, GroupSetting } from '../app/cgroup-settings.ts';

export const CGROUP_DIR = '/sys/fs/cgroup';
/** Below which all groups of pods are. */
export const ROOT_GROUP = 'rkt';

export interface Hierarchy {
  readonly path: string;
  readonly version: 'v1' | 'v2';
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function offers(path: string, controller: Controller): boolean {
  try {
    const controllers = readFileSync(join(path, 'cgroup.controllers'), 'utf8').trim().split(' ');
    return controllers.includes(controller) && isWritable(join(path, 'cgroup.subtree_control'));
  } catch {
    return false;
  }
}

/** Version 1 has a directory for each controller; version 2 has one for all, beside those of version 1 or alone. */
export function tryFindHierarchy(controller: Controller): Hierarchy | undefined {
  const v1 = join(CGROUP_DIR, controller);
  if (isWritable(join(v1, 'cgroup.procs'))) return { path: v1, version: 'v1' };
  const v2 = [CGROUP_DIR, join(CGROUP_DIR, 'unified')].find((path) => offers(path, controller));
  return v2 === undefined ? undefined : { path: v2, version: 'v2' };
}

/** Every place where there may be groups of pods. */
export function listHierarchies(): readonly string[] {
  const below = existsSync(CGROUP_DIR) ? readdirSync(CGROUP_DIR) : [];
  return [CGROUP_DIR, ...below.map((name) => join(CGROUP_DIR, name))].filter((path) =>
    isWritable(join(path, 'cgroup.procs')),
  );
}

/** The group of an app in a hierarchy. */
export function groupPath(hierarchy: string, uuid: string, app: string): string {
  return join(hierarchy, ROOT_GROUP, uuid, app);
}

/**
 * The file of a group that takes in a process of one thread. With version 1 `tasks` is 10 ms faster than `cgroup.procs`:
 * for a thread that moves itself the kernel need not wait until no process anywhere is being forked.
 */
export function procsFileName(hierarchy: string): string {
  return existsSync(join(hierarchy, 'tasks')) ? 'tasks' : 'cgroup.procs';
}

/** Another pod may be removing the root group, which it finds empty. */
const MAKE_ATTEMPTS = 10;

function makeDirectories(path: string): void {
  for (let attempt = 1; ; attempt++) {
    try {
      mkdirSync(path, { recursive: true, mode: 0o755 });
      return;
    } catch (error) {
      if (attempt === MAKE_ATTEMPTS) throw error;
    }
  }
}

/** Version 2 hands a controller down one step at a time. */
function handDown(hierarchy: string, group: string, controller: Controller): void {
  if (group !== hierarchy) handDown(hierarchy, dirname(group), controller);
  const path = join(group, 'cgroup.subtree_control');
  if (!readFileSync(path, 'utf8').trim().split(' ').includes(controller)) writeFileSync(path, `+${controller}`);
}

function refuseInvalidGroup(group: string): void {
  const type = readFileSync(join(group, 'cgroup.type'), 'utf8').trim();
  if (type !== 'domain') throw new OcicatError('unsupported', `control group "${group}": its type is "${type}"`);
}

/** Makes the group, if it is not there, and writes the setting. Throws when the kernel takes it ill. */
export function writeGroup({ path, version }: Hierarchy, group: string, setting: GroupSetting): void {
  makeDirectories(group);
  if (version === 'v2') {
    handDown(path, dirname(group), setting.controller);
    refuseInvalidGroup(group);
  }
  for (const [file, value] of setting[version]) writeFileSync(join(group, file), value);
}

function subdirectories(path: string): readonly string[] {
  try {
    return readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(path, entry.name));
  } catch {
    return [];
  }
}

/** Control groups can be removed one by one only, the innermost first. */
function removeGroup(path: string): void {
  for (const child of subdirectories(path)) removeGroup(child);
  rmdirSync(path);
}

/** The group of all pods, which another pod may need. */
function tryRemoveParent(path: string): void {
  try {
    rmdirSync(path);
  } catch {
    // not empty
  }
}

/** Removes the pod's empty groups from a hierarchy. Throws when one still has a process. */
export function removeGroups(hierarchy: string, uuid: string): void {
  const group = join(hierarchy, ROOT_GROUP, uuid);
  if (!existsSync(group)) return;
  removeGroup(group);
  tryRemoveParent(join(hierarchy, ROOT_GROUP));
}
