// What two configurations say about who makes routes, and cannot both be: in the log once, and in what `calicoctl node status` shows.
import type { Log } from '../../sys/log.ts';

export interface RouteFaults {
  /** Takes what is wrong now. */
  review(faults: readonly string[]): void;
}

/** `publish` gets the lines whenever they are others. */
export function createRouteFaults(publish: (lines: readonly string[]) => void, log: Log): RouteFaults {
  let known: readonly string[] | undefined;
  return {
    review(faults) {
      const before = known ?? [];
      for (const fault of faults) if (!before.includes(fault)) log.error(fault);
      for (const fault of before) if (!faults.includes(fault)) log.info(`no longer: ${fault}`);
      if (known === undefined || faults.join() !== known.join()) publish(faults);
      known = faults;
    },
  };
}
