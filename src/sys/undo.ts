// An undo stack: a set-up of several effects registers the inverse of each as it goes, and runs them back on failure.
import { OcicatError } from '../base/errors.ts';

export interface Undo {
  /** Registers the inverse of an effect that has just happened. */
  push(name: string, inverse: () => void | Promise<void>): void;
  /** Runs all inverses, newest first; every one runs even if others fail. Returns the failures, named. */
  run(): Promise<readonly OcicatError[]>;
}

export function createUndo(): Undo {
  const stack: { name: string; inverse: () => void | Promise<void> }[] = [];
  return {
    push(name, inverse) {
      stack.push({ name, inverse });
    },
    async run() {
      const failures: OcicatError[] = [];
      for (let entry = stack.pop(); entry !== undefined; entry = stack.pop()) {
        try {
          await entry.inverse();
        } catch (cause) {
          failures.push(new OcicatError('internal', `undo "${entry.name}": failed`, { cause }));
        }
      }
      return failures;
    },
  };
}
