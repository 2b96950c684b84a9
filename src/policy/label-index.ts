// Which selectors match which items, found through the label terms they share instead of by trying all pairs.
// Matches are a function of the labels, so none is stored: what an item matched is found again from its old labels.
import { matchSelector } from '../selector/match.ts';
import type { Selector } from '../selector/selector.ts';
import { addToBag, type Bag, bagSize, removeFromBag, visitBag } from './bag.ts';
import { type Cover, chooseCover, coverLabels, type Term } from './cover.ts';
import { findLabel, type PackedLabels } from './labels.ts';

export interface IndexedItem {
  readonly labels: PackedLabels;
  readonly heritage: { readonly labels: PackedLabels };
}

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
}

/** What is known of one label name. */
interface LabelEntry<I extends object, S extends object> {
  /** Items that have the label. */
  count: number;
  /** Items by value, kept from the first time a selector asks about the label. */
  values: Map<string, Bag<I>> | undefined;
  /** Selectors waiting for the label with any value, and with one value. */
  anyValue: Bag<S>;
  byValue: Map<string, Bag<S>> | undefined;
}

/** Calls `visit` with each label an item has or inherits; its own come before inherited ones of the same name. */
function visitLabels(item: IndexedItem, visit: (name: string, value: string) => void): void {
  const own = item.labels;
  for (let at = 0; at < own.length; at += 2) visit(own[at] ?? '', own[at + 1] ?? '');
  const inherited = item.heritage.labels;
  for (let at = 0; at < inherited.length; at += 2) {
    const name = inherited[at] ?? '';
    if (findLabel(own, name) === undefined) visit(name, inherited[at + 1] ?? '');
  }
}

function changeBag<K, T extends object>(bags: Map<K, Bag<T>>, key: K, change: typeof addToBag<T>, item: T): void {
  const bag = change(bags.get(key), item);
  if (bag === undefined) bags.delete(key);
  else bags.set(key, bag);
}

/** `items` lists all that are in the index. Matches are reported as they begin and end, in no particular order. */
export function createLabelIndex<I extends IndexedItem, S extends IndexedSelector>(
  items: () => Iterable<I>,
  onMatch: (selector: S, item: I) => void,
  onUnmatch: (selector: S, item: I) => void,
): LabelIndex<I, S> {
  const entries = new Map<string, LabelEntry<I, S>>();
  const uncovered = new Set<S>();
  let visits = 0;

  let tested: IndexedItem | undefined;
  const testedLabels = {
    get: (name: string) =>
      tested === undefined ? undefined : (findLabel(tested.labels, name) ?? findLabel(tested.heritage.labels, name)),
  };

  function matches(selector: S, item: I): boolean {
    tested = item;
    return matchSelector(selector.selector, testedLabels);
  }

  function entryOf(label: string): LabelEntry<I, S> {
    const known = entries.get(label);
    if (known !== undefined) return known;
    const entry: LabelEntry<I, S> = { count: 0, values: undefined, anyValue: undefined, byValue: undefined };
    entries.set(label, entry);
    return entry;
  }

  function dropIfUnused(label: string, entry: LabelEntry<I, S>): void {
    if (entry.count === 0 && entry.anyValue === undefined && (entry.byValue?.size ?? 0) === 0) entries.delete(label);
  }

  function bucketOf(term: Term): Bag<S> {
    const entry = entries.get(term.label);
    return term.value === undefined ? entry?.anyValue : entry?.byValue?.get(term.value);
  }

  function countOf(term: Term): number {
    const entry = entries.get(term.label);
    if (entry === undefined) return 0;
    return term.value === undefined || entry.values === undefined ? entry.count : bagSize(entry.values.get(term.value));
  }

  /** Items that have it, which will make the selector be tried; with as many, the emptier bucket. */
  function costOf(term: Term): number {
    return countOf(term) + bagSize(bucketOf(term)) / 1e9;
  }

  function enter(selector: S): void {
    const cover = chooseCover(selector.selector, costOf);
    selector.place.cover = cover;
    selector.place.misses = 0;
    if (cover === undefined) uncovered.add(selector);
    else for (const term of cover) changeBucket(term, addToBag, selector);
  }

  function leave(selector: S): void {
    if (selector.place.cover === undefined) uncovered.delete(selector);
    else for (const term of selector.place.cover) changeBucket(term, removeFromBag, selector);
  }

  function changeBucket(term: Term, change: typeof addToBag<S>, selector: S): void {
    const entry = entryOf(term.label);
    if (term.value === undefined) entry.anyValue = change(entry.anyValue, selector);
    else {
      entry.byValue ??= new Map();
      changeBag(entry.byValue, term.value, change, selector);
    }
    dropIfUnused(term.label, entry);
  }

  function chooseAgain(selector: S): void {
    const before = selector.place.cover;
    leave(selector);
    enter(selector);
    const same = before?.every((term, at) => {
      const now = selector.place.cover?.[at];
      return now?.label === term.label && now.value === term.value;
    });
    selector.place.patience = same === true ? selector.place.patience * 2 : FIRST_PATIENCE;
  }

  /** Tries every selector that waits for a label of the item; those that match are visited, the others returned. */
  function visitMatches(item: I, visit: (selector: S, item: I) => void): readonly S[] {
    const visitNumber = ++visits;
    const missed: S[] = [];
    const attempt = (selector: S) => {
      if (selector.place.visit === visitNumber) return;
      selector.place.visit = visitNumber;
      if (matches(selector, item)) visit(selector, item);
      else if (selector.place.cover !== undefined) missed.push(selector);
    };
    visitLabels(item, (name, value) => {
      const entry = entries.get(name);
      if (entry === undefined) return;
      visitBag(entry.anyValue, attempt);
      visitBag(entry.byValue?.get(value), attempt);
    });
    for (const selector of uncovered) attempt(selector);
    return missed;
  }

  /** Begins to keep the items of these labels by value, in one pass over all items. */
  function trackLabels(labels: ReadonlySet<string>): void {
    let scan = false;
    const fresh = new Set<string>();
    for (const label of labels) {
      const entry = entryOf(label);
      if (entry.values !== undefined) continue;
      entry.values = new Map();
      fresh.add(label);
      scan ||= entry.count > 0;
    }
    if (!scan) return;
    for (const item of items()) {
      visitLabels(item, (name, value) => {
        const values = fresh.has(name) ? entries.get(name)?.values : undefined;
        if (values !== undefined) changeBag(values, value, addToBag, item);
      });
    }
  }

  function visitTerm(term: Term, visit: (item: I) => void): void {
    const values = entries.get(term.label)?.values;
    if (term.value !== undefined) visitBag(values?.get(term.value), visit);
    else for (const bag of values?.values() ?? []) visitBag(bag, visit);
  }

  /** Calls `visit` once with each item that satisfies a term of the cover. */
  function visitCandidates(cover: Cover | undefined, visit: (item: I) => void): void {
    if (cover === undefined) {
      for (const item of items()) visit(item);
    } else if (cover.length === 1) {
      for (const term of cover) visitTerm(term, visit);
    } else {
      const found = new Set<I>();
      for (const term of cover) visitTerm(term, (item) => void found.add(item));
      found.forEach(visit);
    }
  }

  return {
    addItem(item) {
      visitLabels(item, (name, value) => {
        const entry = entryOf(name);
        entry.count++;
        if (entry.values !== undefined) changeBag(entry.values, value, addToBag, item);
      });
      for (const selector of visitMatches(item, onMatch)) {
        if (++selector.place.misses >= selector.place.patience) chooseAgain(selector);
      }
    },
    removeItem(item) {
      visitMatches(item, onUnmatch);
      visitLabels(item, (name, value) => {
        const entry = entryOf(name);
        entry.count--;
        if (entry.values !== undefined) changeBag(entry.values, value, removeFromBag, item);
        dropIfUnused(name, entry);
      });
    },
    addSelectors(selectors) {
      trackLabels(new Set(selectors.flatMap((selector) => [...coverLabels(selector.selector)])));
      for (const selector of selectors) {
        enter(selector);
        visitCandidates(selector.place.cover, (item) => {
          if (matches(selector, item)) onMatch(selector, item);
        });
      }
    },
    removeSelector: leave,
  };
}
