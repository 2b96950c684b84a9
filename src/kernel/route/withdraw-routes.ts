// Takes away the routes to a workload's addresses, and leaves its link.
import { hostCidr } from '../../net/cidr.ts';
import type { Ip } from '../../net/ip.ts';
import { withRouteSocket } from '../../sys/netlink.ts';
import { applyRoutes } from './route-changes.ts';
import { workloadRoute } from './routes.ts';

/** Throws `kernel`. A route that has gone already counts as done. */
export function withdrawRoutes(interfaceIndex: number, addresses: readonly Ip[]): void {
  const removed = addresses.map((address) => workloadRoute(hostCidr(address), interfaceIndex));
  const [failure] = withRouteSocket((socket) => applyRoutes(socket, { added: [], removed }));
  if (failure !== undefined) throw failure.error;
}
