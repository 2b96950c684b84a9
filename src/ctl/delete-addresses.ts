// Before a pool or a node goes, its address blocks lose their owners, and a node's endpoints go with their addresses.
import { isOcicatError } from '../base/errors.ts';
import type { Datastore } from '../datastore/port.ts';
import { deleteMany, updateResource } from '../datastore/resources.ts';
import { releaseAffinities } from '../ipam/affinity-release.ts';
import { releaseAddress } from '../ipam/ipam.ts';
import { type IPPool, ipPool } from '../model/ip-pool.ts';
import type { Resource } from '../model/resource.ts';
import { type WorkloadEndpoint, workloadEndpoint } from '../model/workload-endpoint.ts';
import { parseCidr } from '../net/cidr.ts';
import type { Item } from './manifest.ts';
import { fetchList, fetchOne } from './stored.ts';
import { toStorable } from './write.ts';

/** No host takes another block of it from now on, and none owns one any more; addresses in use stay where they are. */
async function retirePool(datastore: Datastore, name: string, signal: AbortSignal): Promise<void> {
  const { resource } = await fetchOne(datastore, ipPool, undefined, name, signal);
  const pool = resource as IPPool;
  if (pool.spec.disabled !== true) {
    const disabled: Resource = { ...pool, spec: { ...pool.spec, disabled: true } };
    await updateResource(datastore, toStorable({ kind: ipPool, resource: disabled }), signal);
  }
  await releaseAffinities(datastore, { within: parseCidr(pool.spec.cidr) }, signal);
}

function isOn(node: string, resource: Resource): resource is WorkloadEndpoint {
  return resource.kind === 'WorkloadEndpoint' && (resource as WorkloadEndpoint).spec.node === node;
}

/** The node's endpoints and their addresses go, and its blocks lose their owner. */
async function retireNode(datastore: Datastore, name: string, signal: AbortSignal): Promise<void> {
  const { resources } = await fetchList(datastore, workloadEndpoint, undefined, signal);
  for (const endpoint of resources) {
    if (!isOn(name, endpoint)) continue;
    for (const network of endpoint.spec.ipNetworks ?? []) {
      await releaseAddress({ datastore, now: Date.now }, { ip: parseCidr(network).address }, signal);
    }
    const { namespace, name: endpointName } = endpoint.metadata;
    await deleteMany(datastore, [{ kind: 'WorkloadEndpoint', namespace, name: endpointName }], signal);
  }
  await releaseAffinities(datastore, { host: name }, signal);
}

/** Does nothing for other kinds, and for what is not there. */
export async function freeAddresses(datastore: Datastore, item: Item, signal: AbortSignal): Promise<void> {
  const { name } = item.resource.metadata;
  try {
    if (item.kind.name === 'IPPool') await retirePool(datastore, name, signal);
    if (item.kind.name === 'Node') await retireNode(datastore, name, signal);
  } catch (error) {
    if (!isOcicatError(error, 'not-found')) throw error;
  }
}
