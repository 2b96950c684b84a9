// What a workload reaches by the interface of one network, also where another of its interfaces has the preference: the routes of
// the provider of addresses, those that are asked for, and the pools that are named.
import { formatCidr, tryParseCidr } from '../net/cidr.ts';
import type { Operation } from './operation.ts';
import type { AttachRequest, Route } from './request.ts';

/** A pool that has gone leads nowhere. */
function namedPools({ context, request }: Operation<AttachRequest>): readonly Route[] {
  const { ipv4Pools, ipv6Pools } = request;
  const pools = context.cache.ipam.pools();
  return [...ipv4Pools, ...ipv6Pools].flatMap((wanted) => {
    const destination = tryParseCidr(wanted) ?? pools.find(({ name }) => name === wanted)?.cidr;
    return destination === undefined ? [] : [{ destination }];
  });
}

/** Each destination once. */
export function routesOf(operation: Operation<AttachRequest>, provided: readonly Route[] = []): readonly Route[] {
  const routes = [...provided, ...operation.request.routes, ...namedPools(operation)];
  return [...new Map(routes.toReversed().map((route) => [formatCidr(route.destination), route])).values()].toReversed();
}
