// What a rendered chain leans on and must be there before it: sets and chains named after their content, and rule lists.
import type { Direction, RuleListId } from '../policy/types.ts';
import type { Bytes, Chain, Rule, SetSpec } from './nft.ts';

export type Part =
  | { readonly kind: 'set'; readonly spec: SetSpec; readonly elements: readonly Bytes[] }
  | { readonly kind: 'chain'; readonly chain: Chain; readonly parts: readonly Part[] }
  /** The chain of a policy or profile, whatever its rules are at the moment. */
  | { readonly kind: 'rules'; readonly direction: Direction; readonly id: RuleListId };

export interface Rendered {
  readonly rules: readonly Rule[];
  readonly parts: readonly Part[];
}
