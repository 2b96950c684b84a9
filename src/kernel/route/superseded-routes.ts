// BIRD puts a route whose metric has changed beside the one of before (it replaces what has the same metric, Linux's only
// key beside the destination), and looks at the first alone afterwards. The one of before would win for as long as it is the better one.
import { formatCidr } from '../../net/cidr.ts';
import { PROTOCOL_BIRD, type Route, TABLE_MAIN } from './routes.ts';

export interface BirdRoutes {
  /** Takes in a route that was set; the one to its destination that it stands in for, to be removed. */
  set(route: Route): Route | undefined;
  removed(route: Route): void;
}

/** By destination, metric and kind alone: whatever it leads to. */
function bare({ destination, table, protocol, scope, type, metric }: Route): Route {
  const nowhere = { interfaceIndex: undefined, gateway: undefined, source: undefined };
  return { destination, table, protocol, scope, type, metric, ...nowhere };
}

/** Of the main table; `there` are those that stand. Other routes are passed over. */
export function followBirdRoutes(there: readonly Route[]): BirdRoutes {
  const last = new Map<string, Route>();
  const isBirds = ({ protocol, table }: Route) => protocol === PROTOCOL_BIRD && table === TABLE_MAIN;

  function set(route: Route): Route | undefined {
    if (!isBirds(route)) return undefined;
    const key = formatCidr(route.destination);
    const before = last.get(key);
    if (before?.metric === route.metric) return undefined;
    last.set(key, bare(route));
    return before;
  }

  for (const route of there) set(route);
  return {
    set,
    removed(route) {
      const key = formatCidr(route.destination);
      if (isBirds(route) && last.get(key)?.metric === route.metric) last.delete(key);
    },
  };
}
