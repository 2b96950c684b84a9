// Which selectors match which items, found through the index keys they share instead of by trying all pairs.
// Matches are a function of the labels, so none is stored: what an item matched is found again from its old labels.
import { matchSelector, tryMatchSelector } from '../../selector/match.ts';
import type { Selector } from '../../selector/selector.ts';
import { chooseIndexKeys, type IndexKeys, indexLabels } from './index-keys.ts';
import { createLabelTable, type IndexedItem } from './label-table.ts';
import { findLabel } from './labels.ts';

/** What an index keeps about a selector; made by newIndexState, changed only by the index. */
export interface IndexState {
  /** The keys it waits under; undefined when every item must be tried. */
  keys: IndexKeys | undefined;
  /** Candidates that did not match since the keys were chosen, and how many of them make it choose again. */
  rejected: number;
  rejectionLimit: number;
  /** The last visit that saw it, so that one item tries it once. */
  visit: number;
}

export interface IndexedSelector {
  readonly selector: Selector;
  readonly indexState: IndexState;
}

/** Rejected candidates before a selector looks for better keys; doubled when there are none, so that looking stays rare. */
const FIRST_REJECTION_LIMIT = 16;

export function newIndexState(): IndexState {
  return { keys: undefined, rejected: 0, rejectionLimit: FIRST_REJECTION_LIMIT, visit: 0 };
}

export interface LabelIndex<I extends IndexedItem, S extends IndexedSelector> {
  /** The item is there and has its labels. */
  addItem(item: I): void;
  /** The item is about to go or to change its labels, which are still the old ones. */
  removeItem(item: I): void;
  /** Many at once cost one pass over the items for all labels that no selector asked about before. */
  addSelectors(selectors: readonly S[]): void;
  /** Reports no end of matches: they end with the selector. */
  removeSelector(selector: S): void;
  /** Items some of whose labels are not known. */
  openItems(): Iterable<I>;
}

/** A match that is not `certain` depends on labels that are not known. */
export type OnMatch<I, S> = (selector: S, item: I, certain: boolean) => void;

function sameKeys(a: IndexKeys | undefined, b: IndexKeys | undefined): boolean {
  return (
    a?.length === b?.length &&
    (a ?? []).every(({ label, value }, at) => b?.[at]?.label === label && b[at]?.value === value)
  );
}

/** `items` lists all that are in the index, open ones too. Matches are reported as they begin and end, in no particular order. */
export function createLabelIndex<I extends IndexedItem, S extends IndexedSelector>(
  items: () => Iterable<I>,
  onMatch: OnMatch<I, S>,
  onUnmatch: OnMatch<I, S>,
): LabelIndex<I, S> {
  const table = createLabelTable<I, S>();
  /** Kept out of the table: they may have labels that it does not know of, so every selector is tried. */
  const open = new Set<I>();
  /** Those that wait for no label: they may match any item, and those that match none but perhaps an open one. */
  const unindexed = new Set<S>();
  const hopeless = new Set<S>();
  let visits = 0;

  const knownItems = (): Iterable<I> => (open.size === 0 ? items() : [...items()].filter((item) => !open.has(item)));

  let tested: IndexedItem | undefined;
  const testedLabels = {
    get: (name: string) =>
      tested === undefined ? undefined : (findLabel(tested.labels, name) ?? findLabel(tested.inherited.labels, name)),
    has: (name: string) =>
      tested !== undefined && (tested.labels.names.includes(name) || tested.inherited.labels.names.includes(name)),
  };

  function matches(selector: S, item: I): boolean {
    tested = item;
    return matchSelector(selector.selector, testedLabels);
  }

  function enter(selector: S): void {
    const keys = chooseIndexKeys(selector.selector, table.costOf);
    selector.indexState.keys = keys;
    selector.indexState.rejected = 0;
    if (keys === undefined) unindexed.add(selector);
    else if (keys.length === 0) hopeless.add(selector);
    else for (const key of keys) table.wait(key, selector);
  }

  function leave(selector: S): void {
    unindexed.delete(selector);
    hopeless.delete(selector);
    for (const key of selector.indexState.keys ?? []) table.stopWaiting(key, selector);
  }

  function countRejection(selector: S): void {
    const { indexState } = selector;
    if (++indexState.rejected < indexState.rejectionLimit) return;
    const before = indexState.keys;
    leave(selector);
    enter(selector);
    indexState.rejectionLimit = sameKeys(before, indexState.keys)
      ? indexState.rejectionLimit * 2
      : FIRST_REJECTION_LIMIT;
  }

  /** Calls `visit` when the selector matches an open item, or may match it. */
  function visitOpen(selector: S, item: I, visit: OnMatch<I, S>): void {
    tested = item;
    const outcome = tryMatchSelector(selector.selector, testedLabels);
    if (outcome !== false) visit(selector, item, outcome === true);
  }

  /** Tries every selector on an open item. */
  function visitAll(item: I, visit: OnMatch<I, S>): void {
    const visitNumber = ++visits;
    const attempt = (selector: S) => {
      if (selector.indexState.visit === visitNumber) return;
      selector.indexState.visit = visitNumber;
      visitOpen(selector, item, visit);
    };
    table.visitAllWaiting(attempt);
    unindexed.forEach(attempt);
    hopeless.forEach(attempt);
  }

  /** Tries every selector that waits for a label of the item; those that match are visited, the others returned. */
  function visitMatches(item: I, visit: OnMatch<I, S>): readonly S[] {
    const visitNumber = ++visits;
    const rejected: S[] = [];
    const attempt = (selector: S) => {
      if (selector.indexState.visit === visitNumber) return;
      selector.indexState.visit = visitNumber;
      if (matches(selector, item)) visit(selector, item, true);
      else if (selector.indexState.keys !== undefined) rejected.push(selector);
    };
    table.visitWaiting(item, attempt);
    for (const selector of unindexed) attempt(selector);
    return rejected;
  }

  /** Calls `visit` once with each item that has one of the keys. */
  function visitCandidates(keys: IndexKeys | undefined, visit: (item: I) => void): void {
    const [only] = keys ?? [];
    if (keys === undefined) {
      for (const item of knownItems()) visit(item);
    } else if (only !== undefined && keys.length === 1) {
      table.visitItems(only, visit);
    } else {
      const candidates = new Set<I>();
      for (const key of keys) table.visitItems(key, (item) => void candidates.add(item));
      candidates.forEach(visit);
    }
  }

  return {
    addItem(item) {
      if (item.inherited.open) {
        open.add(item);
        visitAll(item, onMatch);
        return;
      }
      table.addItem(item);
      visitMatches(item, onMatch).forEach(countRejection);
    },
    removeItem(item) {
      if (open.delete(item)) {
        visitAll(item, onUnmatch);
        return;
      }
      visitMatches(item, onUnmatch);
      table.removeItem(item);
    },
    addSelectors(added) {
      const labels = new Set(added.flatMap((selector) => [...indexLabels(selector.selector)]));
      table.track(labels, knownItems);
      for (const selector of added) {
        enter(selector);
        visitCandidates(selector.indexState.keys, (item) => {
          if (matches(selector, item)) onMatch(selector, item, true);
        });
        for (const item of open) visitOpen(selector, item, onMatch);
      }
      table.dropUnused(labels);
    },
    removeSelector(selector) {
      leave(selector);
    },
    openItems: () => open,
  };
}
