// What the interfaces of one workload say of each other's networks, where each is to be known to the members of all of them: it
// changes with the interface that comes or goes, in the same transaction.
import { parseResourceAt, printResource } from '../datastore/resource/resource-codec.ts';
import type { TransactionBuilder } from '../ipam/transaction-builder.ts';
import { type WorkloadEndpoint, workloadEndpoint } from '../model/endpoint/workload-endpoint.ts';
import { networksOf } from './endpoint/attached-networks.ts';
import { idOf } from './endpoint/endpoint.ts';
import { withOtherNetworks } from './endpoint/other-networks.ts';
import type { Operation } from './operation.ts';

interface Standing {
  readonly key: string;
  readonly endpoint: WorkloadEndpoint;
}

/** The workload's endpoints but one, as they stand in the store. */
async function readOthers({ context, request }: Operation, builder: TransactionBuilder, id: string | undefined) {
  const others: Standing[] = [];
  for (const { key, endpoint } of context.cache.endpointsOf(request.attachment.containerId)) {
    const text = idOf(endpoint) === id ? undefined : await builder.get(key);
    if (text !== undefined) others.push({ key, endpoint: parseResourceAt(workloadEndpoint, key, text) });
  }
  return others;
}

const namesOf = (endpoints: readonly WorkloadEndpoint[]) =>
  endpoints.flatMap((endpoint) => networksOf(endpoint).map(({ network }) => network));

function buildOthers(builder: TransactionBuilder, others: readonly Standing[], own: readonly WorkloadEndpoint[]): void {
  for (const { key, endpoint } of others) {
    const rest = others.filter((other) => other.key !== key).map((other) => other.endpoint);
    const changed = withOtherNetworks(endpoint, namesOf([...own, ...rest]));
    if (changed !== endpoint) builder.put(key, printResource(changed));
  }
}

/** The others, now that this one comes; returns it as it is to be written. */
export async function buildJoining(
  operation: Operation,
  builder: TransactionBuilder,
  own: WorkloadEndpoint,
): Promise<WorkloadEndpoint> {
  if (!operation.request.spansNetworks) return own;
  const others = await readOthers(operation, builder, idOf(own));
  buildOthers(builder, others, [own]);
  return withOtherNetworks(own, namesOf(others.map(({ endpoint }) => endpoint)));
}

/** The others, now that the one with this id goes. */
export async function buildLeaving(
  operation: Operation,
  builder: TransactionBuilder,
  id: string | undefined,
): Promise<void> {
  if (operation.request.spansNetworks) buildOthers(builder, await readOthers(operation, builder, id), []);
}
