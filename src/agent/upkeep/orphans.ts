// Endpoints whose link has gone and whose runtime never said DEL, after a reboot above all: their addresses come back.

import { idOf } from '../../attach/endpoint.ts';
import { delsOf } from '../../attach/farewell.ts';
import type { CniMemory, LocalEndpoint } from '../../attach/memory.ts';
import type { CniDispatcher } from '../../cni/server/dispatch.ts';
import type { Log } from '../../sys/log.ts';
import type { Workloads } from '../state/workloads.ts';

/** A link that is missing for this long is not one that an ADD is about to make. */
export const ORPHAN_GRACE_MS = 60_000;

export interface Orphans {
  /** Looks which links are missing, and removes the endpoints that have been without for long enough. */
  sweep(nowMs: number): Promise<void>;
}

export interface OrphanTargets {
  readonly workloads: Workloads;
  readonly memory: CniMemory;
  readonly dispatcher: CniDispatcher;
  /** Whether this host still has the node's name: a link that is missing here may be up on another that has it now. */
  readonly isOurs: () => Promise<boolean>;
  readonly log: Log;
}

export function createOrphans(targets: OrphanTargets): Orphans {
  const { memory, dispatcher, log } = targets;
  let missingSince = new Map<string, number>();

  async function remove(orphan: LocalEndpoint): Promise<void> {
    const id = idOf(orphan.endpoint);
    const answers = [];
    for (const del of delsOf(orphan.endpoint)) answers.push(await dispatcher.answer(del, undefined));
    const failed = answers.find(({ status }) => status !== 0);
    if (failed === undefined) log.info(`endpoint ${id} had lost its link; removed, its addresses are free`);
    else log.warn(`endpoint ${id} has lost its link and could not be removed: ${failed.output}`);
  }

  return {
    async sweep(nowMs) {
      const missing = targets.workloads.missing();
      missingSince = new Map([...missing.keys()].map((id) => [id, missingSince.get(id) ?? nowMs]));
      const due = new Set([...missingSince].filter(([, since]) => nowMs - since >= ORPHAN_GRACE_MS).map(([id]) => id));
      if (due.size === 0 || !memory.isInSync()) return;
      for (const known of memory.endpoints()) {
        const id = idOf(known.endpoint);
        // while others were removed, its runtime may have come back
        if (!due.has(id) || !targets.workloads.missing().has(id)) continue;
        if (!(await targets.isOurs()))
          return log.warn(`endpoint ${id} has no link here, and the node's name is not ours`);
        await remove(known);
      }
    },
  };
}
