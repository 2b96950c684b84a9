// datastore lock and unlock: the flag in ClusterInformation that agents and network plugins obey.
import { isOcicatError } from '../../base/errors.ts';
import type { Datastore } from '../../datastore/port.ts';
import { initialiseDatastore } from '../../datastore/resource/initialise.ts';
import { getResource, updateResource } from '../../datastore/resource/resources.ts';
import { dryRunNote, type Handler } from '../cli/command.ts';
import { withStore } from './context.ts';
import { retryConflict } from './retry.ts';

const NAME = { kind: 'ClusterInformation', name: 'default' } as const;

/** Whether agents may change things; a store that was never written to is not locked. */
export async function isLocked(datastore: Datastore, signal: AbortSignal): Promise<boolean> {
  try {
    return (await getResource(datastore, NAME, signal)).spec.datastoreReady === false;
  } catch (error) {
    if (isOcicatError(error, 'not-found')) return false;
    throw error;
  }
}

/** Unlocks the store, or locks it; one that is so already is left as it is. */
export async function setReady(datastore: Datastore, datastoreReady: boolean, signal: AbortSignal): Promise<void> {
  await initialiseDatastore(datastore, signal);
  await retryConflict(async () => {
    const information = await getResource(datastore, NAME, signal);
    if (information.spec.datastoreReady === datastoreReady) return;
    await updateResource(datastore, { ...information, spec: { ...information.spec, datastoreReady } }, signal);
  });
}

function makeSwitch(datastoreReady: boolean, message: string): Handler {
  return async (invocation) => {
    await withStore(invocation, (datastore) => setReady(datastore, datastoreReady, invocation.signal));
    invocation.stdio.write(`${message}${dryRunNote(invocation)}\n`);
    return 0;
  };
}

export const runLock = makeSwitch(false, 'Datastore locked.');
export const runUnlock = makeSwitch(true, 'Datastore unlocked.');
