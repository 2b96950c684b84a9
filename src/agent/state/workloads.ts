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
import { removeLeftIfbs } from '../../kernel/shaping/shaping.ts';
import { formatIp } from '../../net/ip.ts';
import { familiesFromLoopback } from '../../net/port-mapping.ts';
import type { PolicyUpdate } from '../../policy/types/input.ts';
import type { Log } from '../../sys/log.ts';
import { withRouteSocket } from '../../sys/netlink.ts';

/** Whether floating addresses lead to their endpoints, and whether endpoints may send from addresses that are not theirs. */
interface AllowedSpecials {
  readonly floatingAddresses: boolean;
  readonly sourceSpoofing: boolean;
}

export interface Workloads {
  /** Takes in what a policy update says about an endpoint of this node. */
  update(update: PolicyUpdate): void;
  /** What endpoints may be more than others are; until told so they are not. */
  setAllowed(allowed: AllowedSpecials): void;
  /** Ids of endpoints whose host link is not there. */
  missing(): ReadonlySet<string>;
  /** Makes the kernel as all of them want it: somebody else, or an earlier version, may have made it otherwise. */
  reconcile(): void;
  /** The same for those that have changed since the last call. */
  reconcileChanged(): void;
}

type EndpointUpdate = Extract<PolicyUpdate, { kind: 'endpoint' }>;

/** What an endpoint asks for beyond what all have. */
type Specials = Pick<LocalWorkload, 'floating' | 'maySpoof' | 'fromLoopback'>;

function specialsOf({ value }: EndpointUpdate): Specials {
  const { floating = [], allowedSources = [], portMappings = [] } = value?.local ?? {};
  return {
    floating: floating.map(({ external }) => external),
    maySpoof: allowedSources.length > 0,
    fromLoopback: familiesFromLoopback(portMappings),
  };
}

function workloadOf({ id, value }: EndpointUpdate, specials: Specials): LocalWorkload | undefined {
  if (value?.local === undefined) return undefined;
  const { interfaceName, mac, bandwidth = {} } = value.local;
  const { addresses, partial: isPartial } = value;
  return { id, interfaceName, addresses, mac, bandwidth, isPartial, ...specials };
}

/** Whether it is all that whoever attaches it makes of it. */
function isPlain({ maySpoof, fromLoopback, floating, bandwidth }: LocalWorkload): boolean {
  return (
    !maySpoof &&
    fromLoopback.length === 0 &&
    floating.length === 0 &&
    bandwidth.ingress === undefined &&
    bandwidth.egress === undefined
  );
}

/** Each thing that was not as wanted goes to `tell`, with `done` for what was done about it. */
function report(
  { difference, shaped, failures }: Reconciliation,
  log: Log,
  notify: (line: string) => void,
  done: string,
): void {
  const { links, routes, neighbours } = difference;
  for (const failure of failures) log.error('make the links of workloads as they are wanted', failure);
  for (const { hostName } of links) notify(`link ${done}: ${hostName}, its settings`);
  for (const name of shaped) notify(`link ${done}: ${name}, its bandwidth`);
  for (const route of routes.added) notify(`route ${done}: ${formatRoute(route)}`);
  for (const route of routes.removed) notify(`route removed, which no workload wants: ${formatRoute(route)}`);
  for (const { address, interfaceIndex } of neighbours)
    notify(`neighbour ${done}: ${formatIp(address)} interface ${interfaceIndex}`);
}

export function createWorkloads(log: Log): Workloads {
  const all = new Map<string, LocalWorkload>();
  /** Names of links. */
  const changed = new Set<string>();
  /** A workload whose sending was bounded is gone, or is another one now. */
  let mayHaveLeft = false;
  /** What endpoints ask for, by id; those that ask for nothing are not in it. */
  const asking = new Map<string, Specials>();
  let allowed: AllowedSpecials = { floatingAddresses: false, sourceSpoofing: false };

  function granted({ floating, maySpoof, fromLoopback }: Specials): Specials {
    return {
      floating: allowed.floatingAddresses ? floating : [],
      maySpoof: allowed.sourceSpoofing && maySpoof,
      fromLoopback,
    };
  }

  /** A workload that comes is connected by whoever attaches it, unless it is one that may do more than others. */
  function noteChange(before: LocalWorkload | undefined, now: LocalWorkload): void {
    const isChange = before === undefined ? !isPlain(now) : !sameContent(before, now);
    if (isChange) changed.add(now.interfaceName);
  }

  function put(workload: LocalWorkload): void {
    noteChange(all.get(workload.id), workload);
    all.set(workload.id, workload);
  }

  function removeLeft(): void {
    mayHaveLeft = false;
    const sending = [...all.values()].filter(({ bandwidth }) => bandwidth.egress !== undefined);
    const names = sending.map(({ interfaceName }) => interfaceName);
    const removed = withRouteSocket((socket) => removeLeftIfbs(socket, names));
    for (const name of removed)
      log.info(`link removed: ${name}, of a workload that is gone or sends as much as it can`);
  }

  return {
    update(update) {
      if (update.kind !== 'endpoint') return;
      const specials = specialsOf(update);
      if (specials.floating.length > 0 || specials.maySpoof) asking.set(update.id, specials);
      else asking.delete(update.id);
      const workload = workloadOf(update, granted(specials));
      if (all.get(update.id)?.bandwidth.egress !== undefined) mayHaveLeft = true;
      if (workload === undefined) all.delete(update.id);
      else put(workload);
    },
    setAllowed(next) {
      allowed = next;
      for (const [id, specials] of asking) {
        const workload = all.get(id);
        if (workload !== undefined) put({ ...workload, ...granted(specials) });
      }
    },
    missing() {
      const names = new Set(observeWorkloadLinks().map((link) => link.name));
      const missing = [...all.values()].filter(({ interfaceName }) => !names.has(interfaceName));
      return new Set(missing.map(({ id }) => id));
    },
    reconcile() {
      changed.clear();
      report(reconcileKernel(computeWorkloadsState([...all.values()])), log, log.warn, 'restored');
      removeLeft();
    },
    reconcileChanged() {
      if (mayHaveLeft) removeLeft();
      if (changed.size === 0) return;
      const names = new Set(changed);
      changed.clear();
      const outcome = reconcileKernel(computeStateOfLinks([...all.values()], names));
      for (const name of outcome.absent) changed.add(name); // it is still to be made
      report(outcome, log, log.info, 'set');
    },
  };
}
