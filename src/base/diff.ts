// Keyed difference of two maps: what to add, change and remove so that `before` becomes `after`.

export interface KeyedDiff<K, V> {
  readonly added: readonly (readonly [K, V])[];
  readonly changed: readonly (readonly [K, V])[];
  readonly removed: readonly K[];
}

/** Cost is linear in both maps. Values are equal when `same` says so (default: identity). */
export function computeDiff<K, V>(
  before: ReadonlyMap<K, V>,
  after: ReadonlyMap<K, V>,
  same: (a: V, b: V) => boolean = Object.is,
): KeyedDiff<K, V> {
  const added: [K, V][] = [];
  const changed: [K, V][] = [];
  const removed: K[] = [];
  for (const [key, value] of after) {
    const old = before.get(key);
    if (old === undefined) added.push([key, value]);
    else if (!same(old, value)) changed.push([key, value]);
  }
  for (const key of before.keys()) if (!after.has(key)) removed.push(key);
  return { added, changed, removed };
}
