// Deep equality of plain values, so that an update which changes nothing can be told from one that does.

/** Whether two values of primitives, arrays, Sets and plain objects have the same content; Sets in the same order. */
export function sameContent(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a)) return Array.isArray(b) && sameItems(a, b);
  if (a instanceof Set) return b instanceof Set && sameItems([...a], [...b]);
  return !Array.isArray(b) && !(b instanceof Set) && sameMembers(a, b);
}

function sameItems(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((item, index) => sameContent(item, b[index]));
}

/** A member that is undefined equals one that is absent only when both objects have as many members. */
function sameMembers(a: object, b: object): boolean {
  const members = new Map(Object.entries(b));
  const own = Object.entries(a);
  return (
    own.length === members.size && own.every(([key, value]) => members.has(key) && sameContent(value, members.get(key)))
  );
}
