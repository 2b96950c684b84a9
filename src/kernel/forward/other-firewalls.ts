// All that other firewalls of this host do to packets of workloads, in whichever tables.
import type { ForwardFilter } from '../../firewall/forward/filter.ts';
import { computeForwardFindings, type ForwardFinding } from '../../firewall/forward/findings.ts';
import { computeForwardPackets } from '../../firewall/forward/packets.ts';
import { observeLegacyFilters } from './legacy.ts';
import { observeForwardFilters, observeForwardScene } from './observe.ts';

export interface ObservedFirewalls {
  readonly filters: readonly ForwardFilter[];
  readonly findings: readonly ForwardFinding[];
  /** A program without which some rules cannot be read. */
  readonly unreadable: string | undefined;
}

/** In the calling process's network namespace. Throws `kernel`. */
export function observeOtherFirewalls(): ObservedFirewalls {
  const legacy = observeLegacyFilters();
  const filters = [...observeForwardFilters(), ...(legacy.kind === 'read' ? legacy.filters : [])];
  const findings =
    filters.length === 0 ? [] : computeForwardFindings(filters, computeForwardPackets(observeForwardScene()));
  return { filters, findings, unreadable: legacy.kind === 'read' ? undefined : legacy.program };
}
