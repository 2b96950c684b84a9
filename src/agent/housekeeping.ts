// What nobody asks for: links that an earlier run left behind, DELs that could not be finished, endpoints that nobody deletes.

import { withdrawRoutes } from '../kernel/withdraw-routes.ts';
import { observeRoutedAddresses } from '../kernel/workload-link.ts';
import type { CniContext } from './cni-context.ts';
import type { CniDispatcher } from './cni-dispatch.ts';
import { tidyLinks } from './leftovers.ts';
import { createOrphans } from './orphans.ts';
import type { Tenure } from './tenure.ts';
import type { Workloads } from './workloads.ts';

const LOOK_MS = 500;
const ROUND_MS = 20_000;

/** Left-overs as soon as the datastore has been read, the rest then and every 20 seconds. Runs until aborted. */
export function keepHouse(
  workloads: Workloads,
  { memory, links, log }: CniContext,
  dispatcher: CniDispatcher,
  tenure: Pick<Tenure, 'isHeld'>,
  signal: AbortSignal,
): void {
  const orphans = createOrphans({ workloads, memory, dispatcher, isOurs: () => tenure.isHeld(signal), log });
  let nextRoundMs: number | undefined;
  let busy = false;

  async function round(isFirst: boolean): Promise<void> {
    if (isFirst)
      await tidyLinks({ memory, links, routedAddresses: observeRoutedAddresses, withdraw: withdrawRoutes, log });
    await dispatcher.finishPending();
    await orphans.sweep(Date.now());
  }

  function look(): void {
    const isFirst = nextRoundMs === undefined;
    const due = isFirst || performance.now() >= (nextRoundMs ?? 0);
    if (!due || busy || !memory.isInSync()) return;
    nextRoundMs = performance.now() + ROUND_MS;
    busy = true;
    round(isFirst)
      .catch((error: unknown) => log.error('keep house', error))
      .finally(() => {
        busy = false;
      });
  }

  const timer = setInterval(look, LOOK_MS);
  signal.addEventListener('abort', () => clearInterval(timer));
}
