// The verbs by which clients attach workloads to networks on this host, each in the turn of its container.
import { createCommitQueue } from '../ipam/commit-queue.ts';
import type { Ip } from '../net/ip.ts';
import { createQueue } from '../sys/queue.ts';
import { addWorkload } from './add.ts';
import { addAddresses, checkAddresses, holdAddresses, releaseHeld } from './addresses.ts';
import { checkWorkload, observeHeld } from './check.ts';
import { collectGarbage } from './collect.ts';
import type { AttachContext } from './context.ts';
import { type AttachedAddress, attachmentOf } from './endpoint/endpoint.ts';
import type { LocalEndpoint } from './endpoint/endpoint-index.ts';
import { releaseGone } from './gone-holders.ts';
import { ensureReady, type Operation, type OperationContext } from './operation.ts';
import { remove, removeIfDeferred } from './remove.ts';
import type {
  AddressRequest,
  Attached,
  AttachRequest,
  CheckAddressesRequest,
  CheckOutcome,
  CheckRequest,
  CollectRequest,
  HoldRequest,
  RemoveRequest,
  StatusOutcome,
  StatusRequest,
} from './request.ts';
import { removeIfStale } from './stale-endpoints.ts';
import { reportStatus } from './status.ts';
import { createWriteBack } from './write-back.ts';

/** Calico's limit for one assignment; a client waits a little longer than this. */
const TIMEOUT_MS = 90_000;
/** The turn of requests about no container, or about all. */
const ALL = '';

/** Each throws why it failed, and what an ADD has done is undone or written down to be undone. Aborted by `signal`. */
export interface Attacher {
  /** Gives the workload an interface in the network, or makes sure that it has it. */
  add(request: AttachRequest, signal: AbortSignal): Promise<Attached>;
  addAddresses(request: AddressRequest, signal: AbortSignal): Promise<readonly AttachedAddress[]>;
  /** Holds addresses for a workload that is yet to be named; they stay as they are when one of them is not to be had. */
  hold(request: HoldRequest, signal: AbortSignal): Promise<readonly Ip[]>;
  /** All that are held under the handle now. */
  held(handleId: string, signal: AbortSignal): Promise<readonly Ip[]>;
  /** Gives back those that no workload has been attached with since. */
  releaseHeld(request: HoldRequest, signal: AbortSignal): Promise<void>;
  /** What is gone already is no failure. */
  remove(request: RemoveRequest, signal: AbortSignal): Promise<void>;
  /** As remove, for a deferred one, unless a later request has finished it meanwhile. */
  removeIfDeferred(request: RemoveRequest, signal: AbortSignal): Promise<void>;
  /**
   * Removes an endpoint of this host, whatever networks share it, as its client would have, unless it has a link by then.
   * Returns whether it has been removed.
   */
  removeIfStale(known: LocalEndpoint, signal: AbortSignal): Promise<boolean>;
  /** Gives back addresses of workloads without an endpoint that are provably gone. Returns how many. */
  releaseGone(signal: AbortSignal): Promise<number>;
  /** Throws `not-found` with every difference. */
  check(request: CheckRequest, signal: AbortSignal): Promise<CheckOutcome>;
  checkAddresses(request: CheckAddressesRequest, signal: AbortSignal): Promise<CheckOutcome>;
  /** Removes what the client does not have any more. */
  collect(request: CollectRequest, signal: AbortSignal): Promise<void>;
  /** Throws why an ADD would fail. */
  status(request: StatusRequest, signal: AbortSignal): Promise<StatusOutcome>;
  /** Writes workloads that live back into a store that does not know them. `later`: some are to be tried again soon. */
  writeBack(signal: AbortSignal): Promise<'done' | 'later'>;
}

export function createAttacher(context: AttachContext): Attacher {
  const containers = createQueue();
  const commits = createCommitQueue(context.datastore, context.cache);
  const returning = createWriteBack(context);

  function within(signal: AbortSignal): OperationContext {
    return { context, commits, containers, signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]) };
  }

  /** Serves a request when those about its container that came before are done; its time runs from then on. */
  function inTurn<R, T>(
    containerId: string,
    request: R,
    signal: AbortSignal,
    serve: (operation: Operation<R>) => Promise<T>,
  ): Promise<T> {
    return containers.run(containerId, () => serve({ ...within(signal), request }));
  }

  const ready =
    <R, T>(serve: (operation: Operation<R>) => Promise<T>) =>
    async (operation: Operation<R>): Promise<T> => {
      await ensureReady(context);
      return serve(operation);
    };

  /** What is left of the container that had the name before goes first. */
  const afresh = <R extends AddressRequest, T>(serve: (operation: Operation<R>) => Promise<T>) =>
    ready(async (operation: Operation<R>): Promise<T> => {
      await removeIfDeferred(operation);
      return serve(operation);
    });

  const idOf = ({ attachment }: RemoveRequest): string => attachment.containerId;
  return {
    add: (request, signal) => inTurn(idOf(request), request, signal, afresh(addWorkload)),
    addAddresses: (request, signal) => inTurn(idOf(request), request, signal, afresh(addAddresses)),
    hold: (request, signal) => inTurn(request.handleId, request, signal, ready(holdAddresses)),
    held: (handleId, signal) => observeHeld(within(signal), handleId),
    releaseHeld: (request, signal) => inTurn(request.handleId, request, signal, ready(releaseHeld)),
    remove: (request, signal) => inTurn(idOf(request), request, signal, remove),
    removeIfDeferred: (request, signal) => inTurn(idOf(request), request, signal, removeIfDeferred),
    removeIfStale: (known, signal) =>
      inTurn(attachmentOf(known.endpoint).containerId, known, signal, (operation) => removeIfStale(operation, known)),
    releaseGone: (signal) => releaseGone(within(signal)),
    check: (request, signal) => inTurn(idOf(request), request, signal, ready(checkWorkload)),
    checkAddresses: (request, signal) => inTurn(idOf(request), request, signal, ready(checkAddresses)),
    collect: (request, signal) => inTurn(ALL, request, signal, ready(collectGarbage)),
    status: (request, signal) => inTurn(ALL, request, signal, reportStatus),
    async writeBack(signal) {
      let outcome: 'done' | 'later' = 'done';
      for (const attachment of returning.attachments()) {
        const follow = (operation: OperationContext) => returning.follow(operation, attachment);
        if ((await inTurn(attachment.containerId, attachment, signal, follow)) === 'later') outcome = 'later';
      }
      return outcome;
    },
  };
}
