// Before a pool or a node goes, what depends on it is tidied.
import { isOcicatError } from '../../base/errors.ts';
import type { Datastore } from '../../datastore/port.ts';
import { updateResource } from '../../datastore/resource/resources.ts';
import { releaseAffinities } from '../../ipam/affinity-release.ts';
import { type IPPool, ipPool } from '../../model/ipam/ip-pool.ts';
import type { Resource } from '../../model/meta/resource.ts';
import { tryParseCidr } from '../../net/cidr.ts';
import type { Item } from '../manifest/manifest.ts';
import { fetchOne } from '../store/stored.ts';
import { removeBelongings } from './delete-node.ts';
import { toStorable } from './write.ts';

/** No host takes another block of it from now on, and none owns one any more; addresses in use stay where they are. */
async function retirePool(datastore: Datastore, name: string, signal: AbortSignal): Promise<void> {
  const { resource, warning } = await fetchOne(datastore, ipPool, undefined, name, signal);
  const pool = resource as IPPool;
  const gives = warning === undefined && pool.spec.disabled !== true; // what breaks the rules gives no address anyway
  if (gives) {
    const disabled: Resource = { ...pool, spec: { ...pool.spec, disabled: true } };
    await updateResource(datastore, toStorable({ kind: ipPool, resource: disabled }), signal);
  }
  const within = tryParseCidr(String(pool.spec.cidr));
  if (within !== undefined) await releaseAffinities(datastore, { within }, signal);
}

/** What must be tidied before an item goes. */
export interface Tidying {
  readonly datastore: Datastore;
  /** Told of what goes with it. */
  readonly notify: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Does nothing for other kinds, and for what is not there. */
export async function tidyBefore({ datastore, notify, signal }: Tidying, item: Item): Promise<void> {
  const { name } = item.resource.metadata;
  if (item.kind.name === 'Node') await removeBelongings({ datastore, node: name, notify, signal });
  if (item.kind.name !== 'IPPool') return;
  try {
    await retirePool(datastore, name, signal);
  } catch (error) {
    if (!isOcicatError(error, 'not-found')) throw error;
  }
}
