// What is known of each label name: the items that have it, by value, and the selectors that wait for it.

import type { IndexKey } from './index-keys.ts';
import { type PackedLabels, valueAt } from './labels.ts';
import { addToSmallSet, removeFromSmallSet, type SmallSet, smallSetSize, visitSmallSet } from './small-set.ts';
import { createStringMap, deleteString, getString, type StringMap, setString } from './string-map.ts';

export interface IndexedItem {
  readonly labels: PackedLabels;
  readonly inherited: { readonly labels: PackedLabels; readonly open: boolean };
}

interface LabelEntry<I extends object, S extends object> {
  /** Items that have the label. */
  count: number;
  /** Items by value, kept from the first time a selector asks about the label. */
  values: StringMap<NonNullable<SmallSet<I>>> | undefined;
  /** Selectors waiting for the label with any value, and with one value. */
  anyValue: SmallSet<S>;
  byValue: StringMap<NonNullable<SmallSet<S>>> | undefined;
}

export interface LabelTable<I extends IndexedItem, S extends object> {
  addItem(item: I): void;
  /** The item still has the labels that it was added with. */
  removeItem(item: I): void;
  /** Begins to keep the items of these labels by value; one pass over all items if there is a new one that some have. */
  track(labels: ReadonlySet<string>, items: () => Iterable<I>): void;
  /** Forgets those of these labels that nobody has and nobody waits for. */
  dropUnused(labels: ReadonlySet<string>): void;
  /**
   * How often a selector waiting for the key would be tried: by the items that have it; among keys with equally
   * many, the one that fewer selectors wait for is cheaper.
   */
  costOf(key: IndexKey): number;
  wait(key: IndexKey, selector: S): void;
  stopWaiting(key: IndexKey, selector: S): void;
  /** Calls `visit` with the selectors that wait for a label of the item, perhaps more than once. */
  visitWaiting(item: I, visit: (selector: S) => void): void;
  /** Calls `visit` with every selector that waits for a label, perhaps more than once. */
  visitAllWaiting(visit: (selector: S) => void): void;
  /** Calls `visit` with the items that have the key; its label must be tracked. */
  visitItems(key: IndexKey, visit: (item: I) => void): void;
}

/** Calls `visit` with the place of each label an item has or inherits; its own hide inherited ones of the same name. */
function visitLabels(item: IndexedItem, visit: (name: string, labels: PackedLabels, place: number) => void): void {
  const own = item.labels;
  for (let place = 0; place < own.names.length; place++) visit(own.names[place] ?? '', own, place);
  const inherited = item.inherited.labels;
  for (let place = 0; place < inherited.names.length; place++) {
    const name = inherited.names[place] ?? '';
    if (!own.names.includes(name)) visit(name, inherited, place);
  }
}

function changeSmallSet<T extends object>(
  sets: StringMap<NonNullable<SmallSet<T>>>,
  key: string,
  change: typeof addToSmallSet<T>,
  item: T,
): void {
  const set = change(getString(sets, key), item);
  if (set === undefined) deleteString(sets, key);
  else setString(sets, key, set);
}

function changeWaiting<I extends object, S extends object>(
  entry: LabelEntry<I, S>,
  value: string | undefined,
  change: typeof addToSmallSet<S>,
  selector: S,
): void {
  if (value === undefined) entry.anyValue = change(entry.anyValue, selector);
  else {
    entry.byValue ??= createStringMap();
    changeSmallSet(entry.byValue, value, change, selector);
  }
}

export function createLabelTable<I extends IndexedItem, S extends object>(): LabelTable<I, S> {
  const entries = new Map<string, LabelEntry<I, S>>();

  function entryOf(label: string): LabelEntry<I, S> {
    const known = entries.get(label);
    if (known !== undefined) return known;
    const entry: LabelEntry<I, S> = { count: 0, values: undefined, anyValue: undefined, byValue: undefined };
    entries.set(label, entry);
    return entry;
  }

  function dropIfUnused(label: string, entry: LabelEntry<I, S>): void {
    if (entry.count === 0 && entry.anyValue === undefined && (entry.byValue?.keys.length ?? 0) === 0)
      entries.delete(label);
  }

  /** Readies the labels for tracking; returns those that items already have. */
  function openValues(labels: ReadonlySet<string>): ReadonlySet<string> {
    const untracked = new Set<string>();
    for (const label of labels) {
      const entry = entryOf(label);
      if (entry.values === undefined && entry.count > 0) untracked.add(label);
      entry.values ??= createStringMap();
    }
    return untracked;
  }

  return {
    addItem(item) {
      visitLabels(item, (name, labels, place) => {
        const entry = entryOf(name);
        entry.count++;
        if (entry.values !== undefined) changeSmallSet(entry.values, valueAt(labels, place), addToSmallSet, item);
      });
    },
    removeItem(item) {
      visitLabels(item, (name, labels, place) => {
        const entry = entryOf(name);
        entry.count--;
        if (entry.values !== undefined) changeSmallSet(entry.values, valueAt(labels, place), removeFromSmallSet, item);
        dropIfUnused(name, entry);
      });
    },
    track(labels, items) {
      const untracked = openValues(labels);
      if (untracked.size === 0) return;
      for (const item of items()) {
        visitLabels(item, (name, labels, place) => {
          const values = untracked.has(name) ? entries.get(name)?.values : undefined;
          if (values !== undefined) changeSmallSet(values, valueAt(labels, place), addToSmallSet, item);
        });
      }
    },
    dropUnused(labels) {
      for (const label of labels) {
        const entry = entries.get(label);
        if (entry !== undefined) dropIfUnused(label, entry);
      }
    },
    costOf({ label, value }) {
      const entry = entries.get(label);
      if (entry === undefined) return 0;
      if (value === undefined) return entry.count + smallSetSize(entry.anyValue) / 1e9;
      const count = entry.values === undefined ? entry.count : smallSetSize(getString(entry.values, value));
      return count + smallSetSize(entry.byValue && getString(entry.byValue, value)) / 1e9;
    },
    wait({ label, value }, selector) {
      changeWaiting(entryOf(label), value, addToSmallSet, selector);
    },
    stopWaiting({ label, value }, selector) {
      const entry = entryOf(label);
      changeWaiting(entry, value, removeFromSmallSet, selector);
      dropIfUnused(label, entry);
    },
    visitWaiting(item, visit) {
      visitLabels(item, (name, labels, place) => {
        const entry = entries.get(name);
        if (entry === undefined) return;
        visitSmallSet(entry.anyValue, visit);
        if (entry.byValue !== undefined) visitSmallSet(getString(entry.byValue, valueAt(labels, place)), visit);
      });
    },
    visitAllWaiting(visit) {
      for (const { anyValue, byValue } of entries.values()) {
        visitSmallSet(anyValue, visit);
        for (const set of byValue?.values ?? []) visitSmallSet(set, visit);
      }
    },
    visitItems({ label, value }, visit) {
      const values = entries.get(label)?.values;
      if (value !== undefined) visitSmallSet(values && getString(values, value), visit);
      else for (const set of values?.values ?? []) visitSmallSet(set, visit);
    },
  };
}
