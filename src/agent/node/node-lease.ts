// As long as the agent runs it has its node's name: a lease says so to others, and who takes the name from it ends it.
import { isOcicatError, OcicatError } from '../../base/errors.ts';
import { holderKey, parseHolder, readHolder } from '../../datastore/resource/node-holder.ts';
import { openSync, type SyncUpdate } from '../../datastore/sync/sync.ts';
import type { TransactionBuilder } from '../../ipam/transaction-builder.ts';
import { pause } from '../../sys/pause.ts';
import { type Claim, type Claimant, nameTaken, reclaimNode } from './claim.ts';
import { relate } from './host-identity.ts';

const RETRY_MS = 1_000;
const RELEASE_MS = 2_000;

export interface NodeLease {
  /** Watches over the name until aborted; throws `already-exists` when another agent has it. */
  keep(signal: AbortSignal): Promise<void>;
  /** Asks the store whether the name is still this agent's: nothing else proves that what it does not see is gone. */
  isHeld(signal?: AbortSignal): Promise<boolean>;
  /** Makes a commit depend on that. Throws `not-ready` when it is not. */
  require(builder: TransactionBuilder): Promise<void>;
  /** Gives the name back at once, so that whoever comes next need not wait. */
  release(): Promise<void>;
}

/** `returned`: the name was lost and is ours again, maybe in a store that does not know the node. */
export function openNodeLease(
  claimant: Claimant,
  claim: Claim,
  returned: (signal: AbortSignal) => Promise<void> = async () => undefined,
): NodeLease {
  const { datastore, node, own, log } = claimant;
  const key = holderKey(node, 'agent');
  let { lease } = claim;

  async function reclaim(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        const next = await reclaimNode(claimant, signal);
        await datastore.dropLease(lease).catch(() => undefined); // it has run out, or the key was deleted
        lease = next.lease;
        log.warn(`node "${node}": its lease was lost, and there is a new one`);
        return await returned(signal);
      } catch (error) {
        if (!isOcicatError(error, 'unavailable', 'timeout', 'conflict')) throw error;
        await pause(RETRY_MS, signal);
      }
    }
  }

  /** Whether the name is ours after the update; false when it is there to be taken. */
  function take({ value }: SyncUpdate): boolean {
    if (value === undefined) return false;
    const holder = parseHolder(key, value);
    if (holder.instance === own.instance) return true;
    // an earlier agent of this very host, in a store that was restored: it has ended, and its claim with it
    if (relate(holder, own) === 'same') return false;
    throw nameTaken(node, holder);
  }

  return {
    async keep(signal) {
      let isStanding = false;
      for await (const message of openSync(datastore, [key], signal)) {
        if (message.kind === 'updates') for (const update of message.updates) isStanding = take(update);
        if (message.kind === 'disconnected' || isStanding) continue;
        await reclaim(signal);
        isStanding = true;
      }
    },
    async isHeld(signal) {
      return (await readHolder(datastore, node, 'agent', signal)).holder?.instance === own.instance;
    },
    async require(builder) {
      const value = await builder.get(key);
      if (value !== undefined && parseHolder(key, value).instance === own.instance) return;
      throw new OcicatError('not-ready', `write as node "${node}": its name is not this agent's`);
    },
    async release() {
      // a store that does not answer must not keep the agent from ending: the lease ends by itself
      const answered = new AbortController();
      const dropped = datastore.dropLease(lease).catch(() => undefined);
      await Promise.race([dropped.finally(() => answered.abort()), pause(RELEASE_MS, answered.signal)]);
    },
  };
}
