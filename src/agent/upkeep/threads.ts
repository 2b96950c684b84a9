// Watches where this process's threads are: one that is left in a pod's network namespace keeps it alive, and if it is the
// main thread, what the agent takes for the host is the pod.

import type { Log } from '../../sys/log.ts';
import { ownNetns, strayThreads, type Thread } from '../../sys/netns.ts';

const CHECK_MS = 60_000;

/**
 * Judges one look at the threads that are elsewhere: `lost` when the main thread is among them, and nothing that the
 * agent does can be trusted. Other threads are reported once each: an engine's helper ends by itself when it has been idle.
 */
export function createThreadJudge(log: Log): (stray: readonly Thread[]) => 'fine' | 'lost' {
  let known: ReadonlySet<number> = new Set();
  return (stray) => {
    for (const { id, name } of stray)
      if (!known.has(id)) log.warn(`thread ${id} (${name}) is in another network namespace and keeps it alive`);
    known = new Set(stray.map(({ id }) => id));
    return stray.some(({ isMain }) => isMain) ? 'lost' : 'fine';
  };
}

/** Call it while the main thread is in the host's namespace. Ends the process when the main thread is found elsewhere. */
export function watchThreads(log: Log, signal: AbortSignal): void {
  const home = ownNetns();
  const judge = createThreadJudge(log);
  const timer = setInterval(() => {
    if (judge(strayThreads(home)) === 'fine') return;
    log.error('the main thread is in another network namespace; ending, to be started again');
    process.exit(1);
  }, CHECK_MS);
  signal.addEventListener('abort', () => clearInterval(timer));
}
