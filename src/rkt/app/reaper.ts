// Waiting for processes that are not direct children: a container's first process becomes ours when crun has left.
import * as libc from '../../sys/libc.ts';

export interface Reaper {
  /** How the process ended. It must be a child of this process, or become one. */
  wait(pid: number): Promise<libc.ChildEnd>;
  close(): void;
}

function tryReap(pid: number): libc.ChildEnd | undefined {
  try {
    return libc.tryReap(pid);
  } catch {
    return undefined; // not our child yet
  }
}

/** Makes this process the parent of its orphaned descendants until closed. */
export function openReaper(): Reaper {
  const waiting = new Map<number, (end: libc.ChildEnd) => void>();
  const reapAll = (): void => {
    for (const [pid, resolve] of waiting) {
      const end = tryReap(pid);
      if (end === undefined) continue;
      waiting.delete(pid);
      resolve(end);
    }
  };
  libc.prctl(libc.PR_SET_CHILD_SUBREAPER, 1);
  process.on('SIGCHLD', reapAll);
  return {
    wait: (pid) =>
      new Promise((resolve) => {
        waiting.set(pid, resolve);
        reapAll();
      }),
    close() {
      process.off('SIGCHLD', reapAll);
      libc.prctl(libc.PR_SET_CHILD_SUBREAPER, 0);
    },
  };
}
