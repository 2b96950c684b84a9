// How an agent becomes the one that speaks for its node: the store is made ready, the node's name taken, the node registered.
import { isOcicatError } from '../base/errors.ts';
import { initialiseDatastore } from '../datastore/resource/initialise.ts';
import type { Log } from '../sys/log.ts';
import type { AgentSettings } from './config/settings.ts';
import { type Claimant, claimNode } from './node/claim.ts';
import { ensureDefaults } from './node/default-pools.ts';
import { keepNodeName } from './node/node-files.ts';
import { type NodeLease, openNodeLease } from './node/node-lease.ts';
import { isRegistered, registerNode } from './node/register.ts';

const RETRY_MS = 1_000;

/** Repeats while the datastore does not answer: the agent is often started before it. */
async function untilAnswered<T>(what: string, log: Log, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isOcicatError(error, 'unavailable', 'timeout', 'conflict') || signal.aborted) throw error;
      log.warn(`${what}: trying again in ${RETRY_MS / 1000} s`, error);
      await Bun.sleep(RETRY_MS);
    }
  }
}

async function register({ datastore, node, log }: Claimant, settings: AgentSettings, signal: AbortSignal) {
  await registerNode({ datastore, settings, node, log }, signal);
  await ensureDefaults(datastore, settings, node, log, signal);
}

/** A store that does not know the node was emptied, or restored from before it was there: it is filled as at the start. */
async function registerAgain(claimant: Claimant, settings: AgentSettings, signal: AbortSignal): Promise<void> {
  const { datastore, node, log } = claimant;
  try {
    await untilAnswered('register with the datastore again', log, signal, async () => {
      if (await isRegistered(datastore, node, signal)) return;
      await initialiseDatastore(datastore, signal);
      await register(claimant, settings, signal);
    });
  } catch (error) {
    if (!signal.aborted) log.error('register with the datastore again', error);
  }
}

/**
 * The name first: what is written under it must not be another host's. Waits for a store that does not answer. Throws
 * `already-exists` when another host has the name.
 */
export async function joinCluster(
  claimant: Claimant,
  settings: AgentSettings,
  signal: AbortSignal,
): Promise<NodeLease> {
  const { datastore, node, log } = claimant;
  const claim = await untilAnswered('take the name of the node', log, signal, async () => {
    await initialiseDatastore(datastore, signal);
    return claimNode(claimant, signal);
  });
  await untilAnswered('register with the datastore', log, signal, () => register(claimant, settings, signal));
  keepNodeName(settings, node, log);
  return openNodeLease(claimant, claim, (ended) => registerAgain(claimant, settings, ended));
}
