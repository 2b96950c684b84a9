// What nobody asks for: links that an earlier run left behind, DELs that could not be finished, endpoints that nobody
// deletes, pods that the store does not know, MAC addresses that pods have come to have, blocks that are claimed by half.

import type { Attacher } from '../../attach/attacher.ts';
import type { AttachContext } from '../../attach/context.ts';
import type { OcicatError } from '../../base/errors.ts';
import { createOwnAffinities } from '../../ipam/own-affinities.ts';
import { observeRoutedAddresses } from '../../kernel/link/workload-link.ts';
import { withdrawRoutes } from '../../kernel/route/withdraw-routes.ts';
import type { Workloads } from '../state/workloads.ts';
import type { HostPaths } from '../tunnel/host-paths.ts';
import { createEndpointCollector } from './endpoint-collector.ts';
import { closeUnknown, removeUnfinished } from './link-collector.ts';
import type { PodMacs } from './pod-macs.ts';

const LOOK_MS = 500;
const ROUND_MS = 20_000;
/** After so long what could not be written back is tried again. */
const AGAIN_MS = 1_000;

export interface Housekeeping {
  /** The store has been read, or has pools that it had not: there may be something to do now. */
  touch(): void;
}

export interface HousekeepingParts {
  readonly workloads: Workloads;
  readonly hostPaths: Pick<HostPaths, 'reconcile'>;
  readonly podMacs: PodMacs;
  readonly attacher: Attacher;
  /** Those who are asked to take containers from networks, and could not do it at once. */
  readonly clients: readonly { finishDeferred(): Promise<unknown> }[];
}

/** Links that were left behind as soon as the datastore has been read, the rest then and every 20 seconds. Runs until aborted. */
export function startHousekeeping(
  { workloads, hostPaths, podMacs, attacher, clients }: HousekeepingParts,
  { cache, datastore, links, nodeLease, now, log }: AttachContext,
  signal: AbortSignal,
): Housekeeping {
  const targets = { workloads, cache, attacher, isOurs: () => nodeLease.isHeld(signal), log };
  const endpointCollector = createEndpointCollector(targets, signal);
  const report = (error: OcicatError) => log.error('look after blocks', error);
  const ownAffinities = createOwnAffinities({ datastore, view: cache.ipam, now, report, require: nodeLease.require });
  const kernel = { links, routedAddresses: observeRoutedAddresses, withdraw: withdrawRoutes };
  const linkTargets = { ...kernel, cache, closed: new Set<string>(), log };
  let isFirst = true;
  let dueMs = 0;
  let busy = false;

  function plan(delayMs: number): void {
    dueMs = Math.min(dueMs, performance.now() + delayMs);
  }

  async function round(): Promise<void> {
    if (isFirst) await removeUnfinished(linkTargets);
    isFirst = false;
    await closeUnknown(linkTargets);
    for (const client of clients) await client.finishDeferred();
    if ((await attacher.writeBack(signal)) === 'later') plan(AGAIN_MS);
    workloads.reconcile();
    hostPaths.reconcile();
    await podMacs.sweep();
    const nextMs = await endpointCollector.collect(Date.now());
    if (nextMs !== undefined) plan(nextMs);
    await attacher.releaseGone(signal);
    await ownAffinities.look(signal);
  }

  function look(): void {
    if (performance.now() < dueMs || busy || !cache.isInSync()) return;
    dueMs = performance.now() + ROUND_MS;
    busy = true;
    round()
      .catch((error: unknown) => log.error('keep house', error))
      .finally(() => {
        busy = false;
      });
  }

  const timer = setInterval(look, LOOK_MS);
  signal.addEventListener('abort', () => clearInterval(timer));
  return { touch: () => plan(0) };
}
