// Notices watches that are open and bring nothing although the store goes on.
import { OcicatError } from '../../base/errors.ts';
import { pause } from '../../sys/pause.ts';
import type { Datastore, Revision } from '../port.ts';

const LOOK_MS = 10_000;
/** For so long what the store has may be missing here. */
export const STALL_MS = 30_000;

/** Where the store was at a look, and when that was. */
interface Mark {
  readonly revision: Revision;
  readonly atMs: number;
}

async function tryReadRevision(datastore: Datastore, key: string, signal: AbortSignal): Promise<Revision | undefined> {
  try {
    return (await datastore.get(key, signal)).revision;
  } catch {
    return undefined; // An outage: the watches notice that themselves.
  }
}

/** Ends when aborted; throws `timeout` when `reached` stays for `stallMs` behind a revision that the store has. */
async function untilStalled(
  datastore: Datastore,
  key: string,
  reached: () => Revision,
  signal: AbortSignal,
  stallMs: number,
): Promise<void> {
  let behind: Mark | undefined;
  for (;;) {
    await pause(Math.min(LOOK_MS, stallMs / 3), signal);
    const revision = signal.aborted ? undefined : await tryReadRevision(datastore, key, signal);
    if (signal.aborted) return;
    const now = performance.now();
    if (revision === undefined || reached() >= revision) behind = undefined;
    else if (behind === undefined || reached() >= behind.revision) behind = { revision, atMs: now };
    else if (now - behind.atMs >= stallMs)
      throw new OcicatError(
        'timeout',
        `follow datastore: it is at revision ${revision}, and nothing after ${reached()} has come for ${stallMs / 1000} s`,
      );
  }
}

/** A stream without items that fails as soon as the watches beside it have stalled. `key` is read, by way of a quorum. */
export function watchForStall(
  datastore: Datastore,
  key: string,
  reached: () => Revision,
  signal: AbortSignal,
  stallMs = STALL_MS,
): AsyncIterable<never> {
  const next = async (): Promise<IteratorResult<never>> => {
    await untilStalled(datastore, key, reached, signal, stallMs);
    return { done: true, value: undefined };
  };
  return { [Symbol.asyncIterator]: () => ({ next }) };
}
