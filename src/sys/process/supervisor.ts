// Looks after a process that is to run: when it ends, it is started again, later each time that it ends soon.
import { describeError } from '../../base/errors.ts';
import type { RunningProcess } from './running-process.ts';

/** Wait before a new start after a death: doubled from one to the next, reset after a minute of uptime. */
const FIRST_BACKOFF_MS = 500;
const LAST_BACKOFF_MS = 30_000;
const STEADY_MS = 60_000;

export interface Supervisor {
  /** The process that is looked after; undefined while none runs. */
  current(): RunningProcess | undefined;
  /** From here on, this one. */
  adopt(process: RunningProcess): void;
  /** Lets the current one go, which somebody takes the place of. */
  drop(): void;
  startLater(why: string): void;
  /** A start that was to come later is under way. */
  cancel(): void;
}

/** `start` is called when one is to be started again; `name` is what the log calls it. */
export function createSupervisor(name: string, start: () => Promise<void>, log: (message: string) => void): Supervisor {
  let running: RunningProcess | undefined;
  let backoffMs = FIRST_BACKOFF_MS;
  let retry: ReturnType<typeof setTimeout> | undefined;

  function startLater(why: string): void {
    log(`${why}, starting it again in ${backoffMs} ms`);
    retry = setTimeout(() => void start().catch((error: unknown) => log(describeError(error))), backoffMs);
    backoffMs = Math.min(backoffMs * 2, LAST_BACKOFF_MS);
  }

  function onEnd(ended: RunningProcess, how: string, startedMs: number): void {
    if (running !== ended) return;
    running = undefined;
    ended.release();
    if (performance.now() - startedMs > STEADY_MS) backoffMs = FIRST_BACKOFF_MS;
    startLater(`${name} ended (${how})`);
  }

  return {
    current: () => running,
    adopt(process) {
      const startedMs = performance.now();
      running = process;
      void process.ended.then((how) => onEnd(process, how, startedMs));
    },
    drop() {
      running?.release();
      running = undefined;
    },
    startLater,
    cancel: () => clearTimeout(retry),
  };
}
