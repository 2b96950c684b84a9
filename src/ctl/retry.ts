// Reads, changes and writes again when somebody else was faster.
import { isOcicatError } from '../base/errors.ts';

const ATTEMPTS = 5;

/** Runs the work up to five times as long as it throws `conflict`; it must read what it changes anew each time. */
export async function retryConflict<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt === ATTEMPTS || !isOcicatError(error, 'conflict')) throw error;
    }
  }
}
