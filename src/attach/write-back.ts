// Pods that the store does not know, since it was restored from before they were made, or emptied: their endpoints and
// addresses are written again as they were, unless somebody else has an address by now.
import { describeError, isOcicatError } from '../base/errors.ts';
import { tryParseKey } from '../datastore/keys.ts';
import { printResource, printResourceKey } from '../datastore/resource/resource-codec.ts';
import { buildAssignment } from '../ipam/assign.ts';
import { handleKey } from '../ipam/assign-context.ts';
import type { TransactionBuilder } from '../ipam/transaction-builder.ts';
import { REMOVAL_GROUP } from '../kernel/link/removal-group.ts';
import { isWholeAlias } from '../kernel/link/workload-link-spec.ts';
import { type Attachment, tryParseAttachment } from '../model/endpoint/workload-endpoint-name.ts';
import { formatGoTime, ipamContextOf } from './assign-request.ts';
import type { AttachContext } from './context.ts';
import { holderNetworkOf } from './endpoint/attached-networks.ts';
import { addressesOf, attachmentOf, idOf } from './endpoint/endpoint.ts';
import {
  forgetEndpoint,
  type KeptEndpoint,
  keepEndpoint,
  listKeptEndpoints,
  NO_FILE,
  stampOf,
  tryRecallEndpoint,
} from './endpoint/endpoint-files.ts';
import type { LocalEndpoint } from './endpoint/endpoint-index.ts';
import { buildProfile } from './endpoint/profile.ts';
import { commit, handleOf, type OperationContext } from './operation.ts';

export interface WriteBack {
  /** Interfaces of containers that it may concern. */
  attachments(): readonly Attachment[];
  /** Looks after one, while nothing else is done about its container. `later`: it is to be tried again soon. */
  follow(operation: OperationContext, attachment: Attachment): Promise<'done' | 'later'>;
}

export type ForgetContext = Pick<AttachContext, 'cache' | 'endpointFolder' | 'log'>;

/** The veth's other end is in the pod's namespace: it is there as long as that lives. */
function hasLink({ links }: AttachContext, { endpoint }: KeptEndpoint): boolean {
  const { interfaceName } = endpoint.spec;
  const link = links.observe().find(({ name, group }) => name === interfaceName && group !== REMOVAL_GROUP);
  if (link?.endpoint === undefined) return false;
  return isWholeAlias(link) ? link.endpoint === idOf(endpoint) : idOf(endpoint).startsWith(link.endpoint);
}

/** As it was assigned, and to the same holder. */
async function buildAddresses(
  operation: OperationContext,
  builder: TransactionBuilder,
  { endpoint, handleId }: KeptEndpoint,
): Promise<void> {
  if (handleId === undefined) return;
  const madeMs = Date.parse(endpoint.metadata.creationTimestamp ?? '');
  const timestamp = formatGoTime(Number.isNaN(madeMs) ? operation.context.now() : madeMs);
  const attributes = { node: operation.context.nodeName, timestamp };
  const exact = addressesOf(endpoint);
  await buildAssignment(ipamContextOf(operation.context, builder), {
    handleId,
    attributes,
    use: 'Workload',
    families: [],
    exact,
    allowsReserved: true, // it has them
  });
}

/** All that ADD writes, in one transaction that fails when this host has not the node's name. */
async function buildWhole(
  operation: OperationContext,
  builder: TransactionBuilder,
  kept: KeptEndpoint,
): Promise<'written' | 'known'> {
  const { endpoint, createsProfile, isInternal = false } = kept;
  const { name, namespace } = endpoint.metadata;
  const key = printResourceKey({ kind: 'WorkloadEndpoint', namespace, name });
  if ((await builder.get(key)) !== undefined) return 'known';
  await operation.context.nodeLease.require(builder);
  await buildAddresses(operation, builder, kept);
  builder.put(key, printResource(endpoint));
  const networks = createsProfile ? (endpoint.spec.profiles ?? []) : [];
  for (const network of networks) await buildProfile(builder, { network, isInternal }, operation.context.now());
  return 'written';
}

/** One that an earlier version made: what its addresses are held under says the store. */
async function recallKnown({ datastore }: AttachContext, endpoint: KeptEndpoint['endpoint'], signal: AbortSignal) {
  const { containerID = '' } = endpoint.spec;
  const handleId = handleOf(holderNetworkOf(endpoint) ?? '', containerID);
  const { kv } = await datastore.get(handleKey(handleId), signal);
  return { endpoint, handleId: kv === undefined ? undefined : handleId, createsProfile: true };
}

/** The file follows the endpoint: its labels and profiles may change. Returns whether nothing is left to do. */
async function followKnown(
  { context, signal }: OperationContext,
  kept: KeptEndpoint | undefined,
  { endpoint }: LocalEndpoint,
): Promise<boolean> {
  if (kept !== undefined && printResource(kept.endpoint) === printResource(endpoint)) return true;
  const next = kept === undefined ? await recallKnown(context, endpoint, signal) : { ...kept, endpoint };
  if (!hasLink(context, next)) return kept === undefined;
  keepEndpoint(context.endpointFolder, next);
  return true;
}

/** Somebody has deleted an endpoint of a store that goes on: that is not undone. */
export function forgetDeleted({ cache, endpointFolder, log }: ForgetContext, key: string): void {
  const named = tryParseKey(key);
  if (named?.kind !== 'resource' || named.resourceKind !== 'WorkloadEndpoint') return;
  const attachment = tryParseAttachment(named.name);
  if (attachment === undefined || cache.known(key)?.value !== undefined) return;
  try {
    const kept = tryRecallEndpoint(endpointFolder, attachment);
    if (kept?.endpoint.metadata.name === named.name) forgetEndpoint(endpointFolder, attachment);
  } catch (error) {
    log.error(`forget endpoint of container "${attachment.containerId}"`, error);
  }
}

export function createWriteBack(context: AttachContext): WriteBack {
  const { cache, log, endpointFolder } = context;
  /** What was last logged of each endpoint that could not be written back, by id. */
  const logged = new Map<string, string>();
  /** The file that was last found to say the same, or that there was none: once is enough on a disk that takes none. */
  const found = new WeakMap<LocalEndpoint, string>();

  function logOnce(id: string, message: string): void {
    if (logged.get(id) === message) return;
    logged.set(id, message);
    log.error(message);
  }

  async function write(operation: OperationContext, kept: KeptEndpoint): Promise<'done' | 'later'> {
    const id = idOf(kept.endpoint);
    try {
      const { result, revision } = await commit(operation, (builder) => buildWhole(operation, builder, kept));
      if (result === 'known') return 'later'; // the watch has not brought it yet
      logged.delete(id);
      await context.policyApplied(kept.endpoint, revision, operation.signal);
      log.warn(`endpoint ${id} was not in the datastore, and its pod lives: it is written again, with its addresses`);
      return 'done';
    } catch (error) {
      if (!isOcicatError(error)) throw error;
      if (isOcicatError(error, 'unavailable', 'timeout', 'not-ready')) return 'later';
      logOnce(id, `endpoint ${id} is not in the datastore, and its pod stays closed: ${describeError(error)}`);
      return 'done';
    }
  }

  async function followUnknown(operation: OperationContext, kept: KeptEndpoint): Promise<'done' | 'later'> {
    if (hasLink(context, kept)) return cache.isDatastoreReady() ? write(operation, kept) : 'later';
    forgetEndpoint(endpointFolder, attachmentOf(kept.endpoint));
    return 'done';
  }

  return {
    attachments() {
      const known = cache.endpoints();
      const changed = known.filter((one) => found.get(one) !== stampOf(endpointFolder, attachmentOf(one.endpoint)));
      const unknown = listKeptEndpoints(
        endpointFolder,
        known.map(({ endpoint }) => attachmentOf(endpoint)),
      );
      return [...unknown, ...changed.map(({ endpoint }) => attachmentOf(endpoint))];
    },
    async follow(operation, attachment) {
      const known = cache.findEndpoint(attachment);
      const kept = tryRecallEndpoint(endpointFolder, attachment);
      if (known === undefined) return kept === undefined ? 'done' : followUnknown(operation, kept);
      logged.delete(idOf(known.endpoint));
      if (kept === undefined) found.set(known, NO_FILE);
      if (await followKnown(operation, kept, known)) found.set(known, stampOf(endpointFolder, attachment));
      return 'done';
    },
  };
}
