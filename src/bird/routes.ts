// The routes that BIRD knows, from its `show route`.
import { askBird, type BirdLine } from './control.ts';

interface NextHop {
  /** Undefined where the destination is on the link itself. */
  readonly gateway: string | undefined;
  readonly interfaceName: string;
}

export interface BirdRoute {
  /** `10.0.0.0/24`. */
  readonly destination: string;
  /** `unicast`, `blackhole`, `unreachable` or `prohibited`. */
  readonly action: string;
  /** The name of the protocol that brought it. */
  readonly protocol: string;
  /** It is the best one to its destination, and the kernel took it where it was to. */
  readonly isBest: boolean;
  /** More than one for a route of several paths; none unless it is `unicast`. */
  readonly nextHops: readonly NextHop[];
}

const ROUTE = 1007;

/** `10.0.0.0/24          unicast [direct1 07:04:52] * (240)`; further routes to a destination have blanks for it. */
function tryParseRoute(text: string, before: BirdRoute | undefined): BirdRoute | undefined {
  const match = /^(\S*)\s+(\w+) \[(\S+) [^\]]*\]( [*!])?/.exec(text);
  if (match === null) return undefined;
  const [, written = '', action = '', protocol = '', mark] = match;
  const destination = written === '' ? before?.destination : written;
  return destination === undefined ? undefined : { destination, action, protocol, isBest: mark === ' *', nextHops: [] };
}

/** `	via 10.0.0.1 on eth0 weight 1`, `	dev eth0`. */
function tryParseNextHop(text: string): NextHop | undefined {
  const [, gateway, via, dev] = /^\t(?:via (\S+) on (\S+)|dev (\S+))/.exec(text) ?? [];
  const interfaceName = via ?? dev;
  return interfaceName === undefined ? undefined : { gateway, interfaceName };
}

/** The routes in a reply to `show route`, in its order. */
export function parseRoutes(lines: readonly BirdLine[]): readonly BirdRoute[] {
  const routes: BirdRoute[] = [];
  for (const { text } of lines.filter(({ code }) => code === ROUTE)) {
    const last = routes.at(-1);
    const hop = tryParseNextHop(text);
    if (hop !== undefined && last !== undefined)
      routes[routes.length - 1] = { ...last, nextHops: [...last.nextHops, hop] };
    const route = tryParseRoute(text, last);
    if (route !== undefined) routes.push(route);
  }
  return routes;
}

/** Those of both families. Throws as askBird does. */
export async function observeBirdRoutes(socketPath: string, signal?: AbortSignal): Promise<readonly BirdRoute[]> {
  return parseRoutes(await askBird(socketPath, 'show route', signal));
}
