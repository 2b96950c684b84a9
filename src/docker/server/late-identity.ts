// Endpoints of containers that Docker's engine starts before it answers anybody, as after a reboot: nobody knows yet which labels such
// a container has, so nothing passes its link until the engine has said so.
import type { AttachContext } from '../../attach/context.ts';
import { addressesOf, linkOf } from '../../attach/endpoint/endpoint.ts';
import { isOcicatError } from '../../base/errors.ts';
import { parseResourceAt, printResource } from '../../datastore/resource/resource-codec.ts';
import { commitTransaction } from '../../ipam/commit.ts';
import type { TransactionBuilder } from '../../ipam/transaction-builder.ts';
import { type WorkloadEndpoint, workloadEndpoint } from '../../model/endpoint/workload-endpoint.ts';
import { parseNaming, printNaming } from '../../names/annotations.ts';
import { attachmentOfRecord } from './attach-request.ts';
import { type Identity, learnIdentity } from './identity.ts';
import type { DriverContext } from './network-driver.ts';
import type { EndpointRecord } from './records.ts';

export type LateContext = DriverContext & {
  readonly attach: Pick<AttachContext, 'datastore' | 'cache' | 'nodeLease' | 'policyApplied' | 'links'>;
};

function withIdentity(endpoint: WorkloadEndpoint, { labels, workload, names }: Identity): WorkloadEndpoint {
  const { metadata, spec } = endpoint;
  const { limits } = parseNaming(metadata.annotations);
  return {
    ...endpoint,
    metadata: {
      ...metadata,
      labels: { ...labels, ...metadata.labels },
      annotations: { ...metadata.annotations, ...printNaming({ names, limits }) },
    },
    spec: { ...spec, ...(workload === undefined ? {} : { workload }) },
  };
}

/** undefined, and nothing written, when the endpoint has gone. */
async function buildIdentity(
  { attach }: LateContext,
  builder: TransactionBuilder,
  key: string,
  identity: Identity,
): Promise<WorkloadEndpoint | undefined> {
  const text = await builder.get(key);
  if (text === undefined) return undefined;
  await attach.nodeLease.require(builder);
  const named = withIdentity(parseResourceAt(workloadEndpoint, key, text), identity);
  builder.put(key, printResource(named));
  return named;
}

async function complete(context: LateContext, record: EndpointRecord, signal: AbortSignal): Promise<void> {
  const { attach, engine, networks, endpoints } = context;
  const known = attach.cache.findEndpoint(attachmentOfRecord(record));
  if (known === undefined) return;
  const identity = await learnIdentity(engine, record, networks.tryLoad(record.networkId));
  const { result: endpoint, revision } = await commitTransaction(
    attach.datastore,
    attach.cache,
    (builder) => buildIdentity(context, builder, known.key, identity),
    signal,
  );
  if (endpoint === undefined) return;
  await attach.policyApplied(endpoint, revision, signal);
  attach.links.raise({ ...linkOf(endpoint), addresses: addressesOf(endpoint) });
  endpoints.save(record.endpointId, { ...record, isNamed: true });
}

/** Opens those of which the engine says by now whose they are; the others stay as they are. */
export async function completeUnnamed(context: LateContext, signal: AbortSignal): Promise<void> {
  for (const endpointId of context.unnamed) {
    const record = context.endpoints.tryLoad(endpointId);
    try {
      if (record?.state === 'joined' && !record.isNamed) await complete(context, record, signal);
      context.unnamed.delete(endpointId);
    } catch (error) {
      if (isOcicatError(error, 'unavailable')) return;
      context.log.error(`ask Docker whose endpoint "${endpointId}" is, which is closed until then`, error);
    }
  }
}
