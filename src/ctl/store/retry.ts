// Reads, changes and writes again when somebody else was faster.
import { isOcicatError } from '../../base/errors.ts';

/** Somebody gets through at every attempt: as many writers as this can be at it together. */
const ATTEMPTS = 20;

/** Runs the work up to twenty times, as long as it throws `conflict`; it must read what it changes anew each time. */
export async function retryConflict<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt === ATTEMPTS || !isOcicatError(error, 'conflict')) throw error;
    }
  }
}
