// Leases: opened, kept alive without a stream that could break (one request each time a third has passed), and dropped.
import { isOcicatError } from '../../base/errors.ts';
import { pause } from '../../sys/pause.ts';
import type { Lease } from '../port.ts';
import type { Caller } from './caller.ts';
import {
  decodeLease,
  encodeLeaseGrant,
  encodeLeaseId,
  formatLease,
  LEASE_GRANT,
  LEASE_KEEP_ALIVE,
  LEASE_REVOKE,
} from './messages.ts';

export interface Leases {
  /** Kept alive until it is dropped. */
  open(ttlSeconds: number, signal?: AbortSignal): Promise<Lease>;
  /** One that has run out is dropped already. */
  drop(lease: Lease): Promise<void>;
  /** Keeps none of them any longer; they run out by themselves. */
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

async function grant(caller: Caller, ttlSeconds: number, signal?: AbortSignal) {
  const message = encodeLeaseGrant(ttlSeconds);
  const answer = await caller.call({ action: 'open lease', path: LEASE_GRANT, message, repeatable: true }, signal);
  const { id, ttlSeconds: granted } = decodeLease(answer);
  return { lease: formatLease(id), ttlSeconds: granted };
}

async function revoke(caller: Caller, lease: Lease): Promise<void> {
  const action = `drop lease "${lease}"`;
  try {
    await caller.call({ action, path: LEASE_REVOKE, message: encodeLeaseId(lease), repeatable: true });
  } catch (error) {
    if (!isOcicatError(error, 'not-found')) throw error;
  }
}

export function createLeases(caller: Caller): Leases {
  const kept = new Map<Lease, Kept>();

  /** Returns when no more request of it is under way. */
  async function release(lease: Lease): Promise<void> {
    const entry = kept.get(lease);
    kept.delete(lease);
    entry?.stop.abort();
    await entry?.ended;
  }

  return {
    async open(wantedSeconds, signal) {
      const { lease, ttlSeconds } = await grant(caller, wantedSeconds, signal);
      const stop = new AbortController();
      kept.set(lease, { stop, ended: keepAlive(caller, lease, ttlSeconds, stop.signal) });
      return lease;
    },
    async drop(lease) {
      await release(lease);
      await revoke(caller, lease);
    },
    async close() {
      await Promise.all([...kept.keys()].map(release));
    },
  };
}
