// Compares what the kernel holds with what is wanted from time to time, though nobody has told of a change: for what no
// notification tells of.
import { computeTimerMs } from '../../base/timer.ts';
import type { Log } from '../../sys/log.ts';
import type { RefreshTimes } from '../config/felix-settings.ts';

export interface Refreshed {
  readonly dataplane: { resync(): void };
  readonly workloads: { reconcile(): void };
  readonly hostPaths: { reconcile(): void };
  readonly log: Pick<Log, 'error'>;
}

export interface Refresher {
  /** From now on as often as this. */
  setTimes(times: RefreshTimes): void;
  close(): void;
}

export function createRefresher({ dataplane, workloads, hostPaths, log }: Refreshed): Refresher {
  const timers: ReturnType<typeof setInterval>[] = [];

  function every(seconds: number, action: string, act: () => void): void {
    if (seconds === 0) return;
    const attempt = () => {
      try {
        act();
      } catch (error) {
        log.error(action, error);
      }
    };
    timers.push(setInterval(attempt, computeTimerMs(seconds)));
  }

  function close(): void {
    for (const timer of timers.splice(0)) clearInterval(timer);
  }

  return {
    setTimes({ rulesSeconds, routesSeconds }) {
      close();
      every(rulesSeconds, 'compare the rules with the kernel', dataplane.resync);
      every(routesSeconds, 'compare the links of workloads with the kernel', workloads.reconcile);
      every(routesSeconds, 'compare the ways to other hosts with the kernel', hostPaths.reconcile);
    },
    close,
  };
}
