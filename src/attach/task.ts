// One plugin call while it is being served, and the steps that several commands share.
import { isOcicatError, OcicatError } from '../base/errors.ts';
import type { Attachment } from '../cni/spec/config.ts';
import type { CniCall, CniRequest } from '../cni/spec/request.ts';
import { type Committed, commitDraft } from '../ipam/commit.ts';
import type { Draft } from '../ipam/draft.ts';
import type { Queue } from '../sys/queue.ts';
import { createUndo, type Undo } from '../sys/undo.ts';
import type { CniContext } from './context.ts';
import { forgetEndpoint, type KeptEndpoint, keepEndpoint } from './endpoint-files.ts';
import { attachmentName, rememberDel } from './pending.ts';

export interface CniTask {
  readonly context: CniContext;
  readonly call: CniCall;
  readonly request: CniRequest;
  /** The container's network namespace; undefined when the call names none. Belongs to the server. */
  readonly netnsFd: number | undefined;
  /** Commits of this host go one after the other: they want the same block. */
  readonly commits: Queue;
  /** Calls about one container go one after the other. */
  readonly containers: Queue;
  readonly signal: AbortSignal;
}

/** What a commit needs of a task. */
export type Commits = Pick<CniTask, 'context' | 'commits' | 'signal'>;

/** How long an ADD waits for an agent that has just started. */
const IN_SYNC_TIMEOUT_MS = 10_000;
/** How long it may take to undo; the call's own time may be over by then. */
const UNDO_TIMEOUT_MS = 20_000;

/** Throws `not-ready` while the datastore is locked or unread, `invalid` when the configuration is for another node. */
export async function ensureReady({ context, request }: CniTask): Promise<void> {
  const { nodeName } = request.config;
  if (nodeName !== undefined && nodeName !== context.nodeName)
    throw new OcicatError(
      'invalid',
      `serve network "${request.config.name}": nodename is "${nodeName}", this node is "${context.nodeName}"`,
    );
  await context.memory.untilInSync(IN_SYNC_TIMEOUT_MS);
  if (!context.memory.isDatastoreReady())
    throw new OcicatError('not-ready', 'Calico is currently not ready to process requests');
}

/** Throws `invalid`; the shim has said why there is no descriptor, and the server has answered that already. */
export function needNetns({ netnsFd, request }: CniTask): number {
  if (netnsFd !== undefined) return netnsFd;
  throw new OcicatError('invalid', `open network namespace "${request.environment.netns}": there is none`);
}

/** Builds and commits in turn with the other calls. */
export function commit<T>(
  task: Commits,
  build: (draft: Draft) => Promise<T>,
  signal = task.signal,
): Promise<Committed<T>> {
  const { datastore, memory } = task.context;
  return task.commits.run('store', () => commitDraft(datastore, memory, build, signal));
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
 * them, as the runtime says it; and the bare ID, Calico's old handle (Calico v3.33,
 * cni-plugin/pkg/ipamplugin/ipam_plugin.go).
 */
export function handlesOf({ call, request }: CniTask, networks: readonly string[]): readonly string[] {
  const ids = [...new Set([request.environment.containerId, call.variables.CNI_CONTAINERID ?? ''])];
  return ids.filter((id) => id !== '').flatMap((id) => [...networks.map((network) => handleOf(network, id)), id]);
}

/** Whether a commit that failed so may have happened all the same. */
function isUnsure(error: unknown): boolean {
  return isOcicatError(error, 'unavailable', 'timeout', 'aborted');
}

/**
 * Runs `work` with an undo stack that is run back when it fails. When something may have been left behind - an inverse
 * failed, or nobody knows whether a commit happened - a DEL is written down, to be done later.
 */
export async function withUndo<T>(task: CniTask, work: (undo: Undo) => Promise<T>): Promise<T> {
  const undo = createUndo();
  try {
    return await work(undo);
  } catch (error) {
    const failures = await undo.run();
    for (const failure of failures)
      task.context.log.warn(`undo ADD of "${task.request.environment.containerId}"`, failure);
    if (failures.length > 0 || isUnsure(error)) noteDel(task);
    throw error;
  }
}

/** A signal of its own for undoing. */
export function undoSignal(): AbortSignal {
  return AbortSignal.timeout(UNDO_TIMEOUT_MS);
}

/** Writes down that the call's attachment is to be removed. A disk that takes nothing does not stop the removal itself. */
export function noteDel({ context, request, call }: CniTask): void {
  try {
    rememberDel(context.pendingFolder, attachmentName(request), call);
  } catch (error) {
    context.log.error(`write down an unfinished DEL in "${context.pendingFolder}"`, error);
  }
}

/** Keeps the endpoint for a store that forgets it. A disk that takes nothing does not stop the ADD. */
export function noteEndpoint({ context }: CniTask, kept: KeptEndpoint): void {
  try {
    keepEndpoint(context.endpointFolder, kept);
  } catch (error) {
    context.log.error('a restored datastore will not be told of this pod again', error);
  }
}

/** The other end of noteEndpoint. */
export function unnoteEndpoint({ context }: CniTask, attachment: Attachment): void {
  try {
    forgetEndpoint(context.endpointFolder, attachment);
  } catch (error) {
    context.log.error(`forget endpoint of container "${attachment.containerId}"`, error);
  }
}
