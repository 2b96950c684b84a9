// Keeps leases alive until they are stopped, without a stream that could break: one request each time a third has passed.

import { pause } from '../../sys/pause.ts';
import type { Lease } from '../port.ts';
import type { Caller } from './caller.ts';
import { decodeLease, encodeLeaseId, LEASE_KEEP_ALIVE } from './messages.ts';

export interface LeaseKeeper {
  keep(lease: Lease, ttlSeconds: number): void;
  /** Returns when no more request of it is under way. */
  release(lease: Lease): Promise<void>;
  /** Releases all. */
  close(): Promise<void>;
}

interface Kept {
  readonly stop: AbortController;
  readonly ended: Promise<void>;
}

/** Goes on through outages: an expired lease says so (TTL 0) and only then is there nothing left to keep. */
async function keepAlive(caller: Caller, lease: Lease, ttlSeconds: number, signal: AbortSignal): Promise<void> {
  const request = {
    action: `keep lease "${lease}" alive`,
    path: LEASE_KEEP_ALIVE,
    message: encodeLeaseId(lease),
    repeatable: true,
  };
  while (!signal.aborted) {
    await pause((ttlSeconds * 1000) / 3, signal);
    if (signal.aborted) return;
    try {
      if (decodeLease(await caller.call(request, signal)).ttlSeconds <= 0) return;
    } catch {
      // The server is away: the next turn asks again, and a lease that ran out meanwhile is refused to its user's puts.
    }
  }
}

export function createLeaseKeeper(caller: Caller): LeaseKeeper {
  const kept = new Map<Lease, Kept>();

  async function release(lease: Lease): Promise<void> {
    const entry = kept.get(lease);
    kept.delete(lease);
    entry?.stop.abort();
    await entry?.ended;
  }

  return {
    keep(lease, ttlSeconds) {
      const stop = new AbortController();
      kept.set(lease, { stop, ended: keepAlive(caller, lease, ttlSeconds, stop.signal) });
    },
    release,
    async close() {
      await Promise.all([...kept.keys()].map(release));
    },
  };
}
