// Garbage collector of links that an earlier run left behind: of an ADD that was killed half-way, or of an endpoint that the
// store does not know.

import type { WorkloadLinks } from '../../attach/context.ts';
import type { NodeCache } from '../../attach/endpoint/node-cache.ts';
import { printResourceKey } from '../../datastore/resource/resource-codec.ts';
import { REMOVAL_GROUP } from '../../kernel/link/removal-group.ts';
import type { WorkloadLinkState } from '../../kernel/link/workload-link.ts';
import { isWholeAlias } from '../../kernel/link/workload-link-spec.ts';
import type { Ip } from '../../net/ip.ts';
import type { Log } from '../../sys/log.ts';

export interface LinkCollectorTargets {
  /** In sync. */
  readonly cache: Pick<NodeCache, 'known'>;
  readonly links: Pick<WorkloadLinks, 'observe' | 'remove' | 'endFlows'>;
  /** The addresses that the kernel routes through a link. */
  readonly routedAddresses: (interfaceIndex: number) => readonly Ip[];
  /** Takes the routes to them away. */
  readonly withdraw: (interfaceIndex: number, addresses: readonly Ip[]) => void;
  /** Links that were closed before, by name and endpoint; grows. */
  readonly closed: Set<string>;
  readonly log: Log;
}

/** Whether the store, as far as this node's part of it is remembered, says that there is no such endpoint. */
function isAbsent(cache: LinkCollectorTargets['cache'], id: string): boolean {
  const [namespace = '', name = ''] = id.split('/');
  const cached = cache.known(printResourceKey({ kind: 'WorkloadEndpoint', namespace, name }));
  return cached !== undefined && cached.value === undefined;
}

/**
 * Whether an ADD that was killed half-way has left the link. ADD writes the alias before it raises the link, so one
 * that is up without an alias is somebody else's, Calico's for example.
 */
function isUnfinished(link: WorkloadLinkState): boolean {
  return link.endpoint === undefined && !link.up;
}

/** Whether a link is this node's and the store does not know its endpoint. */
function isUnknown(cache: LinkCollectorTargets['cache'], link: WorkloadLinkState): boolean {
  return link.endpoint !== undefined && isWholeAlias(link) && isAbsent(cache, link.endpoint);
}

/** One that cannot be dealt with is logged and does not keep the others. */
async function attempt(log: Log, action: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    log.error(action, error);
  }
}

/** Removes what was never finished: at the start, when no ADD is under way. */
export async function removeUnfinished({ links, log }: LinkCollectorTargets): Promise<void> {
  for (const link of links.observe()) {
    if (link.group === REMOVAL_GROUP || !isUnfinished(link)) continue;
    await attempt(log, `remove link "${link.name}", which was never finished`, async () => {
      await links.remove(link.name);
      log.warn(`link "${link.name}" removed: it was never finished`);
    });
  }
}

/**
 * A link whose endpoint is unknown stays: its pod lives, and the store may be another one than it was, emptied, or a
 * backup that does not have it yet. Policy has closed it; nothing leads to its addresses any more, which the store may
 * give to others, until the store knows its endpoint again.
 */
export async function closeUnknown(targets: LinkCollectorTargets): Promise<void> {
  const { cache, links, routedAddresses, withdraw, closed, log } = targets;
  for (const link of links.observe()) {
    if (link.group === REMOVAL_GROUP || !isUnknown(cache, link)) continue;
    const addresses = routedAddresses(link.index);
    const mark = `${link.name} ${link.endpoint}`;
    if (addresses.length === 0 && closed.has(mark)) continue;
    await attempt(log, `close link "${link.name}"`, async () => {
      withdraw(link.index, addresses);
      await links.endFlows(addresses);
      closed.add(mark);
      log.warn(
        `link "${link.name}" is closed and kept: its endpoint ${link.endpoint} is not in the datastore, which may be younger than the link`,
      );
    });
  }
}
