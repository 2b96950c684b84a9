// A set that is usually empty or has one member, and then costs no object of its own.

/** Members are objects, never Sets. Undefined is the empty set. */
export type SmallSet<T extends object> = undefined | T | Set<T>;

/** The set with the item in it; adding what is there changes nothing. */
export function addToSmallSet<T extends object>(set: SmallSet<T>, item: T): SmallSet<T> {
  if (set === undefined || set === item) return item;
  if (set instanceof Set) return set.add(item);
  return new Set([set, item]);
}

/** The set without the item; removing what is not there changes nothing. */
export function removeFromSmallSet<T extends object>(set: SmallSet<T>, item: T): SmallSet<T> {
  if (set === item) return undefined;
  if (!(set instanceof Set)) return set;
  set.delete(item);
  return set.size === 0 ? undefined : set;
}

export function smallSetSize<T extends object>(set: SmallSet<T>): number {
  return set === undefined ? 0 : set instanceof Set ? set.size : 1;
}

/** Calls `visit` with each member; `visit` must not change the set. */
export function visitSmallSet<T extends object>(set: SmallSet<T>, visit: (item: T) => void): void {
  if (set === undefined) return;
  if (set instanceof Set) for (const item of set) visit(item);
  else visit(set);
}

/** The members, as a new array. */
export function smallSetItems<T extends object>(set: SmallSet<T>): readonly T[] {
  return set === undefined ? [] : set instanceof Set ? [...set] : [set];
}
