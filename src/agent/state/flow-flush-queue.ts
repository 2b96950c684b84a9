// Flushes the flows of addresses that have changed hands from connection tracking: gathers what comes together, one search of
// the kernel at a time.
import type { FlowFlusher } from '../../kernel/worker/flow-flusher.ts';
import type { Ip } from '../../net/ip.ts';
import type { PortMapping } from '../../net/port-mapping.ts';
import type { Log } from '../../sys/log.ts';

/** Addresses that come this close together are one search. */
const GATHER_MS = 10;
/** A search that has failed is tried again after this time. */
const RETRY_MS = 1000;

/** What it returns never throws and does not wait. A flow that stays ends by itself once its sender has been quiet for a time. */
export function createPortFlush(
  flusher: Pick<FlowFlusher, 'flushPorts'>,
  log: Log,
): (mappings: readonly PortMapping[]) => void {
  const report = (error: unknown) => log.warn('forget flows to ports of the host that lead to workloads now', error);
  return (mappings) => {
    if (mappings.length > 0) flusher.flushPorts(mappings).catch(report);
  };
}

/** What it returns never throws and does not wait. */
export function createFlowFlushQueue(
  flusher: Pick<FlowFlusher, 'flush'>,
  log: Log,
): (addresses: readonly Ip[]) => void {
  const due = new Set<Ip>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isSearching = false;

  function plan(delayMs: number): void {
    if (due.size === 0 || isSearching) return;
    timer ??= setTimeout(search, delayMs);
    timer.unref();
  }

  async function search(): Promise<void> {
    const addresses = [...due];
    due.clear();
    timer = undefined;
    isSearching = true;
    let delayMs = GATHER_MS;
    try {
      await flusher.flush(addresses);
    } catch (error) {
      log.error(`forget the flows of ${addresses.length} addresses: trying again`, error);
      for (const address of addresses) due.add(address);
      delayMs = RETRY_MS;
    }
    isSearching = false;
    plan(delayMs);
  }

  return (addresses) => {
    for (const address of addresses) due.add(address);
    plan(GATHER_MS);
  };
}
