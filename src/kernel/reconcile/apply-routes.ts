// Sets routes to other hosts, each by one message, so that no packet meets a moment without; and finds out what to do where the
// kernel refuses one.
import { cidrFamily, hostCidr } from '../../net/cidr.ts';
import { EEXIST, EINVAL } from '../../sys/libc.ts';
import * as netlink from '../../sys/netlink.ts';
import { type RefusedItem, requestEach } from '../route/netlink-batch.ts';
import {
  failureOf,
  observeRoutes,
  PROTOCOL_BIRD,
  type Route,
  type RouteFailure,
  RTM_DELROUTE,
  RTM_NEWROUTE,
  sameRoute,
  writeRoute,
} from '../route/routes.ts';
import { type PathDifference, slotOf } from './path-difference.ts';

const REPLACE = netlink.NLM_F_CREATE | netlink.NLM_F_REPLACE;
const EXCLUSIVE = netlink.NLM_F_CREATE | netlink.NLM_F_EXCL;

function send(
  socket: netlink.Netlink,
  routes: readonly Route[],
  flags: number,
  type = RTM_NEWROUTE,
): readonly RefusedItem<Route>[] {
  return requestEach(socket, routes, (writer, route, more) => writeRoute(writer, type, flags | more, route));
}

/** What stands where these would: of each the routes to the same destination with the same metric. */
function observeStanding(socket: netlink.Netlink, routes: readonly Route[]): (route: Route) => readonly Route[] {
  const tables = [...new Set(routes.map(({ table }) => table))];
  const standing = Map.groupBy(
    tables.flatMap((table) => observeRoutes(socket, { table })),
    slotOf,
  );
  return (route) => standing.get(slotOf(route)) ?? [];
}

/**
 * IPv6 refuses a gateway that another route has behind another link, even as one that is "onlink" (net/ipv6/route.c,
 * ip6_route_check_nh_onlink): the tunnel end of a host whose block has led another way until now. Undefined where that is not why.
 */
function routeToGateway({ item: route, errno }: RefusedItem<Route>): Route | undefined {
  if (errno !== EINVAL || route.gateway === undefined || cidrFamily(route.destination) === 4) return undefined;
  return { ...route, destination: hostCidr(route.gateway), gateway: undefined, onlink: false };
}

/** BIRD is this agent's too: what it says of a destination gives way to what is now said here. */
function givesWay(other: Route, route: Route): boolean {
  return other.protocol === PROTOCOL_BIRD || other.protocol === route.protocol;
}

function setRefused(socket: netlink.Netlink, refused: readonly RefusedItem<Route>[]): readonly RouteFailure[] {
  const helpers = refused.flatMap((one) => routeToGateway(one) ?? []);
  const mayBeSet = refused.filter((one) => one.errno === EEXIST || routeToGateway(one) !== undefined);
  const standingOf = observeStanding(
    socket,
    mayBeSet.map(({ item }) => item),
  );
  const missing = mayBeSet.filter(({ item }) => !standingOf(item).some((other) => sameRoute(other, item)));
  const isFree = ({ item }: RefusedItem<Route>) => standingOf(item).every((other) => givesWay(other, item));
  send(socket, helpers, EXCLUSIVE);
  const again = send(
    socket,
    missing.filter(isFree).map(({ item }) => item),
    REPLACE,
  );
  send(socket, helpers, 0, RTM_DELROUTE);
  const taken = missing.filter((one) => !isFree(one)).map((one) => ({ ...one, errno: EEXIST }));
  return [...taken, ...again, ...refused.filter((one) => !mayBeSet.includes(one))].map((one) => failureOf('add', one));
}

/** Returns those that could not be set: somebody else's are in the way, or the kernel refuses them. */
export function setRoutes(
  socket: netlink.Netlink,
  { set, replaced }: PathDifference['routes'],
): readonly RouteFailure[] {
  const refused = [...send(socket, replaced, REPLACE), ...send(socket, set, EXCLUSIVE)];
  return refused.length === 0 ? [] : setRefused(socket, refused);
}
