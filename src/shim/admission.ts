// How much the server takes in hand at a time: a flood of calls must not cost the agent its memory.
import { OcicatError } from '../base/errors.ts';

export interface ShimLimits {
  /** Calls that have not been answered. */
  readonly calls: number;
  /** Bytes of their requests, together. */
  readonly bytes: number;
  /** A shim sends its request at once and takes the answer at once; one that does not is not a shim. */
  readonly timeoutMs: number;
}

/** Runtimes have some dozen calls in hand, each of a few kilobytes. */
export const DEFAULT_LIMITS: ShimLimits = { calls: 500, bytes: 64 << 20, timeoutMs: 10_000 };

/** One call's share. */
export interface Admission {
  /** Throws `unavailable` when the requests in hand are too many bytes with these. */
  add(bytes: number): void;
  release(): void;
}

export interface AdmissionControl {
  /** Undefined when there are as many calls in hand as there may be. */
  tryEnter(): Admission | undefined;
}

/** The runtime tries again, where it knows an error that says so (code 11 of CNI). */
export function fullError(): OcicatError {
  return new OcicatError('unavailable', 'serve call: too many calls are in hand; try again later');
}

export function createAdmissionControl(limits: ShimLimits): AdmissionControl {
  let calls = 0;
  let bytes = 0;
  return {
    tryEnter() {
      if (calls >= limits.calls) return undefined;
      calls += 1;
      let own = 0;
      return {
        add(count) {
          if (bytes + count > limits.bytes) throw fullError();
          bytes += count;
          own += count;
        },
        release() {
          calls -= 1;
          bytes -= own;
        },
      };
    },
  };
}
