// What must change so that the kernel is as it is wanted: computed from what is wanted and what is there, and from nothing else.
import { formatCidr, isHostCidr } from '../../net/cidr.ts';
import type { Ip } from '../../net/ip.ts';
import { formatIp } from '../../net/ip.ts';
import type { Mac } from '../../net/mac.ts';
import type { Link } from '../link/links.ts';
import { type HostEnd, type HostSettings, holdsSettings, type ObservedSettings } from '../link/workload-link-host.ts';
import type { Neighbour } from '../route/neighbours.ts';
import type { RouteChange } from '../route/route-changes.ts';
import { loopbackRoute, type Route, sameRoute, WORKLOAD_ROUTE_PROTOCOL, workloadRoute } from '../route/routes.ts';
import type { KernelState } from './state.ts';

export interface ObservedLink extends Pick<Link, 'index' | 'name' | 'up'> {
  readonly settings: ObservedSettings;
}

export interface ObservedState {
  readonly links: readonly ObservedLink[];
  readonly routes: readonly Route[];
  readonly neighbours: readonly Neighbour[];
}

/** To be made permanent. */
export interface AddedNeighbour {
  readonly interfaceIndex: number;
  readonly address: Ip;
  readonly mac: Mac;
}

export interface KernelDifference {
  /** Links whose settings are to be made. */
  readonly links: readonly HostEnd[];
  readonly routes: RouteChange;
  readonly neighbours: readonly AddedNeighbour[];
}

function linkDifference(desired: KernelState['links'], links: readonly ObservedLink[]): readonly HostEnd[] {
  return links.flatMap(({ name, settings }) => {
    const wanted: HostSettings | undefined = desired.get(name)?.settings;
    return wanted === undefined || holdsSettings(settings, wanted) ? [] : [{ ...wanted, hostName: name }];
  });
}

/** Such a route as a state wants them: another route through the link is somebody's who knows why. */
function isOurs(route: Route, interfaceIndex: number): boolean {
  const { destination, protocol } = route;
  return (
    protocol === WORKLOAD_ROUTE_PROTOCOL &&
    isHostCidr(destination) &&
    [workloadRoute(destination, interfaceIndex), loopbackRoute(interfaceIndex)].some((one) => sameRoute(route, one))
  );
}

function routeDifference(
  { links, routes }: KernelState,
  up: ReadonlyMap<string, ObservedLink>,
  observed: readonly Route[],
): RouteChange {
  const wanted = [...routes.values()].flatMap((route) => {
    const link = up.get(route.interfaceName);
    return link === undefined ? [] : [workloadRoute(route.destination, link.index)];
  });
  wanted.push(
    ...[...up.values()].flatMap(({ name, index }) => (links.get(name)?.answersLoopback6 ? [loopbackRoute(index)] : [])),
  );
  const whole = new Set([...up.values()].filter(({ name }) => links.get(name)?.isWhole).map(({ index }) => index));
  const standing = Map.groupBy(observed, ({ destination }) => formatCidr(destination));
  const kept = new Set<Route>();
  const added = wanted.filter((route) => {
    const same = standing.get(formatCidr(route.destination))?.filter((other) => sameRoute(route, other)) ?? [];
    for (const one of same) kept.add(one);
    return same.length === 0;
  });
  const removed = observed.filter(
    (route) =>
      route.interfaceIndex !== undefined &&
      whole.has(route.interfaceIndex) &&
      !kept.has(route) &&
      isOurs(route, route.interfaceIndex),
  );
  return { added, removed };
}

/** A neighbour entry is added once: a pod may change its MAC address, and the entry then follows the pod and not the store. */
function neighbourDifference(
  desired: KernelState['neighbours'],
  up: ReadonlyMap<string, ObservedLink>,
  observed: readonly Neighbour[],
): readonly AddedNeighbour[] {
  const keyOf = (index: number, address: Ip) => `${index} ${formatIp(address)}`;
  const standing = new Set(
    observed.filter(({ permanent }) => permanent).map((one) => keyOf(one.interfaceIndex, one.address)),
  );
  return desired.flatMap(({ interfaceName, address, mac }) => {
    const index = up.get(interfaceName)?.index;
    return index === undefined || standing.has(keyOf(index, address)) ? [] : [{ interfaceIndex: index, address, mac }];
  });
}

/** Links that are not in the desired state are left alone; routes and neighbours come to links that are up. */
export function computeDifference(desired: KernelState, observed: ObservedState): KernelDifference {
  const isDesired = (link: ObservedLink): boolean => link.up && desired.links.get(link.name) !== undefined;
  const up = new Map(observed.links.filter(isDesired).map((link) => [link.name, link]));
  return {
    links: linkDifference(desired.links, observed.links),
    routes: routeDifference(desired, up, observed.routes),
    neighbours: neighbourDifference(desired.neighbours, up, observed.neighbours),
  };
}
