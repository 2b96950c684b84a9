// Whether a process has come to its end.
import { readFileSync } from 'node:fs';

/**
 * True once everything that a process of one thread had open is closed: a zombie, or nothing. One that is ending loses its command line long
 * before that, and is no longer found by it (proc_pid_stat(5)).
 */
export function hasEnded(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z');
  } catch {
    return true; // ENOENT, or ESRCH where it went while it was read
  }
}
