// Several writers of one store, of which one goes on at a time from read or write to read or write: each order that there is, once.
import type { Datastore } from '../../../src/datastore/port.ts';

interface Taken {
  readonly choice: number;
  readonly options: number;
}

export interface Turns {
  /** Of the choices there were, which were made. */
  readonly taken: readonly Taken[];
  /** What is asked before has no turns. */
  start(writers: number): void;
  leave(): void;
  /** The store as one writer sees it, in its turn. */
  storeOf(writer: number, store: Datastore): Datastore;
}

/**
 * Lets one of several writers go on at a time, with all that it asks at once, when each has come to a read or write or to its
 * end. Which one, where several could, is the next of `choices`, or the first.
 */
function createTurns(choices: readonly number[]): Turns {
  const waiting = new Map<number, (() => void)[]>();
  const taken: Taken[] = [];
  let living = 0;
  let isDue = false;

  function next(): void {
    isDue = false;
    if (waiting.size < living || waiting.size === 0) return;
    const ready = [...waiting.keys()].sort();
    const choice = ready.length === 1 ? 0 : (choices[taken.length] ?? 0);
    if (ready.length > 1) taken.push({ choice, options: ready.length });
    const writer = ready[choice] ?? 0;
    const asked = waiting.get(writer) ?? [];
    waiting.delete(writer);
    for (const go of asked) go();
  }

  /** When what the writer that went on has to do without the store is done. */
  function plan(): void {
    if (isDue) return;
    isDue = true;
    setImmediate(next);
  }

  async function inTurn<T>(writer: number, work: () => Promise<T>): Promise<T> {
    if (living > 0)
      await new Promise<void>((resolve) => {
        waiting.set(writer, [...(waiting.get(writer) ?? []), resolve]);
        plan();
      });
    return work();
  }

  return {
    taken,
    start(writers) {
      living = writers;
    },
    leave() {
      living -= 1;
      plan();
    },
    storeOf: (writer, store) => ({
      ...store,
      get: (key, abort) => inTurn(writer, () => store.get(key, abort)),
      list: (prefix, options, abort) => inTurn(writer, () => store.list(prefix, options, abort)),
      commit: (transaction, abort) => inTurn(writer, () => store.commit(transaction, abort)),
    }),
  };
}

/** The choices after these, as one counts; undefined when all have been made. */
function nextChoices(taken: Turns['taken']): readonly number[] | undefined {
  const last = taken.findLastIndex(({ choice, options }) => choice + 1 < options);
  if (last < 0) return undefined;
  return taken.slice(0, last + 1).map(({ choice }, at) => (at === last ? choice + 1 : choice));
}

/** Runs a race in every order. Returns how many there were. */
export async function forEachOrder(run: (turns: Turns) => Promise<void>): Promise<number> {
  let choices: readonly number[] | undefined = [];
  let runs = 0;
  while (choices !== undefined) {
    const turns = createTurns(choices);
    await run(turns);
    runs += 1;
    choices = nextChoices(turns.taken);
  }
  return runs;
}
