// Control groups of a lab's hosts. Where the machine counts processes by version 1 (the hybrid layout), version 2 has nothing
// to limit pods by, so each host gets a part of that hierarchy, of which it sees nothing but its own.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MS_NODEV, MS_NOEXEC, MS_NOSUID, mount, unshare } from '../sys/libc.ts';

/** Of the hierarchy, as distributions mount it. */
const PIDS_DIR = '/sys/fs/cgroup/pids';
const CLONE_NEWCGROUP = 0x02000000;
const SAFE = MS_NOSUID | MS_NODEV | MS_NOEXEC;

function prefixOf(lab: string): string {
  return `ocicat-lab.${lab}.`;
}

/** Moves this process into a group of the host's own, which becomes the root of all that it sees. */
function enterGroup(lab: string, host: string): void {
  const group = join(PIDS_DIR, `${prefixOf(lab)}${host}`);
  mkdirSync(group, { recursive: true });
  writeFileSync(join(group, 'cgroup.procs'), '0');
  unshare(CLONE_NEWCGROUP);
}

/** Mounts the control groups of a host at `target`. The calling process becomes the host's first. */
export function mountCgroups(target: string, lab: string, host: string): void {
  if (!existsSync(join(PIDS_DIR, 'cgroup.procs'))) {
    mount('cgroup2', target, 'cgroup2', SAFE);
    return;
  }
  enterGroup(lab, host);
  mount('none', target, 'tmpfs', SAFE, 'size=64k,mode=755');
  mkdirSync(join(target, 'pids')); // nothing of version 2 beside it: crun refuses a mixture
  mount('cgroup', join(target, 'pids'), 'cgroup', SAFE, 'pids');
}

/** Control groups can be removed one by one only, the innermost first; one with a process stays. */
function tryRemove(group: string): void {
  for (const entry of readdirSync(group, { withFileTypes: true })) {
    if (entry.isDirectory()) tryRemove(join(group, entry.name));
  }
  if (readFileSync(join(group, 'cgroup.procs'), 'utf8') === '') rmdirSync(group);
}

/** Removes the groups of a lab that has ended. */
export function removeLabGroups(lab: string): void {
  if (!existsSync(PIDS_DIR)) return;
  for (const name of readdirSync(PIDS_DIR)) if (name.startsWith(prefixOf(lab))) tryRemove(join(PIDS_DIR, name));
}
