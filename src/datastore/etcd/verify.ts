// Holds what was once seen in the store against what the store says of that moment now.
import { isOcicatError } from '../../base/errors.ts';
import type { KeyValue } from '../port.ts';
import type { ClusterIdentity, Witnessed } from './cluster-identity.ts';
import type { RangeQuery } from './messages.ts';

/** Reads one key by way of a quorum, now or at a revision. */
export type ReadKey = (query: Pick<RangeQuery, 'key' | 'revision'>) => Promise<KeyValue | undefined>;

function isSame(kv: KeyValue | undefined, { value, modRevision }: Witnessed): boolean {
  if (value === undefined) return kv === undefined;
  return kv?.modRevision === modRevision && kv.value === value;
}

/** A write stands as it was made, or the past knows it; a deletion is known by the past alone. */
async function stands(read: ReadKey, event: Witnessed): Promise<boolean> {
  const { key, modRevision } = event;
  if (event.value !== undefined && isSame(await read({ key }), event)) return true;
  try {
    return isSame(await read({ key, revision: modRevision }), event);
  } catch (error) {
    // The store has not come so far, or has forgotten that time: then nothing says that it is the same.
    if (isOcicatError(error, 'invalid', 'not-found')) return false;
    throw error;
  }
}

/**
 * Asks for the newest things that were seen, after each new connection: a store is replaced only while its server is
 * down. `identity` has another name afterwards when they did not happen there. (A history that differs only before its
 * last write, and has at that very revision the same value at the same key, is taken for the same.)
 */
export async function verifyHistory(identity: ClusterIdentity, read: ReadKey): Promise<void> {
  const before = identity.name();
  for (const event of identity.evidence()) {
    const standing = await stands(read, event);
    if (identity.name() !== before) return;
    if (!standing) return identity.replace();
  }
}
