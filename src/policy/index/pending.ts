// Things that are noted until somebody takes them all; taking where there are none costs nothing.

export interface Pending<T> {
  add(item: T): void;
  delete(item: T): void;
  /** All that were noted since the last time. */
  take(): ReadonlySet<T>;
}

const NOTHING: ReadonlySet<never> = new Set();

export function createPending<T>(): Pending<T> {
  let items = new Set<T>();
  return {
    add: (item) => void items.add(item),
    delete: (item) => void items.delete(item),
    take() {
      if (items.size === 0) return NOTHING;
      const taken = items;
      items = new Set();
      return taken;
    },
  };
}
