// The differences between two rulesets, as data.
import type { Chain, Element, RemovedSet, SetSpec } from './nft.ts';

export interface SetElements {
  readonly set: SetSpec;
  readonly elements: readonly Element[];
}

export interface RulesetChanges {
  readonly addedSets: readonly SetSpec[];
  readonly removedSets: readonly RemovedSet[];
  readonly addedChains: readonly Chain[];
  /** Chains that stay, with other rules than before. */
  readonly rewrittenChains: readonly Chain[];
  readonly removedChains: readonly string[];
  readonly addedElements: readonly SetElements[];
  readonly removedElements: readonly SetElements[];
}
