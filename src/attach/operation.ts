// One request while it is served, and the steps that several verbs share.
import { isOcicatError, OcicatError } from '../base/errors.ts';
import type { Committed } from '../ipam/commit.ts';
import type { CommitQueue } from '../ipam/commit-queue.ts';
import type { TransactionBuilder } from '../ipam/transaction-builder.ts';
import type { Attachment } from '../model/endpoint/workload-endpoint-name.ts';
import type { Queue } from '../sys/queue.ts';
import { createUndo, type Undo } from '../sys/undo.ts';
import type { AttachContext } from './context.ts';
import { forgetEndpoint, type KeptEndpoint, keepEndpoint } from './endpoint/endpoint-files.ts';
import type { RemoveRequest } from './request.ts';

/** What every operation on this host works with. */
export interface OperationContext {
  readonly context: AttachContext;
  /** Of this host: they want the same block. */
  readonly commits: CommitQueue;
  /** Requests about one container go one after the other. */
  readonly containers: Queue;
  readonly signal: AbortSignal;
}

export interface Operation<R = RemoveRequest> extends OperationContext {
  readonly request: R;
}

/** How long an ADD waits for an agent that has just started. */
const IN_SYNC_TIMEOUT_MS = 10_000;
/** How long it may take to undo; the request's own time may be over by then. */
const UNDO_TIMEOUT_MS = 20_000;

/** Throws `not-ready` while the datastore is locked or unread. */
export async function ensureReady({ cache }: AttachContext): Promise<void> {
  await cache.untilInSync(IN_SYNC_TIMEOUT_MS);
  if (!cache.isDatastoreReady())
    throw new OcicatError('not-ready', 'Calico is currently not ready to process requests');
}

/** Builds and commits in turn with the other operations, or together with them. */
export function commit<T>(
  { commits, signal: usual }: Pick<OperationContext, 'commits' | 'signal'>,
  build: (builder: TransactionBuilder) => Promise<T>,
  signal = usual,
): Promise<Committed<T>> {
  return commits.commit(build, signal);
}

/**
 * The handle that a network's addresses for the container are held under (Calico v3.33,
 * cni-plugin/pkg/ipamplugin/ipam_plugin.go).
 */
export function handleOf(network: string, containerId: string): string {
  return `${network}.${containerId}`;
}

/**
 * Handles that may hold addresses of the container: of these networks, under its ID as it is stored and, where Calico made
 * them, as the client says it; and the bare ID, Calico's old handle (Calico v3.33,
 * cni-plugin/pkg/ipamplugin/ipam_plugin.go).
 */
export function handlesOf({ attachment, otherIds }: RemoveRequest, networks: readonly string[]): readonly string[] {
  const ids = [...new Set([attachment.containerId, ...otherIds])];
  return ids.filter((id) => id !== '').flatMap((id) => [...networks.map((network) => handleOf(network, id)), id]);
}

/** Whether a commit that failed so may have happened all the same. */
function isUnsure(error: unknown): boolean {
  return isOcicatError(error, 'unavailable', 'timeout', 'aborted');
}

/** A removal that is not needed any more; one that stays is done once more, to no effect. */
export function strikeOut({ context, request: { attachment, deferred } }: Operation): void {
  try {
    deferred.clear();
  } catch (error) {
    context.log.warn(`strike out what is left of "${attachment.containerId}"`, error);
  }
}

/**
 * Runs `work` with an undo stack that is run back when it fails. A removal is written down before, and struck out when all is done, or
 * undone for certain: so what a kill leaves at any step, or a commit of which nobody knows whether it happened, is removed later.
 */
export async function withUndo<T>(operation: Operation, work: (undo: Undo) => Promise<T>): Promise<T> {
  const { attachment, deferred } = operation.request;
  const undo = createUndo();
  deferred.save();
  try {
    const outcome = await work(undo);
    deferred.clear();
    return outcome;
  } catch (error) {
    const failures = await undo.run();
    for (const failure of failures) operation.context.log.warn(`undo ADD of "${attachment.containerId}"`, failure);
    if (failures.length === 0 && !isUnsure(error)) strikeOut(operation);
    throw error;
  }
}

/** A signal of its own for undoing. */
export function undoSignal(): AbortSignal {
  return AbortSignal.timeout(UNDO_TIMEOUT_MS);
}

/** Keeps the endpoint for a store that forgets it. A disk that takes nothing does not stop the ADD. */
export function saveEndpoint({ endpointFolder, log }: AttachContext, kept: KeptEndpoint): void {
  try {
    keepEndpoint(endpointFolder, kept);
  } catch (error) {
    log.error('a restored datastore will not be told of this pod again', error);
  }
}

/** The other end of saveEndpoint. */
export function dropEndpoint({ endpointFolder, log }: AttachContext, attachment: Attachment): void {
  try {
    forgetEndpoint(endpointFolder, attachment);
  } catch (error) {
    log.error(`forget endpoint of container "${attachment.containerId}"`, error);
  }
}
