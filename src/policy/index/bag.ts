// A collection that is usually empty or has one member, and then costs no object of its own.

/** Members are objects, never Sets. Undefined is the empty bag. */
export type Bag<T extends object> = undefined | T | Set<T>;

/** The bag with the item in it; adding what is there changes nothing. */
export function addToBag<T extends object>(bag: Bag<T>, item: T): Bag<T> {
  if (bag === undefined || bag === item) return item;
  if (bag instanceof Set) return bag.add(item);
  return new Set([bag, item]);
}

/** The bag without the item; removing what is not there changes nothing. */
export function removeFromBag<T extends object>(bag: Bag<T>, item: T): Bag<T> {
  if (bag === item) return undefined;
  if (!(bag instanceof Set)) return bag;
  bag.delete(item);
  return bag.size === 0 ? undefined : bag;
}

export function bagSize<T extends object>(bag: Bag<T>): number {
  return bag === undefined ? 0 : bag instanceof Set ? bag.size : 1;
}

/** Calls `visit` with each member; `visit` must not change the bag. */
export function visitBag<T extends object>(bag: Bag<T>, visit: (item: T) => void): void {
  if (bag === undefined) return;
  if (bag instanceof Set) for (const item of bag) visit(item);
  else visit(bag);
}

/** The members, as a new array. */
export function bagItems<T extends object>(bag: Bag<T>): readonly T[] {
  return bag === undefined ? [] : bag instanceof Set ? [...bag] : [bag];
}
