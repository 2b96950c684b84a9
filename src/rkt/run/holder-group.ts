// The control group of the process that holds the socket of rkt's rules: not that of the unit or session in which the first pod
// was started, whose end would be the holder's, after a long wait for a process that heeds no signal but SIGKILL
// (systemd.kill(5), "KillMode").
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CGROUP_DIR, listHierarchies, ROOT_GROUP, removeGroups } from './cgroup-hierarchy.ts';

/** Below ROOT_GROUP, where the groups of pods are. */
const HOLDER_GROUP = 'table-holder';

/** By which systemd knows what belongs to a unit: version 2, alone or beside version 1, or its own of version 1. */
const tracking: readonly { readonly path: string; readonly isInside: RegExp }[] = [
  { path: CGROUP_DIR, isInside: /^0::\/./m },
  { path: join(CGROUP_DIR, 'unified'), isInside: /^0::\/./m },
  { path: join(CGROUP_DIR, 'systemd'), isInside: /^\d+:name=systemd:\/./m },
];

function tryMove(pid: number, group: string): boolean {
  try {
    mkdirSync(group, { recursive: true });
    writeFileSync(join(group, 'cgroup.procs'), String(pid));
    return true;
  } catch {
    return false; // read-only, or a group that hands controllers down and takes no processes
  }
}

/** Takes the process to the root of the groups, or, where that is a container's and takes none, to a group of its own. */
export function leaveGroups(pid: number): void {
  const groups = readFileSync(`/proc/${pid}/cgroup`, 'utf8');
  for (const { path, isInside } of tracking) {
    if (!isInside.test(groups) || !existsSync(join(path, 'cgroup.procs'))) continue;
    if (!tryMove(pid, path)) tryMove(pid, join(path, ROOT_GROUP, HOLDER_GROUP));
  }
}

/** Throws when a holder is still in it. */
export function removeHolderGroup(): void {
  for (const hierarchy of listHierarchies()) removeGroups(hierarchy, HOLDER_GROUP);
}
