// Endpoints that the transaction in the making writes for other workloads: the store, and with it the cache, has none of them yet.
import { printResourcePrefix } from '../datastore/keys.ts';
import { parseResourceAt } from '../datastore/resource/resource-codec.ts';
import type { TransactionBuilder } from '../ipam/transaction-builder.ts';
import { type WorkloadEndpoint, workloadEndpoint } from '../model/endpoint/workload-endpoint.ts';

const ENDPOINTS = printResourcePrefix('WorkloadEndpoint');

export function draftedEndpoints(builder: TransactionBuilder): readonly WorkloadEndpoint[] {
  return [...builder.putsUnder(ENDPOINTS)].map(([key, text]) => parseResourceAt(workloadEndpoint, key, text));
}

/** Whether one of them has the link's name. */
export function isLinkDrafted(builder: TransactionBuilder, linkName: string): boolean {
  return [...builder.putsUnder(ENDPOINTS).values()].some((text) => text.includes(`"interfaceName":"${linkName}"`));
}
