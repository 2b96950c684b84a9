// Opens the store that -c and the environment name.
import { followMove, loadDatastoreConfig, openDatastore } from '../../datastore/open/open.ts';
import type { Datastore } from '../../datastore/port.ts';
import { flagValue, type Invocation } from '../cli/command.ts';

export const DEFAULT_CONFIG_PATH = '/etc/calico/calicoctl.cfg';

/**
 * A file that -c names must be there; the default one need not. Throws `invalid` for a configuration that breaks
 * rules. The store is reached with the first request.
 */
export async function openStore(invocation: Invocation): Promise<Datastore> {
  const path = flagValue(invocation, 'config');
  const config = await loadDatastoreConfig(path ?? DEFAULT_CONFIG_PATH, path !== undefined, invocation.environment);
  return openDatastore(await followMove(config));
}
