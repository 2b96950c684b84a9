// The incremental policy calculation: updates in, one ordered list of changes out.
import type { PolicyUpdate } from './input.ts';
import type { PolicyChange } from './types.ts';

export interface PolicyCalculation {
  update(update: PolicyUpdate): void;
  /** What changed since the last flush, in an order that never names what is not there. Empty until in sync. */
  flush(): readonly PolicyChange[];
}
