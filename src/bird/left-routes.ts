// Takes away the routes that BIRD leaves in the kernel beside those that it puts in their place.
import type { KernelEvent } from '../kernel/event/events.ts';
import { applyRoutes } from '../kernel/route/route-changes.ts';
import { observeRoutes, PROTOCOL_BIRD, type Route } from '../kernel/route/routes.ts';
import { type BirdRoutes, followBirdRoutes } from '../kernel/route/superseded-routes.ts';
import type { Log } from '../sys/log.ts';
import { withRouteSocket } from '../sys/netlink.ts';

function observe(): BirdRoutes {
  return followBirdRoutes(withRouteSocket((socket) => observeRoutes(socket, { protocol: PROTOCOL_BIRD })));
}

/** Called with every event of the kernel from now on, in order. Throws `kernel`. */
export function tidyBirdRoutes(log: Log): (event: KernelEvent) => void {
  let routes = observe();

  function remove(route: Route): void {
    const [failure] = withRouteSocket((socket) => applyRoutes(socket, { added: [], removed: [route] }));
    if (failure !== undefined) log.error('tidy up after BIRD', failure.error);
  }

  return (event) => {
    if (event.kind === 'overrun' && event.of === 'rtnetlink') routes = observe();
    if (event.kind !== 'route') return;
    if (event.change === 'removed') routes.removed(event.route);
    const before = event.change === 'set' ? routes.set(event.route) : undefined;
    if (before !== undefined) remove(before);
  };
}
