// Garbage collector of endpoints: those whose link has gone and whose runtime never said DEL, after a reboot above all. Their
// addresses come back.

import type { Attacher } from '../../attach/attacher.ts';
import { idOf } from '../../attach/endpoint/endpoint.ts';
import type { LocalEndpoint } from '../../attach/endpoint/endpoint-index.ts';
import type { NodeCache } from '../../attach/endpoint/node-cache.ts';
import type { Log } from '../../sys/log.ts';
import type { Workloads } from '../state/workloads.ts';

/** A link that is missing for this long is not one that an ADD is about to make. */
export const COLLECT_GRACE_MS = 30_000;

export interface EndpointCollector {
  /**
   * Looks which links are missing, and removes the endpoints that have been without for long enough. Returns after how many
   * milliseconds the next will have been; undefined while no link is missing.
   */
  collect(nowMs: number): Promise<number | undefined>;
}

export interface EndpointCollectorTargets {
  readonly workloads: Pick<Workloads, 'missing'>;
  readonly cache: NodeCache;
  readonly attacher: Pick<Attacher, 'removeIfStale'>;
  /** Whether this host still has the node's name: a link that is missing here may be up on another that has it now. */
  readonly isOurs: () => Promise<boolean>;
  readonly log: Log;
}

export function createEndpointCollector(targets: EndpointCollectorTargets, signal: AbortSignal): EndpointCollector {
  const { cache, attacher, log } = targets;
  let missingSince = new Map<string, number>();

  async function remove(known: LocalEndpoint): Promise<void> {
    const id = idOf(known.endpoint);
    try {
      if (await attacher.removeIfStale(known, signal))
        log.info(`endpoint ${id} had lost its link; removed, its addresses are free`);
    } catch (error) {
      log.warn(`endpoint ${id} has lost its link and could not be removed`, error);
    }
  }

  async function removeAll(due: ReadonlySet<string>): Promise<void> {
    for (const known of cache.endpoints()) {
      const id = idOf(known.endpoint);
      // while others were removed, its runtime may have come back
      if (!due.has(id) || !targets.workloads.missing().has(id)) continue;
      if (!(await targets.isOurs()))
        return log.warn(`endpoint ${id} has no link here, and the node's name is not ours`);
      await remove(known);
    }
  }

  return {
    async collect(nowMs) {
      const missing = targets.workloads.missing();
      missingSince = new Map([...missing.keys()].map((id) => [id, missingSince.get(id) ?? nowMs]));
      const isDue = (since: number) => nowMs - since >= COLLECT_GRACE_MS;
      const due = new Set([...missingSince].filter(([, since]) => isDue(since)).map(([id]) => id));
      if (due.size > 0 && cache.isInSync()) await removeAll(due);
      const later = [...missingSince.values()].filter((since) => !isDue(since));
      return later.length === 0 ? undefined : Math.min(...later) + COLLECT_GRACE_MS - nowMs;
    },
  };
}
