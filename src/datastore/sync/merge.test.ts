import { expect, test } from 'bun:test';
import { mergeStreams } from './merge.ts';

/** Numbers from `first` on, as fast as they are taken, until aborted. */
async function* count(first: number, signal: AbortSignal): AsyncGenerator<number> {
  for (let n = first; !signal.aborted; n += 1) yield n;
}

/** Says nothing until aborted. */
async function* silence(signal: AbortSignal): AsyncGenerator<number> {
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}

function within<T>(work: Promise<T>): Promise<T | 'hangs'> {
  return Promise.race([work, Bun.sleep(1_000).then(() => 'hangs' as const)]);
}

/** Takes so many items and leaves. */
async function take(items: number, streams: (signal: AbortSignal) => AsyncIterable<number>[]): Promise<number> {
  let taken = 0;
  for await (const _ of mergeStreams(streams, new AbortController().signal)) {
    taken += 1;
    if (taken === items) break;
  }
  return taken;
}

test('a consumer that leaves with an offer in hand ends all streams', async () => {
  const streams = (signal: AbortSignal) => [count(0, signal), count(100, signal), silence(signal)];
  for (const items of [1, 2, 5]) expect(await within(take(items, streams))).toBe(items);
});

test('an abort ends it at any moment', async () => {
  const stop = new AbortController();
  const seen: number[] = [];
  const run = (async () => {
    for await (const item of mergeStreams((signal) => [count(0, signal), silence(signal)], stop.signal)) {
      seen.push(item);
      if (seen.length === 3) stop.abort();
    }
    return seen.length;
  })();
  expect(await within(run)).toBeGreaterThanOrEqual(3);
});

test('the failure of one stream comes after what was offered before, and ends the others', async () => {
  async function* failing(): AsyncGenerator<number> {
    yield 1;
    throw new Error('broken');
  }
  let ended = false;
  async function* watched(signal: AbortSignal): AsyncGenerator<number> {
    yield* silence(signal);
    ended = true;
  }
  const seen: number[] = [];
  const run = (async () => {
    const signal = new AbortController().signal;
    for await (const item of mergeStreams((stop) => [failing(), watched(stop)], signal)) seen.push(item);
  })();
  await expect(run).rejects.toThrow('broken');
  expect({ seen, ended }).toEqual({ seen: [1], ended: true });
});
