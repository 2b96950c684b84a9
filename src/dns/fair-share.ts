// Who may have how much under way at a time: a bound for all, and one for each. Where all have reached theirs, whoever has the most
// gives up its oldest for one that has less.

export interface Turn {
  /** Aborted when another one takes the place. */
  readonly signal: AbortSignal;
  end(): void;
}

export interface FairShare<K> {
  /** undefined when there is no place. */
  begin(who: K): Turn | undefined;
  /** How many are under way. */
  size(): number;
}

export function createFairShare<K>(maxAll: number, maxEach: number): FairShare<K> {
  /** Each in the order in which they began. */
  const all = new Map<K, Set<AbortController>>();
  let size = 0;

  function end(who: K, one: AbortController): void {
    const own = all.get(who);
    if (own?.delete(one) !== true) return;
    size -= 1;
    if (own.size === 0) all.delete(who);
  }

  /** Whoever has the most. */
  function greediest(): readonly [K, Set<AbortController>] | undefined {
    return [...all].reduce<readonly [K, Set<AbortController>] | undefined>(
      (most, one) => (most === undefined || one[1].size > most[1].size ? one : most),
      undefined,
    );
  }

  function makeRoom(own: number): boolean {
    if (size < maxAll) return true;
    const most = greediest();
    if (most === undefined || most[1].size <= own + 1) return false;
    for (const oldest of most[1]) {
      end(most[0], oldest);
      oldest.abort();
      return true;
    }
    return false;
  }

  return {
    begin(who) {
      const own = all.get(who)?.size ?? 0;
      if (own >= maxEach || !makeRoom(own)) return undefined;
      const one = new AbortController();
      all.set(who, (all.get(who) ?? new Set()).add(one));
      size += 1;
      return { signal: one.signal, end: () => end(who, one) };
    },
    size: () => size,
  };
}
