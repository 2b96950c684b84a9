// Changes of routes, any number of them at once, and what is in the way of one that the kernel refuses.
import { OcicatError } from '../../base/errors.ts';
import { EEXIST, ESRCH, errnoName } from '../../sys/libc.ts';
import * as netlink from '../../sys/netlink.ts';
import { type RefusedItem, requestEach } from './netlink-batch.ts';
import {
  formatRoute,
  observeRoutes,
  type Route,
  RTM_DELROUTE,
  RTM_NEWROUTE,
  sameRoute,
  slotOf,
  writeRoute,
} from './routes.ts';

export interface RouteChange {
  readonly added: readonly Route[];
  readonly removed: readonly Route[];
}

/** A route that could not be changed; the others were. */
export interface RouteFailure {
  readonly route: Route;
  readonly error: OcicatError;
}

const EXCLUSIVE = netlink.NLM_F_CREATE | netlink.NLM_F_EXCL;

/** Returns those that the kernel refuses; `flags`: as of RTM_NEWROUTE, default: where none stands. */
export function sendRoutes(
  socket: netlink.Netlink,
  routes: readonly Route[],
  flags: number = EXCLUSIVE,
): readonly RefusedItem<Route>[] {
  return requestEach(socket, routes, (writer, route, more) => writeRoute(writer, RTM_NEWROUTE, flags | more, route));
}

/** Returns those that the kernel refuses; one that has gone already counts as done. */
export function sendRemovals(socket: netlink.Netlink, routes: readonly Route[]): readonly RefusedItem<Route>[] {
  const refused = requestEach(socket, routes, (writer, route, more) => writeRoute(writer, RTM_DELROUTE, more, route));
  return refused.filter(({ errno }) => errno !== ESRCH);
}

/** What stands where these would, to be asked route by route. */
export function observeStanding(socket: netlink.Netlink, routes: readonly Route[]): (route: Route) => readonly Route[] {
  const tables = [...new Set(routes.map(({ table }) => table))];
  const standing = Map.groupBy(
    tables.flatMap((table) => observeRoutes(socket, { table })),
    slotOf,
  );
  return (route) => standing.get(slotOf(route)) ?? [];
}

export function failureOf(action: string, { item: route, errno }: RefusedItem<Route>): RouteFailure {
  const why = errno === EEXIST ? 'another route to it exists' : `refused with ${errnoName(errno)}`;
  return { route, error: new OcicatError('kernel', `${action} route "${formatRoute(route)}": ${why}`, { errno }) };
}

/**
 * Removes, then adds. A route that is already gone, or already there the same way, counts as done; one that
 * stands in the way of an added route is left alone and reported: it is somebody else's.
 */
export function applyRoutes(socket: netlink.Netlink, { removed, added }: RouteChange): readonly RouteFailure[] {
  const kept = sendRemovals(socket, removed);
  const refused = sendRoutes(socket, added);
  const standingOf = observeStanding(
    socket,
    refused.flatMap(({ errno, item }) => (errno === EEXIST ? [item] : [])),
  );
  const missing = refused.filter(({ item }) => !standingOf(item).some((other) => sameRoute(other, item)));
  return [...kept.map((one) => failureOf('remove', one)), ...missing.map((one) => failureOf('add', one))];
}
