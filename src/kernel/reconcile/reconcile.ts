// Makes the links of workloads, their routes and neighbours as they are wanted: looks at what is there, computes the difference, applies it.
import { OcicatError } from '../../base/errors.ts';
import { formatIp } from '../../net/ip.ts';
import * as netlink from '../../sys/netlink.ts';
import {
  applyHostSettings,
  type ObservedHostEnd,
  observeHostEnd,
  observeHostEnds,
} from '../link/workload-link-host.ts';
import { observeNeighbours, writePermanentNeighbour } from '../route/neighbours.ts';
import { requestEach } from '../route/netlink-batch.ts';
import { applyRoutes, type RouteChange } from '../route/route-changes.ts';
import { observeRoutes, PATH_PROTOCOL, PROTOCOL_BIRD, type Route } from '../route/routes.ts';
import { reconcileShaping } from '../shaping/shaping.ts';
import { type AddedNeighbour, computeDifference, type KernelDifference, type ObservedState } from './difference.ts';
import type { KernelState } from './state.ts';

/** From so many links on, reading all is faster than asking for each. */
const MOST_ASKED = 16;

/** None of them leads to a workload. */
const NOT_OF_WORKLOADS: ReadonlySet<number> = new Set([PATH_PROTOCOL, PROTOCOL_BIRD]);

interface Observed extends ObservedState {
  readonly links: readonly ObservedHostEnd[];
}

/** What there is of the links that are in the state, and of all others when these are many. */
function observeState(socket: netlink.Netlink, { links }: KernelState): Observed {
  if (links.size > MOST_ASKED)
    return {
      links: observeHostEnds(socket),
      routes: observeRoutes(socket, { without: NOT_OF_WORKLOADS }),
      neighbours: observeNeighbours(socket),
    };
  const hostEnds = [...links.keys()].flatMap((name) => observeHostEnd(socket, name) ?? []);
  const up = hostEnds.filter((link) => link.up);
  return {
    links: hostEnds,
    routes: up.flatMap(({ index }) => observeRoutes(socket, { interfaceIndex: index })),
    neighbours: up.flatMap(({ index }) => observeNeighbours(socket, index)),
  };
}

function applyNeighbours(socket: netlink.Netlink, added: readonly AddedNeighbour[]): readonly OcicatError[] {
  const refused = requestEach(socket, added, (writer, { interfaceIndex, address, mac }, flags) =>
    writePermanentNeighbour(writer, interfaceIndex, address, mac, flags),
  );
  return refused.map((one) => netlink.refusalError(`add neighbour "${formatIp(one.item.address)}"`, one));
}

function applySettings(links: KernelDifference['links']): readonly OcicatError[] {
  try {
    if (links.length > 0) applyHostSettings(links);
    return [];
  } catch (error) {
    if (error instanceof OcicatError) return [error];
    throw error;
  }
}

export interface Reconciliation {
  /** What was not as wanted; of routes, those that are now. */
  readonly difference: KernelDifference;
  /** Links that are wanted and are not there. */
  readonly absent: readonly string[];
  /** Links whose bandwidth is another now. */
  readonly shaped: readonly string[];
  /** What is not as wanted still, and why. */
  readonly failures: readonly OcicatError[];
}

function withoutRoutes({ added, removed }: RouteChange, failed: ReadonlySet<Route>): RouteChange {
  return { added: added.filter((route) => !failed.has(route)), removed: removed.filter((route) => !failed.has(route)) };
}

/** Settings first: a route opens the way to a link. What cannot be done does not keep the rest from being done. */
function applyDifference(
  socket: netlink.Netlink,
  difference: KernelDifference,
): Pick<Reconciliation, 'difference' | 'failures'> {
  const settingFailures = applySettings(difference.links);
  const routeFailures = applyRoutes(socket, difference.routes);
  const neighbourFailures = applyNeighbours(socket, difference.neighbours);
  const failed = new Set(routeFailures.map(({ route }) => route));
  return {
    difference: { ...difference, routes: withoutRoutes(difference.routes, failed) },
    failures: [...settingFailures, ...routeFailures.map(({ error }) => error), ...neighbourFailures],
  };
}

/** In the calling thread's network namespace. Synchronous; throws `kernel` when the kernel cannot be read. */
export function reconcileKernel(desired: KernelState): Reconciliation {
  return netlink.withRouteSocket((socket) => {
    const observed = observeState(socket, desired);
    const bandwidths = new Map([...desired.links].map(([name, { bandwidth }]) => [name, bandwidth]));
    const shaping = reconcileShaping(socket, observed.links, bandwidths);
    const { difference, failures } = applyDifference(socket, computeDifference(desired, observed));
    const names = new Set(observed.links.map(({ name }) => name));
    const absent = [...desired.links.keys()].filter((name) => !names.has(name));
    return { difference, absent, shaped: shaping.changed, failures: [...shaping.failures, ...failures] };
  });
}
