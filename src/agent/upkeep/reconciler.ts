// Follows the kernel's events, and has what the agent wants there put right within a second of somebody else's change.

import { type Renewable, watchBirdAge } from '../../bird/age.ts';
import { tidyBirdRoutes } from '../../bird/left-routes.ts';
import { type KernelEvent, observeKernelEvents } from '../../kernel/event/events.ts';
import { isWorkloadLink } from '../../kernel/link/workload-link-spec.ts';
import { PATH_PROTOCOL, PROTOCOL_BIRD } from '../../kernel/route/routes.ts';
import { cidrContains, parseCidr } from '../../net/cidr.ts';
import { STAND_IN_TABLE, TABLE } from '../../nftables/nft.ts';
import type { Log } from '../../sys/log.ts';
import type { Forwarding } from '../node/forwarding.ts';
import type { Dataplane } from '../state/dataplane.ts';
import type { Workloads } from '../state/workloads.ts';
import type { HostPaths } from '../tunnel/host-paths.ts';
import type { OtherFirewalls } from './other-firewalls.ts';

/** Events that come this close together are one repair. */
const GATHER_MS = 50;

/** Of BIRD, and to other hosts: none of them leads to a workload. */
const OTHERS_ROUTES: ReadonlySet<number> = new Set([PROTOCOL_BIRD, PATH_PROTOCOL]);

/** Each link of a workload has one; none of them is the host's address for others (RFC 4291). */
const LINK_LOCAL = parseCidr('fe80::/10');

export interface ReconcilerTargets {
  readonly dataplane: Dataplane;
  readonly workloads: Workloads;
  readonly hostPaths: Pick<HostPaths, 'reconcile' | 'isConcerned'>;
  readonly forwarding: Forwarding;
  readonly bird: Renewable;
  readonly otherFirewalls: OtherFirewalls;
  /** What the host itself has has changed: a link that is no workload's, an address. */
  readonly touchHost: () => void;
  readonly log: Log;
}

type Work = 'firewall' | 'links' | 'paths' | 'forwarding' | 'other-firewalls' | 'host';

function nftablesWork(tables: readonly string[]): readonly Work[] {
  const own = tables.filter((table) => table === TABLE || table === STAND_IN_TABLE);
  return [
    ...(own.includes(TABLE) ? (['firewall'] as const) : []),
    ...(own.length < tables.length ? (['other-firewalls'] as const) : []),
  ];
}

function linkWork({ change, link }: Extract<KernelEvent, { kind: 'link' }>): readonly Work[] {
  if (!isWorkloadLink(link)) return change === 'set' ? ['links', 'host'] : ['host'];
  return change === 'set' ? ['links'] : [];
}

function workOf(event: KernelEvent): readonly Work[] {
  switch (event.kind) {
    case 'nftables':
      return nftablesWork(event.tables);
    case 'route':
      return event.change === 'removed' && !OTHERS_ROUTES.has(event.route.protocol) ? ['links'] : [];
    case 'link':
      return linkWork(event);
    case 'overrun':
      return event.of === 'nftables' ? ['firewall', 'other-firewalls'] : ['links', 'forwarding', 'host'];
    case 'queueing':
      return ['links'];
    case 'netconf':
      return ['forwarding', 'links'];
    case 'address':
      return cidrContains(LINK_LOCAL, event.address.address.address) ? [] : ['host'];
    case 'neighbour':
    case 'forwarding':
    case 'rule':
      return [];
  }
}

/** Who has changed the agent's table, by its socket: `nft, process 123`. */
function noteChanger(event: KernelEvent, changers: Map<number, string>): void {
  if (event.kind !== 'nftables' || event.program === undefined || !event.tables.includes(TABLE)) return;
  const { name, pid } = event.program;
  changers.set(event.causedBy, `${name}, process ${pid}`);
}

/** Runs until aborted. */
export async function runReconciler(targets: ReconcilerTargets, signal: AbortSignal): Promise<void> {
  const due = new Set<Work>();
  const changers = new Map<number, string>();
  let timer: ReturnType<typeof setTimeout> | undefined;

  function repair(): void {
    timer = undefined;
    const now = new Set(due);
    due.clear();
    const by = new Map(changers);
    changers.clear();
    try {
      if (now.has('firewall')) targets.dataplane.resync(by);
      if (now.has('links')) targets.workloads.reconcile();
      if (now.has('paths')) targets.hostPaths.reconcile();
      if (now.has('forwarding')) targets.forwarding.restore();
      if (now.has('other-firewalls')) targets.otherFirewalls.touch();
      if (now.has('host')) targets.touchHost();
    } catch (error) {
      targets.log.error('repair the kernel', error);
    }
  }

  const events = observeKernelEvents(signal, [
    'link',
    'route',
    'address',
    'neighbour',
    'rule',
    'queueing',
    'netconf',
    'nftables',
  ]);
  const tidy = tidyBirdRoutes(targets.log);
  const watchAge = watchBirdAge(targets.bird, targets.log);
  for await (const event of events) {
    tidy(event);
    watchAge(event);
    for (const work of workOf(event)) due.add(work);
    if (targets.hostPaths.isConcerned(event)) due.add('paths');
    noteChanger(event, changers);
    if (due.size > 0) timer ??= setTimeout(repair, GATHER_MS);
  }
  clearTimeout(timer);
}
