// Control groups of limited apps: whether limits can be kept at all, and what is left of them.
import { accessSync, constants, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { OcicatError } from '../base/errors.ts';
import type { AppLimits } from './oci-spec.ts';

const CGROUP_DIR = '/sys/fs/cgroup';

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** cgroup v1 has a directory for each controller; v2 lists its controllers in a file. */
function hasController(name: string): boolean {
  if (isWritable(join(CGROUP_DIR, name, 'cgroup.procs'))) return true;
  try {
    const controllers = readFileSync(join(CGROUP_DIR, 'cgroup.controllers'), 'utf8').trim().split(' ');
    return controllers.includes(name) && isWritable(join(CGROUP_DIR, 'cgroup.subtree_control'));
  } catch {
    return false;
  }
}

/** Throws `unsupported` when a limit of the app cannot be kept on this machine. */
export function refuseUnusableLimits(app: string, limits: AppLimits): void {
  const wanted = [
    ...(limits.memoryBytes === undefined ? [] : ['memory']),
    ...(limits.milliCpu === undefined && limits.cpuShares === undefined ? [] : ['cpu']),
  ];
  const missing = wanted.find((name) => !hasController(name));
  if (missing === undefined) return;
  throw new OcicatError(
    'unsupported',
    `limit app "${app}": the cgroup controller "${missing}" is not there or cannot be written below ${CGROUP_DIR}`,
  );
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

/** Removes the pod's empty control groups, in every hierarchy. Throws when one still has a process. */
export function removePodCgroups(uuid: string): void {
  for (const hierarchy of [CGROUP_DIR, ...subdirectories(CGROUP_DIR)]) {
    const group = join(hierarchy, 'rkt', uuid);
    if (!isWritable(join(hierarchy, 'cgroup.procs')) || !isWritable(group)) continue;
    removeGroup(group);
    tryRemoveParent(join(hierarchy, 'rkt'));
  }
}
