// A ruleset that is edited in place and hands out, for all edits since the last time, the net change.
import { OcicatError } from '../base/errors.ts';
import { orderChanges } from './changes.ts';
import {
  type Bytes,
  type Chain,
  type Element,
  type Elements,
  type ElementValue,
  isMap,
  type RemovedSet,
  type Ruleset,
  type SetSpec,
  type Steps,
} from './nft.ts';
import type { RulesetChanges, SetElements } from './ruleset-changes.ts';

interface EditableSet {
  readonly spec: SetSpec;
  readonly elements: Map<Bytes, ElementValue | undefined>;
}

export interface RulesetEditor {
  /** What is wanted now: a live view. */
  readonly ruleset: Ruleset;
  /** Adds or replaces. */
  setChain(chain: Chain): void;
  removeChain(name: string): void;
  /** Adds an empty set; does nothing when a set of that name is there. */
  addSet(spec: SetSpec): void;
  removeSet(name: string): void;
  setElement(set: string, key: Bytes, value?: ElementValue): void;
  removeElement(set: string, key: Bytes): void;
  /** From the state at the last call (at first: the initial ruleset) to the present one. */
  takeSteps(): Steps;
}

/** What it says beside its kind. */
function textIn(value: ElementValue): string {
  if (value.kind === 'comment') return value.text;
  if (value.kind === 'value') return value.bytes;
  return 'chain' in value ? value.chain : '';
}

export function sameValue(a: ElementValue | undefined, b: ElementValue | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.kind === b.kind && textIn(a) === textIn(b);
}

/** A chain's name fixes its hook and comment. */
function sameRules(a: Chain, b: Chain): boolean {
  return a === b || JSON.stringify(a.rules) === JSON.stringify(b.rules);
}

/** What was there before the first edit since the last time; undefined: nothing was. */
interface Originals {
  readonly chains: Map<string, Chain | undefined>;
  /** Sets that came or went. */
  readonly sets: Map<string, EditableSet | undefined>;
  /** Elements of other sets, and of those that went before they did. */
  readonly elements: Map<string, Map<Bytes, { readonly verdict: ElementValue | undefined } | undefined>>;
}

function remember<K, V>(originals: Map<K, V>, key: K, value: V): void {
  if (!originals.has(key)) originals.set(key, value);
}

function touch(originals: Originals, set: EditableSet, key: Bytes): void {
  if (originals.sets.has(set.spec.name)) return;
  let record = originals.elements.get(set.spec.name);
  if (record === undefined) {
    record = new Map();
    originals.elements.set(set.spec.name, record);
  }
  if (!record.has(key)) record.set(key, set.elements.has(key) ? { verdict: set.elements.get(key) } : undefined);
}

/** The elements that a set had before the edits. */
function originalElements(originals: Originals, set: EditableSet): Elements {
  const elements = new Map(set.elements);
  for (const [key, was] of originals.elements.get(set.spec.name) ?? []) {
    if (was === undefined) elements.delete(key);
    else elements.set(key, was.verdict);
  }
  return elements;
}

/** What became of the given keys. An element with another verdict leaves and comes. */
function compareElements(
  keys: Iterable<Bytes>,
  before: (key: Bytes) => { readonly verdict: ElementValue | undefined } | undefined,
  now: Elements,
): { readonly added: readonly Element[]; readonly removed: readonly Element[] } {
  const added: Element[] = [];
  const removed: Element[] = [];
  for (const key of keys) {
    const was = before(key);
    const is = now.has(key);
    if (was !== undefined && is && sameValue(was.verdict, now.get(key))) continue;
    if (was !== undefined) removed.push([key, was.verdict]);
    if (is) added.push([key, now.get(key)]);
  }
  return { added, removed };
}

/** Sets of the same name are of the same type: their names say it. */
function compareReplacedSet(before: Elements, now: Elements): ReturnType<typeof compareElements> {
  const keys = new Set([...before.keys(), ...now.keys()]);
  return compareElements(keys, (key) => (before.has(key) ? { verdict: before.get(key) } : undefined), now);
}

function computeSetChanges(
  originals: Originals,
  sets: ReadonlyMap<string, EditableSet>,
): Pick<RulesetChanges, 'addedSets' | 'removedSets' | 'addedElements' | 'removedElements'> {
  const addedSets: SetSpec[] = [];
  const removedSets: RemovedSet[] = [];
  const addedElements: SetElements[] = [];
  const removedElements: SetElements[] = [];
  for (const [name, was] of originals.sets) {
    const set = sets.get(name);
    if (was !== undefined && set !== undefined) {
      const { added, removed } = compareReplacedSet(originalElements(originals, was), set.elements);
      addedElements.push({ set: set.spec, elements: added });
      removedElements.push({ set: set.spec, elements: removed });
    } else if (set !== undefined) {
      addedSets.push(set.spec);
      addedElements.push({ set: set.spec, elements: [...set.elements] });
    } else if (was !== undefined) {
      removedSets.push({ name, isMap: isMap(was.spec), elements: originalElements(originals, was) });
    }
  }
  for (const [name, record] of originals.elements) {
    const set = sets.get(name);
    if (set === undefined || originals.sets.has(name)) continue;
    const { added, removed } = compareElements(record.keys(), (key) => record.get(key), set.elements);
    addedElements.push({ set: set.spec, elements: added });
    removedElements.push({ set: set.spec, elements: removed });
  }
  return { addedSets, removedSets, addedElements, removedElements };
}

function computeChainChanges(
  originals: Originals,
  chains: ReadonlyMap<string, Chain>,
): Pick<RulesetChanges, 'addedChains' | 'rewrittenChains' | 'removedChains'> {
  const addedChains: Chain[] = [];
  const rewrittenChains: Chain[] = [];
  const removedChains: string[] = [];
  for (const [name, was] of originals.chains) {
    const chain = chains.get(name);
    if (chain === undefined) {
      if (was !== undefined) removedChains.push(name);
    } else if (was === undefined) addedChains.push(chain);
    else if (!sameRules(was, chain)) rewrittenChains.push(chain);
  }
  return { addedChains, rewrittenChains, removedChains };
}

/** `initial` is what the kernel is taken to hold. */
export function createRulesetEditor(initial: Ruleset): RulesetEditor {
  const chains = new Map(initial.chains);
  const sets = new Map<string, EditableSet>(
    [...initial.sets].map(([name, { spec, elements }]) => [name, { spec, elements: new Map(elements) }]),
  );
  const originals: Originals = { chains: new Map(), sets: new Map(), elements: new Map() };

  return {
    ruleset: { chains, sets },
    setChain(chain) {
      remember(originals.chains, chain.name, chains.get(chain.name));
      chains.set(chain.name, chain);
    },
    removeChain(name) {
      remember(originals.chains, name, chains.get(name));
      chains.delete(name);
    },
    addSet(spec) {
      if (sets.has(spec.name)) return;
      remember(originals.sets, spec.name, undefined);
      sets.set(spec.name, { spec, elements: new Map() });
    },
    removeSet(name) {
      remember(originals.sets, name, sets.get(name));
      sets.delete(name);
    },
    setElement(name, key, verdict) {
      const set = mustHave(sets, name);
      touch(originals, set, key);
      set.elements.set(key, verdict);
    },
    removeElement(name, key) {
      const set = mustHave(sets, name);
      touch(originals, set, key);
      set.elements.delete(key);
    },
    takeSteps() {
      const changes = { ...computeChainChanges(originals, chains), ...computeSetChanges(originals, sets) };
      originals.chains.clear();
      originals.sets.clear();
      originals.elements.clear();
      return orderChanges(changes, { chains, sets });
    },
  };
}

function mustHave(sets: ReadonlyMap<string, EditableSet>, name: string): EditableSet {
  const set = sets.get(name);
  if (set === undefined) throw new OcicatError('internal', `edit set "${name}": there is none of that name`);
  return set;
}
