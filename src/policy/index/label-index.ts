// Which selectors match which items, found through the label terms they share instead of by trying all pairs.
// Matches are a function of the labels, so none is stored: what an item matched is found again from its old labels.
import { matchSelector, tryMatchSelector } from '../../selector/match.ts';
import type { Selector } from '../../selector/selector.ts';
import { type Cover, chooseCover, coverLabels } from './cover.ts';
import { createLabelTable, type IndexedItem } from './label-table.ts';
import { findLabel } from './labels.ts';

/** Where a selector stands in an index; made by newPlace, changed only by the index. */
export interface Place {
  /** The terms it waits under; undefined when every item must be tried. */
  cover: Cover | undefined;
  /** Items tried in vain since the cover was chosen, and how many more make it choose again. */
  misses: number;
  patience: number;
  /** The last visit that saw it, so that one item tries it once. */
  visit: number;
}

export interface IndexedSelector {
  readonly selector: Selector;
  readonly place: Place;
}

/** Misses before a selector looks for a better cover; doubled when there is none, so that looking stays rare. */
const FIRST_PATIENCE = 16;

export function newPlace(): Place {
  return { cover: undefined, misses: 0, patience: FIRST_PATIENCE, visit: 0 };
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

function sameCover(a: Cover | undefined, b: Cover | undefined): boolean {
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
  const selectors = new Set<S>();
  /** Kept out of the table: they may have labels that it does not know of, so every selector is tried. */
  const open = new Set<I>();
  const uncovered = new Set<S>();
  let visits = 0;

  const knownItems = (): Iterable<I> => (open.size === 0 ? items() : [...items()].filter((item) => !open.has(item)));

  let tested: IndexedItem | undefined;
  const testedLabels = {
    get: (name: string) =>
      tested === undefined ? undefined : (findLabel(tested.labels, name) ?? findLabel(tested.heritage.labels, name)),
  };

  function matches(selector: S, item: I): boolean {
    tested = item;
    return matchSelector(selector.selector, testedLabels);
  }

  function enter(selector: S): void {
    const cover = chooseCover(selector.selector, table.costOf);
    selector.place.cover = cover;
    selector.place.misses = 0;
    if (cover === undefined) uncovered.add(selector);
    else for (const term of cover) table.wait(term, selector);
  }

  function leave(selector: S): void {
    if (selector.place.cover === undefined) uncovered.delete(selector);
    else for (const term of selector.place.cover) table.stopWaiting(term, selector);
  }

  function countMiss(selector: S): void {
    const { place } = selector;
    if (++place.misses < place.patience) return;
    const before = place.cover;
    leave(selector);
    enter(selector);
    place.patience = sameCover(before, place.cover) ? place.patience * 2 : FIRST_PATIENCE;
  }

  /** Calls `visit` when the selector matches an open item, or may match it. */
  function visitOpen(selector: S, item: I, visit: OnMatch<I, S>): void {
    tested = item;
    const outcome = tryMatchSelector(selector.selector, testedLabels);
    if (outcome !== false) visit(selector, item, outcome === true);
  }

  /** Tries every selector that waits for a label of the item; those that match are visited, the others returned. */
  function visitMatches(item: I, visit: OnMatch<I, S>): readonly S[] {
    const visitNumber = ++visits;
    const missed: S[] = [];
    const attempt = (selector: S) => {
      if (selector.place.visit === visitNumber) return;
      selector.place.visit = visitNumber;
      if (matches(selector, item)) visit(selector, item, true);
      else if (selector.place.cover !== undefined) missed.push(selector);
    };
    table.visitWaiting(item, attempt);
    for (const selector of uncovered) attempt(selector);
    return missed;
  }

  /** Calls `visit` once with each item that satisfies a term of the cover. */
  function visitCandidates(cover: Cover | undefined, visit: (item: I) => void): void {
    const [only] = cover ?? [];
    if (cover === undefined) {
      for (const item of knownItems()) visit(item);
    } else if (only !== undefined && cover.length === 1) {
      table.visitItems(only, visit);
    } else {
      const found = new Set<I>();
      for (const term of cover) table.visitItems(term, (item) => void found.add(item));
      found.forEach(visit);
    }
  }

  return {
    addItem(item) {
      if (item.heritage.open) {
        open.add(item);
        for (const selector of selectors) visitOpen(selector, item, onMatch);
        return;
      }
      table.addItem(item);
      visitMatches(item, onMatch).forEach(countMiss);
    },
    removeItem(item) {
      if (open.delete(item)) {
        for (const selector of selectors) visitOpen(selector, item, onUnmatch);
        return;
      }
      visitMatches(item, onUnmatch);
      table.removeItem(item);
    },
    addSelectors(added) {
      const labels = new Set(added.flatMap((selector) => [...coverLabels(selector.selector)]));
      table.track(labels, knownItems);
      for (const selector of added) {
        selectors.add(selector);
        enter(selector);
        visitCandidates(selector.place.cover, (item) => {
          if (matches(selector, item)) onMatch(selector, item, true);
        });
        for (const item of open) visitOpen(selector, item, onMatch);
      }
      table.dropUnused(labels);
    },
    removeSelector(selector) {
      selectors.delete(selector);
      leave(selector);
    },
    openItems: () => open,
  };
}
