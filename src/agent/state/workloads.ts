// This node's workloads: what they want of the kernel, and the kernel made so.
import { sameContent } from '../../base/equal.ts';
import { observeWorkloadLinks } from '../../kernel/link/workload-link.ts';
import { type Reconciliation, reconcileKernel } from '../../kernel/reconcile/reconcile.ts';
import {
  computeStateOfLinks,
  computeWorkloadsState,
  type LocalWorkload,
} from '../../kernel/reconcile/workload-state.ts';
import { formatRoute } from '../../kernel/route/routes.ts';
import { formatIp } from '../../net/ip.ts';
import type { PolicyUpdate } from '../../policy/types/input.ts';
import type { Log } from '../../sys/log.ts';

export interface Workloads {
  /** Takes in what a policy update says about an endpoint of this node. */
  update(update: PolicyUpdate): void;
  /** Ids of endpoints whose host link is not there. */
  missing(): ReadonlySet<string>;
  /** Makes the kernel as all of them want it: somebody else, or an earlier version, may have made it otherwise. */
  reconcile(): void;
  /** The same for those that have changed since the last call. */
  reconcileChanged(): void;
}

function workloadOf(update: Extract<PolicyUpdate, { kind: 'endpoint' }>): LocalWorkload | undefined {
  const { id, value } = update;
  if (value?.local === undefined) return undefined;
  const { interfaceName, mac, allowedSources } = value.local;
  const { addresses, partial: isPartial } = value;
  return { id, interfaceName, addresses, mac, maySpoof: allowedSources.length > 0, isPartial };
}

/** Each thing that was not as wanted goes to `tell`, with `done` for what was done about it. */
function report(
  { difference, failures }: Reconciliation,
  log: Log,
  notify: (line: string) => void,
  done: string,
): void {
  const { links, routes, neighbours } = difference;
  for (const failure of failures) log.error('make the links of workloads as they are wanted', failure);
  for (const { hostName } of links) notify(`link ${done}: ${hostName}, its settings`);
  for (const route of routes.added) notify(`route ${done}: ${formatRoute(route)}`);
  for (const route of routes.removed) notify(`route removed, which no workload wants: ${formatRoute(route)}`);
  for (const { address, interfaceIndex } of neighbours)
    notify(`neighbour ${done}: ${formatIp(address)} interface ${interfaceIndex}`);
}

export function createWorkloads(log: Log): Workloads {
  const all = new Map<string, LocalWorkload>();
  /** Names of links. */
  const changed = new Set<string>();

  /** A workload that comes is connected by whoever attaches it, unless it is one that may do more than others. */
  function noteChange(before: LocalWorkload | undefined, now: LocalWorkload): void {
    const isChange = before === undefined ? now.maySpoof : !sameContent(before, now);
    if (isChange) changed.add(now.interfaceName);
  }

  return {
    update(update) {
      if (update.kind !== 'endpoint') return;
      const workload = workloadOf(update);
      if (workload === undefined) return void all.delete(update.id);
      noteChange(all.get(update.id), workload);
      all.set(update.id, workload);
    },
    missing() {
      const names = new Set(observeWorkloadLinks().map((link) => link.name));
      const missing = [...all.values()].filter(({ interfaceName }) => !names.has(interfaceName));
      return new Set(missing.map(({ id }) => id));
    },
    reconcile() {
      changed.clear();
      report(reconcileKernel(computeWorkloadsState([...all.values()])), log, log.warn, 'restored');
    },
    reconcileChanged() {
      if (changed.size === 0) return;
      const names = new Set(changed);
      changed.clear();
      report(reconcileKernel(computeStateOfLinks([...all.values()], names)), log, log.info, 'set');
    },
  };
}
