// Watches over what the agent has put in the kernel, and puts it back within a second when somebody else takes it away.
import { STAND_IN_TABLE, TABLE } from '../firewall/nft.ts';
import { type KernelEvent, observeKernelEvents } from '../kernel/events.ts';
import { PROTOCOL_BIRD } from '../kernel/routes.ts';
import { tidyBirdRoutes } from './bird-routes.ts';
import type { Dataplane } from './dataplane.ts';
import type { Forwarding } from './forwarding.ts';
import type { Log } from './log.ts';
import type { OtherFirewalls } from './other-firewalls.ts';
import type { Workloads } from './workloads.ts';

/** Events that come this close together are one repair. */
const GATHER_MS = 50;

export interface GuardTargets {
  readonly dataplane: Dataplane;
  readonly workloads: Workloads;
  readonly forwarding: Forwarding;
  readonly otherFirewalls: OtherFirewalls;
  readonly log: Log;
}

type Work = 'firewall' | 'routes' | 'forwarding' | 'other-firewalls';

function nftablesWork(tables: readonly string[]): readonly Work[] {
  const own = tables.filter((table) => table === TABLE || table === STAND_IN_TABLE);
  return [
    ...(own.includes(TABLE) ? (['firewall'] as const) : []),
    ...(own.length < tables.length ? (['other-firewalls'] as const) : []),
  ];
}

function workOf(event: KernelEvent): readonly Work[] {
  switch (event.kind) {
    case 'nftables':
      return nftablesWork(event.tables);
    case 'route':
      return event.change === 'removed' && event.route.protocol !== PROTOCOL_BIRD ? ['routes'] : [];
    case 'link':
      return event.change === 'set' ? ['routes'] : [];
    case 'overrun':
      return event.of === 'nftables' ? ['firewall', 'other-firewalls'] : ['routes', 'forwarding'];
    case 'netconf':
      return ['forwarding'];
    case 'address':
    case 'neighbour':
      return [];
  }
}

/** Runs until aborted. */
export async function guardKernel(targets: GuardTargets, signal: AbortSignal): Promise<void> {
  const due = new Set<Work>();
  let timer: ReturnType<typeof setTimeout> | undefined;

  function repair(): void {
    timer = undefined;
    const now = new Set(due);
    due.clear();
    try {
      if (now.has('firewall')) targets.dataplane.resync();
      if (now.has('routes')) targets.workloads.restoreRoutes();
      if (now.has('forwarding')) targets.forwarding.restore();
      if (now.has('other-firewalls')) targets.otherFirewalls.touch();
    } catch (error) {
      targets.log.error('repair the kernel', error);
    }
  }

  const events = observeKernelEvents(signal, ['link', 'route', 'netconf', 'nftables']);
  const tidy = tidyBirdRoutes(targets.log);
  for await (const event of events) {
    tidy(event);
    for (const work of workOf(event)) due.add(work);
    if (due.size > 0) timer ??= setTimeout(repair, GATHER_MS);
  }
  clearTimeout(timer);
}
