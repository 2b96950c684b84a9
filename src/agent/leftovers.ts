// Links that an earlier run left behind: of an ADD that was killed half-way, or of an endpoint that somebody has taken out
// of the store while no agent ran. Nobody will ever ask for their removal.
import { printResourceKey } from '../datastore/resource-codec.ts';
import { REMOVAL_GROUP } from '../kernel/removal-group.ts';
import type { WorkloadLinkState } from '../kernel/workload-link.ts';
import { isWholeAlias } from '../kernel/workload-link-spec.ts';
import type { Ip } from '../net/ip.ts';
import type { WorkloadLinks } from './cni-context.ts';
import type { CniMemory } from './cni-memory.ts';
import type { Log } from './log.ts';

export interface LeftoverTargets {
  /** In sync. */
  readonly memory: Pick<CniMemory, 'known'>;
  readonly links: Pick<WorkloadLinks, 'observe' | 'remove' | 'endFlows'>;
  /** The addresses that the kernel routes through a link. */
  readonly routedAddresses: (interfaceIndex: number) => readonly Ip[];
  readonly log: Log;
}

/** Whether the store, as far as this node's part of it is remembered, says that there is no such endpoint. */
function isAbsent(memory: LeftoverTargets['memory'], id: string): boolean {
  const [namespace = '', name = ''] = id.split('/');
  const cell = memory.known(printResourceKey({ kind: 'WorkloadEndpoint', namespace, name }));
  return cell !== undefined && cell.value === undefined;
}

/**
 * Why a link is a left-over; undefined for one that is not, or about which nothing certain can be said. Without an alias it
 * must be down: ADD writes the alias before it raises the link, so one that is up is somebody else's, Calico's for example.
 */
function whyLeftOver(memory: LeftoverTargets['memory'], link: WorkloadLinkState): string | undefined {
  if (link.group === REMOVAL_GROUP) return undefined;
  if (link.endpoint === undefined) return link.up ? undefined : 'it was never finished';
  return isWholeAlias(link) && isAbsent(memory, link.endpoint)
    ? `its endpoint ${link.endpoint} is not in the datastore`
    : undefined;
}

/** Removes the left-overs of this moment. One that cannot be removed is logged and does not keep the others. */
export async function removeLeftovers({ memory, links, routedAddresses, log }: LeftoverTargets): Promise<void> {
  for (const link of links.observe()) {
    const why = whyLeftOver(memory, link);
    if (why === undefined) continue;
    try {
      const addresses = routedAddresses(link.index);
      await links.remove(link.name);
      await links.endFlows(addresses);
      log.warn(`link "${link.name}" removed: ${why}`);
    } catch (error) {
      log.error(`remove link "${link.name}": ${why}`, error);
    }
  }
}
