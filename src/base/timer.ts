// How long a timer can run: what is asked to be rarer is done as rarely as that.

/** Of setTimeout and setInterval; a longer time would be taken for none. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export function computeTimerMs(seconds: number): number {
  return Math.min(seconds * 1_000, MAX_TIMER_MS);
}
