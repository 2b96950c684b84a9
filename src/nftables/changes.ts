// Puts the differences between two rulesets in the one order that the kernel accepts: nothing is named before it is there,
// nothing goes while it is named.
import { computeInterim, type Interim } from './interim.ts';
import { type Batch, type Chain, type ChainSpec, isMap, type Operation, type Ruleset, type Steps } from './nft.ts';
import type { RulesetChanges, SetElements } from './ruleset-changes.ts';

function isSome({ elements }: SetElements): boolean {
  return elements.length > 0;
}

function addElements(each: SetElements): Operation {
  return { kind: 'add-elements', ...each };
}

function addRules(chain: Chain): readonly Operation[] {
  return chain.rules.map((rule) => ({ kind: 'add-rule', chain: chain.name, rule }));
}

function specOf({ name, base, comment }: Chain): ChainSpec {
  return { name, ...(base === undefined ? {} : { base }), ...(comment === undefined ? {} : { comment }) };
}

/** What nothing leads to yet. */
function prepare({
  addedSets,
  addedChains,
  addedElements,
}: Pick<RulesetChanges, 'addedSets' | 'addedChains' | 'addedElements'>): Batch {
  return [
    ...addedSets.map((set): Operation => ({ kind: 'add-set', set })),
    ...addedChains.map((chain): Operation => ({ kind: 'add-chain', chain: specOf(chain) })),
    ...addedChains.flatMap(addRules),
    ...addedElements.map(addElements),
  ];
}

/** Elements leave before others come, because ranges must never overlap; chains are emptied before any set that they name goes, and go after maps that lead to them. */
function change(changes: Omit<RulesetChanges, 'addedSets' | 'addedChains'>): Batch {
  const flush = (chain: string): Operation => ({ kind: 'flush-chain', chain });
  return [
    ...changes.removedElements.filter(isSome).map((each): Operation => ({ kind: 'delete-elements', ...each })),
    ...changes.rewrittenChains.map(({ name }) => flush(name)),
    ...changes.rewrittenChains.flatMap(addRules),
    ...changes.addedElements.map(addElements),
    ...changes.removedChains.map(flush),
    ...changes.removedSets.map((removed): Operation => ({ kind: 'delete-set', ...removed })),
    ...changes.removedChains.map((chain): Operation => ({ kind: 'delete-chain', chain })),
  ];
}

/** So little that any socket takes it at once: a batch that leads to something is never sent in parts. */
const MAX_TOGETHER = 200;

function sizeOf(batch: Batch): number {
  return batch.reduce((sum, one) => sum + (one.kind === 'add-elements' ? one.elements.length : 1), 0);
}

/** Whether what leads to something new does so to nobody before it is complete: not by ranges, and by maps that drop what comes back. */
function isClosedUntilComplete(operation: Operation): boolean {
  switch (operation.kind) {
    case 'add-set':
      return !operation.set.interval;
    case 'add-elements':
      return !operation.set.verdicts || operation.set.behind === 'drop';
    case 'add-chain':
    case 'add-rule':
      return true;
    default:
      return false;
  }
}

/**
 * New sets and chains are complete before a step in which anything leads to them, because a batch's outcome does not
 * appear all at one instant (net/netfilter/nf_tables_api.c, nf_tables_commit): a packet that is under way sees the maps of
 * after and the chains of before, where a new chain is empty; and the ranges of sets come last of all. They come together with what
 * leads there where that is closed meanwhile and was closed before: at each step that changes rules the kernel checks all of them.
 */
function order(changes: RulesetChanges): Steps {
  const isNew = new Set(changes.addedSets.map(({ name }) => name));
  const elements = changes.addedElements.filter(isSome);
  const steps = [
    prepare({ ...changes, addedElements: elements.filter(({ set }) => isNew.has(set.name)) }),
    change({ ...changes, addedElements: elements.filter(({ set }) => !isNew.has(set.name)) }),
  ];
  const all = steps.flat();
  if (sizeOf(all) <= MAX_TOGETHER && all.every(isClosedUntilComplete)) return all.length > 0 ? [all] : [];
  return steps.filter((step) => step.length > 0);
}

/** Everything but the members that move, by interim rules; the members; then the rules that are to stay. */
function orderByInterim(changes: RulesetChanges, interim: Interim, desired: Ruleset): Steps {
  const asking = [...desired.chains.values()].filter(interim.asks);
  const isTouched = new Set([...changes.addedChains, ...changes.rewrittenChains].map(({ name }) => name));
  const others = asking.filter(({ name }) => !isTouched.has(name));
  const [members, elements] = [true, false].map((moving) => ({
    removedElements: changes.removedElements.filter(({ set }) => interim.isMoving(set.name) === moving),
    addedElements: changes.addedElements.filter((each) => isSome(each) && interim.isMoving(each.set.name) === moving),
  }));
  const made = interim.sets.map(({ spec, elements }) => ({ set: spec, elements: [...elements] }));
  const isMade = new Set(interim.sets.map(({ spec }) => spec.name));
  const first = order({
    ...changes,
    removedElements: elements?.removedElements ?? [],
    addedElements: [...(elements?.addedElements ?? []), ...made],
    addedSets: [...changes.addedSets, ...interim.sets.map(({ spec }) => spec)],
    removedSets: changes.removedSets.filter(({ name }) => !isMade.has(name)), // a change that was cut off has left them
    addedChains: changes.addedChains.map(interim.render),
    rewrittenChains: [...changes.rewrittenChains, ...others].map(interim.render),
  });
  const nothing = { rewrittenChains: [], addedElements: [], removedElements: [], removedChains: [], removedSets: [] };
  const last = change({
    ...nothing,
    rewrittenChains: asking,
    removedSets: interim.sets.map(({ spec, elements }) => ({ name: spec.name, isMap: isMap(spec), elements })),
  });
  return [...first, change({ ...nothing, ...members }), last];
}

/** `desired`: what is to be after them. */
export function orderChanges(changes: RulesetChanges, desired: Ruleset): Steps {
  const interim = computeInterim(changes, desired);
  return interim === undefined ? order(changes) : orderByInterim(changes, interim, desired);
}

/** All that a table holds, for an empty one: the hooks come last, when what they lead to is complete. */
export function computeContent({ chains, sets }: Ruleset): Steps {
  const all = [...sets.values()];
  const [hooks, others] = [true, false].map((hooked) =>
    [...chains.values()].filter(({ base }) => (base !== undefined) === hooked),
  );
  const addedElements = all.map(({ spec, elements }) => ({ set: spec, elements: [...elements] })).filter(isSome);
  const nothing = { addedSets: [], addedElements: [] };
  const steps = [
    prepare({ ...nothing, addedSets: all.map(({ spec }) => spec), addedChains: others ?? [], addedElements }),
    prepare({ ...nothing, addedChains: hooks ?? [] }),
  ];
  return steps.filter((step) => step.length > 0);
}
