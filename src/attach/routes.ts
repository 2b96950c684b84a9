// What a container reaches by the interface of one network, also where another of its interfaces has the preference: the routes of
// the IPAM plugin, those of the file, and the pools that the file names.
import type { CniResult, ResultRoute } from '../cni/spec/result.ts';
import { formatCidr, tryParseCidr } from '../net/cidr.ts';
import type { CniTask } from './task.ts';

/** A pool that has gone leads nowhere. */
function namedPools({ context, request }: CniTask): readonly ResultRoute[] {
  const { ipv4Pools, ipv6Pools } = request.config.ipam;
  const pools = context.memory.ipam.pools();
  return [...ipv4Pools, ...ipv6Pools].flatMap((wanted) => {
    const destination = tryParseCidr(wanted) ?? pools.find(({ name }) => name === wanted)?.cidr;
    return destination === undefined ? [] : [{ destination }];
  });
}

/** Each destination once; `given` is what the IPAM plugin has answered, if it was asked. */
export function routesOf(task: CniTask, given: CniResult['routes'] = []): readonly ResultRoute[] {
  const routes = [...given, ...task.request.config.ipam.routes, ...namedPools(task)];
  return [...new Map(routes.toReversed().map((route) => [formatCidr(route.destination), route])).values()].toReversed();
}
