// Lengths of time on the command line, and waiting for them.
import { tryParseDurationMs } from '../../base/duration.ts';
import { OcicatError } from '../../base/errors.ts';

/** Milliseconds of `30s` or `1m`, more than `moreThan`; throws `invalid` for anything else. */
export function parseWaitMs(text: string, moreThan = 0): number {
  const ms = tryParseDurationMs(text);
  if (ms !== undefined && ms > moreThan) return ms;
  throw new OcicatError('invalid', `read duration "${text}": wanted one such as 30s or 1m`);
}

/** Resolves after the time, or when the signal fires. */
export function sleep(timeMs: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, timeMs);
    signal.addEventListener('abort', end, { once: true });
  });
}
