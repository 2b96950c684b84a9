// The store that the agent works on. A machine's own one may be moved to a cluster while the agent runs: it then begins anew on
// that, in the same process, with everything in the kernel as it is.
import { sameContent } from '../base/equal.ts';
import { printKey } from '../datastore/keys.ts';
import { type DatastoreConfig, parseDatastoreConfig } from '../datastore/open/config.ts';
import { followMove, openDatastore } from '../datastore/open/open.ts';
import { openLog } from '../sys/log.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** What the environment names, else this machine's own, wherever that is by now. Throws `invalid`. */
export function loadOwnStore(environment: Environment): Promise<DatastoreConfig> {
  return followMove(parseDatastoreConfig({ kind: 'environment', environment }));
}

/** Throws as a store's methods do: nobody leaves a store that answers for one that does not. Its own the agent starts itself. */
async function checkAnswers(config: DatastoreConfig, signal: AbortSignal): Promise<void> {
  if (config.servers.kind === 'private') return;
  const datastore = await openDatastore(config, signal);
  try {
    await datastore.get(printKey({ kind: 'ipam-config' }), signal);
  } finally {
    await datastore.close();
  }
}

/**
 * Runs `work` on the store until `stop` fires, and again on another one when SIGHUP finds that it has been moved. Throws
 * what `work` throws.
 */
export async function runOnOwnStore(
  environment: Environment,
  stop: AbortSignal,
  work: (config: DatastoreConfig, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const log = openLog();
  let turn = new AbortController();
  let config = await loadOwnStore(environment);

  async function look(): Promise<void> {
    const next = await loadOwnStore(environment);
    if (sameContent(next, config)) return;
    await checkAnswers(next, stop);
    log.info('the datastore has been moved; the agent goes on with the other one');
    turn.abort();
  }

  const onHangup = () => void look().catch((error: unknown) => log.error('follow the move of the datastore', error));
  process.on('SIGHUP', onHangup);
  try {
    while (!stop.aborted) {
      try {
        await work(config, AbortSignal.any([stop, turn.signal]));
      } catch (error) {
        if (!turn.signal.aborted) throw error;
      }
      turn = new AbortController();
      config = await loadOwnStore(environment);
    }
  } finally {
    process.off('SIGHUP', onHangup);
  }
}
