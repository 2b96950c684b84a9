// Several streams as one, each waiting until what it offers is taken.

interface Offer<T> {
  readonly item: T;
  taken(): void;
}

/**
 * Items of all streams in the order in which they come. Ends or throws with the first stream that does, after what was
 * offered before, and then aborts the others through the signal that `open` was given; so does a consumer that leaves,
 * with an offer in hand or without. (Racing the streams' promises would be shorter and would leave a reaction on every
 * quiet stream for every item of a busy one.)
 */
export async function* mergeStreams<T>(
  open: (signal: AbortSignal) => readonly AsyncIterable<T>[],
  outer: AbortSignal,
): AsyncGenerator<T> {
  const stop = new AbortController();
  const onAbort = () => stop.abort(outer.reason);
  const offers: Offer<T>[] = [];
  let ended: { readonly error: unknown } | undefined;
  let wake = (): void => {};

  async function pump(stream: AsyncIterable<T>): Promise<void> {
    let error: unknown;
    try {
      for await (const item of stream) {
        if (stop.signal.aborted) break;
        await new Promise<void>((taken) => {
          offers.push({ item, taken });
          wake();
        });
        if (stop.signal.aborted) break;
      }
    } catch (thrown) {
      error = thrown;
    }
    ended ??= { error };
    wake();
  }

  outer.addEventListener('abort', onAbort, { once: true });
  if (outer.aborted) onAbort();
  const pumps = open(stop.signal).map(pump);
  try {
    for (;;) {
      const [offer] = offers;
      if (offer !== undefined) {
        yield offer.item;
        offers.shift();
        offer.taken();
      } else if (ended === undefined) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      } else if (ended.error !== undefined) {
        throw ended.error;
      } else {
        return;
      }
    }
  } finally {
    outer.removeEventListener('abort', onAbort);
    stop.abort();
    for (const { taken } of offers) taken();
    await Promise.all(pumps);
  }
}
