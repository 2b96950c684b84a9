// Puts the differences between two rulesets in the one order that the kernel accepts: nothing is named before it is there,
// nothing goes while it is named.
import type { Chain, ChainSpec, Element, Operation, Ruleset, SetSpec, Transaction } from './nft.ts';

export interface SetElements {
  readonly set: SetSpec;
  readonly elements: readonly Element[];
}

export interface RulesetChanges {
  readonly addedSets: readonly SetSpec[];
  readonly removedSets: readonly Pick<SetSpec, 'name' | 'verdicts'>[];
  readonly addedChains: readonly Chain[];
  /** Chains that stay, with other rules than before. */
  readonly rewrittenChains: readonly Chain[];
  readonly removedChains: readonly string[];
  readonly addedElements: readonly SetElements[];
  readonly removedElements: readonly SetElements[];
}

function isSome({ elements }: SetElements): boolean {
  return elements.length > 0;
}

function addRules(chain: Chain): readonly Operation[] {
  return chain.rules.map((rule) => ({ kind: 'add-rule', chain: chain.name, rule }));
}

function specOf({ name, base, comment }: Chain): ChainSpec {
  return { name, ...(base === undefined ? {} : { base }), ...(comment === undefined ? {} : { comment }) };
}

/** Elements leave before others come, because ranges must never overlap; chains are emptied before any of them goes. */
export function orderChanges(changes: RulesetChanges): Transaction {
  const flush = (chain: string): Operation => ({ kind: 'flush-chain', chain });
  return [
    ...changes.removedElements.filter(isSome).map((each): Operation => ({ kind: 'delete-elements', ...each })),
    ...changes.addedSets.map((set): Operation => ({ kind: 'add-set', set })),
    ...changes.addedChains.map((chain): Operation => ({ kind: 'add-chain', chain: specOf(chain) })),
    ...changes.rewrittenChains.map(({ name }) => flush(name)),
    ...[...changes.addedChains, ...changes.rewrittenChains].flatMap(addRules),
    ...changes.addedElements.filter(isSome).map((each): Operation => ({ kind: 'add-elements', ...each })),
    ...changes.removedChains.map(flush),
    ...changes.removedChains.map((chain): Operation => ({ kind: 'delete-chain', chain })),
    ...changes.removedSets.map(({ name, verdicts }): Operation => ({ kind: 'delete-set', name, verdicts })),
  ];
}

/** The whole table anew, whatever is there now: the old one counts until the new one does. */
export function computeReplacement(ruleset: Ruleset): Transaction {
  const sets = [...ruleset.sets.values()];
  const everything = orderChanges({
    addedSets: sets.map(({ spec }) => spec),
    removedSets: [],
    addedChains: [...ruleset.chains.values()],
    rewrittenChains: [],
    removedChains: [],
    addedElements: sets.map(({ spec, elements }) => ({ set: spec, elements: [...elements] })),
    removedElements: [],
  });
  return [{ kind: 'add-table' }, { kind: 'delete-table' }, { kind: 'add-table' }, ...everything];
}
