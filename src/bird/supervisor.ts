// Looks after the BIRD that runs: when it ends, it is started again, later each time that it ends soon.
import { describeError } from '../base/errors.ts';
import type { RunningBird } from './process.ts';

/** Wait before a new start after a death: doubled from one to the next, reset after a minute of uptime. */
const FIRST_BACKOFF_MS = 500;
const LAST_BACKOFF_MS = 30_000;
const STEADY_MS = 60_000;

export interface Supervisor {
  /** The BIRD that is looked after; undefined while none runs. */
  current(): RunningBird | undefined;
  /** From here on, this one. */
  adopt(bird: RunningBird): void;
  /** Lets the current one go, which somebody takes the place of. */
  drop(): void;
  startLater(why: string): void;
  /** A start that was to come later is under way. */
  cancel(): void;
}

/** `start` is called when one is to be started again. */
export function createSupervisor(start: () => Promise<void>, log: (message: string) => void): Supervisor {
  let running: RunningBird | undefined;
  let backoffMs = FIRST_BACKOFF_MS;
  let retry: ReturnType<typeof setTimeout> | undefined;

  function startLater(why: string): void {
    log(`${why}, starting it again in ${backoffMs} ms`);
    retry = setTimeout(() => void start().catch((error: unknown) => log(describeError(error))), backoffMs);
    backoffMs = Math.min(backoffMs * 2, LAST_BACKOFF_MS);
  }

  function onEnd(ended: RunningBird, how: string, startedMs: number): void {
    if (running !== ended) return;
    running = undefined;
    ended.release();
    if (performance.now() - startedMs > STEADY_MS) backoffMs = FIRST_BACKOFF_MS;
    startLater(`BIRD ended (${how})`);
  }

  return {
    current: () => running,
    adopt(bird) {
      const startedMs = performance.now();
      running = bird;
      void bird.ended.then((how) => onEnd(bird, how, startedMs));
    },
    drop() {
      running?.release();
      running = undefined;
    },
    startLater,
    cancel: () => clearTimeout(retry),
  };
}
