// Several values under a key, of which most have one.

export interface Multimap<K, V> {
  add(key: K, value: V): void;
  remove(key: K, value: V): void;
  /** In the order in which they came. */
  get(key: K): readonly V[];
  /** How many keys there are. */
  size(): number;
}

const NONE: readonly never[] = [];

export function createMultimap<K, V>(): Multimap<K, V> {
  const all = new Map<K, readonly V[]>();
  return {
    add(key, value) {
      all.set(key, [...(all.get(key) ?? NONE), value]);
    },
    remove(key, value) {
      const left = (all.get(key) ?? NONE).filter((one) => one !== value);
      if (left.length === 0) all.delete(key);
      else all.set(key, left);
    },
    get: (key) => all.get(key) ?? NONE,
    size: () => all.size,
  };
}
