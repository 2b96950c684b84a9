// Sets routes to other hosts, each by one message, so that no packet meets a moment without; and finds out what to do where the
// kernel refuses one.
import { cidrFamily, hostCidr } from '../../net/cidr.ts';
import { EEXIST, EINVAL } from '../../sys/libc.ts';
import * as netlink from '../../sys/netlink.ts';
import type { RefusedItem } from '../route/netlink-batch.ts';
import { failureOf, observeStanding, type RouteFailure, sendRemovals, sendRoutes } from '../route/route-changes.ts';
import { PROTOCOL_BIRD, type Route, sameRoute } from '../route/routes.ts';
import type { PathDifference } from './path-difference.ts';

const REPLACE = netlink.NLM_F_CREATE | netlink.NLM_F_REPLACE;

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

/** While the ways to their gateways stand. */
function replaceRoutes(
  socket: netlink.Netlink,
  routes: readonly Route[],
  toGateways: readonly Route[],
): readonly RefusedItem<Route>[] {
  sendRoutes(socket, toGateways);
  const refused = sendRoutes(socket, routes, REPLACE);
  sendRemovals(socket, toGateways);
  return refused;
}

function setRefused(socket: netlink.Netlink, refused: readonly RefusedItem<Route>[]): readonly RouteFailure[] {
  const mayBeSet = (one: RefusedItem<Route>) => one.errno === EEXIST || routeToGateway(one) !== undefined;
  const candidates = refused.filter(mayBeSet);
  const standingOf = observeStanding(
    socket,
    candidates.map(({ item }) => item),
  );
  const missing = candidates.filter(({ item }) => !standingOf(item).some((other) => sameRoute(other, item)));
  const isFree = ({ item }: RefusedItem<Route>) => standingOf(item).every((other) => givesWay(other, item));
  const free = missing.filter(isFree);
  const again = replaceRoutes(
    socket,
    free.map(({ item }) => item),
    free.flatMap((one) => routeToGateway(one) ?? []),
  );
  const taken = missing.filter((one) => !isFree(one)).map((one) => ({ ...one, errno: EEXIST }));
  return [...taken, ...again, ...refused.filter((one) => !mayBeSet(one))].map((one) => failureOf('add', one));
}

/** Returns those that could not be set: somebody else's are in the way, or the kernel refuses them. */
export function setRoutes(
  socket: netlink.Netlink,
  { set, replaced }: PathDifference['routes'],
): readonly RouteFailure[] {
  const refused = [...sendRoutes(socket, replaced, REPLACE), ...sendRoutes(socket, set)];
  return refused.length === 0 ? [] : setRefused(socket, refused);
}
