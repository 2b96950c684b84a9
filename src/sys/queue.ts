// Work that must not overlap: one thing at a time for each name, in the order in which it came.

export interface Queue {
  /** Runs `work` after everything that was given under the same name before; a failure there does not stop it. */
  run<T>(name: string, work: () => Promise<T>): Promise<T>;
  /** Whether something of that name runs or waits. */
  isBusy(name: string): boolean;
}

export function createQueue(): Queue {
  const tails = new Map<string, Promise<unknown>>();
  return {
    isBusy: (name) => tails.has(name),
    async run(name, work) {
      const before = tails.get(name);
      const { promise: done, resolve } = Promise.withResolvers<void>();
      tails.set(name, done);
      try {
        await before;
        return await work();
      } finally {
        if (tails.get(name) === done) tails.delete(name);
        resolve();
      }
    },
  };
}
