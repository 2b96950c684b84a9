// An endpoint of this node as the calculation holds it.
import type { Ip } from '../net/ip.ts';
import type { LocalInterface } from './input.ts';
import type { IndexedItem } from './label-table.ts';
import type { PolicyGroup } from './policy-groups.ts';
import type { Selection } from './selections.ts';

export interface LocalEndpoint extends IndexedItem {
  readonly id: string;
  readonly local: LocalInterface;
  readonly addresses: readonly Ip[];
  readonly profiles: readonly string[];
  /** The policy groups that select it. */
  readonly groups: Set<PolicyGroup>;
  /** Those that may select it, for all that is known of its labels. */
  readonly doubts: Set<PolicyGroup>;
  /** Undefined until it has been placed. */
  selection: Selection | undefined;
}
